//! Arguments that no function can work with. In: each of them; out: an error that names the function and the argument, never a panic.

use std::path::Path;
use std::sync::Arc;

use snn_data::{
    Event, Events, Length, Loader, LoaderConfig, SaccadesConfig, Samples, Sensor, SplitBy, aedat_v2, aedat_v3, atis_bin,
    fixed_duration_frames_num, integrate_events_by_fixed_duration, integrate_events_by_fixed_frames_number, npz, saccades,
};

const NPZ: &[u8] = include_bytes!("files/events_u32.npz");

fn events(times: &[u64]) -> Events {
    let events = times.iter().map(|&t| Event { t, x: 0, y: 0, p: true }).collect();
    Events::new(Sensor::new(1, 2), events).unwrap()
}

#[test]
fn readers_want_a_sensor_of_one_or_two_kinds_of_events() {
    let path = Path::new("f");
    for channels in [0, 3, 255] {
        let sensor = Sensor { channels, height: 34, width: 34 };
        let aedat3 = b"#!AER-DAT3.1\r\n#!END-HEADER\r\n";
        let cases = [
            ("atis_bin::read", atis_bin::decode(path, &[], sensor)),
            ("aedat_v2::read", aedat_v2::decode(path, b"#!AER-DAT2.0\r\n", aedat_v2::Camera::Davis(sensor))),
            ("aedat_v3::read", aedat_v3::decode(path, aedat3, sensor)),
            ("npz::read", npz::decode(path, NPZ, sensor)),
            ("Events::new", Events::new(sensor, vec![])),
        ];
        for (function, result) in cases {
            let says = format!("{function}: `sensor` must have 1 or 2 channels, but has {channels}");
            assert_eq!(result.unwrap_err().to_string(), says);
        }
    }
}

#[test]
fn frames_name_the_argument() {
    let (none, one, far) = (events(&[]), events(&[5]), events(&[0, u64::MAX]));
    let number = |e: &Events, split, n, len| integrate_events_by_fixed_frames_number(e, split, n, &mut vec![0f32; len]).unwrap_err();
    let duration = |e: &Events, us, length, len| integrate_events_by_fixed_duration(e, us, length, &mut vec![0u8; len]).unwrap_err();
    let by_number = "integrate_events_by_fixed_frames_number: ";
    let by_duration = "integrate_events_by_fixed_duration: ";
    let cases = [
        (number(&none, SplitBy::Time, 2, 8), by_number, "`events` must have at least one event"),
        (number(&one, SplitBy::Time, 0, 0), by_number, "`frames_num` must be at least 1"),
        (number(&one, SplitBy::Time, usize::MAX, 4), by_number, "`frames` must have the sizes"),
        (number(&one, SplitBy::Time, 2, 7), by_number, "`frames` must have the sizes"),
        (number(&one, SplitBy::Time, 2, 8), by_number, "`events` must last a microsecond a frame"),
        (number(&one, SplitBy::Number, 2, 8), by_number, "`events` must have an event a frame"),
        (fixed_duration_frames_num(&none, 1).unwrap_err(), by_duration, "`events` must have at least one event"),
        (fixed_duration_frames_num(&one, 0).unwrap_err(), by_duration, "`duration` must be at least 1 us"),
        (duration(&one, 1, Length::Exact, 0), by_duration, "`frames` must have the sizes"),
        (duration(&one, 1, Length::Exact, 5), by_duration, "`frames` must have the sizes"),
        (duration(&far, 1, Length::Exact, 4), by_duration, "`events` must have 1 frames of 1 us"),
        (duration(&far, 1, Length::Pad, 4), by_duration, "`events` must have 1 frames of 1 us"),
    ];
    for (error, function, says) in cases {
        let error = error.to_string();
        assert!(error.starts_with(function) && error.contains(says), "{error}");
    }
    // The longest times there are: no overflow on the way.
    assert_eq!(fixed_duration_frames_num(&far, u64::MAX).unwrap(), 1);
    integrate_events_by_fixed_frames_number(&far, SplitBy::Time, 3, &mut [0f32; 12]).unwrap();
}

#[test]
fn saccades_name_the_argument() {
    let of = |image: &[u8], h, w, config: SaccadesConfig| saccades(image, h, w, &config, 0).unwrap_err().to_string();
    let d = SaccadesConfig::default;
    let cases = [
        (of(&[], 2, 2, d()), "`image` must have 2 x 2 pixels, but has 0"),
        (of(&[], usize::MAX, usize::MAX, d()), "`image` must fit on the sensor of 34 x 34"),
        (of(&[0], 1, 1, SaccadesConfig { threshold: f64::NAN, ..d() }), "`threshold` must be from 0.001 to 1000, but is NaN"),
        (of(&[0], 1, 1, SaccadesConfig { amplitude: f64::INFINITY, ..d() }), "`amplitude` must be from 0 to 1000, but is inf"),
        (of(&[0], 1, 1, SaccadesConfig { black: 0.0, ..d() }), "`black` must be from 0.0001 to 1, but is 0"),
        (of(&[0], 1, 1, SaccadesConfig { saccade: 0, ..d() }), "`saccade` must be from 1 to 2^40 us, but is 0"),
        (of(&[0], 1, 1, SaccadesConfig { sensor: Sensor::SHD, ..d() }), "`sensor` must tell ON from OFF events"),
    ];
    for (error, says) in cases {
        assert!(error.starts_with(&format!("saccades: {says}")), "{error}");
    }
}

struct Numbers;

impl Samples for Numbers {
    type Sample = usize;

    fn len(&self) -> usize {
        5
    }

    fn name(&self, index: usize) -> String {
        index.to_string()
    }

    fn load(&self, index: usize) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        Ok(index)
    }
}

#[test]
fn loaders_take_any_number_but_none() {
    let samples = Arc::new(Numbers);
    let d = LoaderConfig::default;
    for (config, name) in [
        (LoaderConfig { batch_size: 0, ..d() }, "batch_size"),
        (LoaderConfig { num_workers: 0, ..d() }, "num_workers"),
        (LoaderConfig { prefetch: 0, ..d() }, "prefetch"),
    ] {
        let error = Loader::new(&samples, config).unwrap_err().to_string();
        assert_eq!(error, format!("Loader: `{name}` must be at least 1, but is 0"));
    }
    let most = usize::MAX;
    for config in
        [LoaderConfig { prefetch: most, ..d() }, LoaderConfig { batch_size: most, ..d() }, LoaderConfig { num_workers: most, ..d() }]
    {
        let all: Vec<usize> = Loader::new(&samples, config).unwrap().flat_map(Result::unwrap).collect();
        assert_eq!(all, [0, 1, 2, 3, 4], "{config:?}");
    }
}
