//! Pictures as a user makes them. In: numbers; out: what stands in the SVG, that the PNG is one, and that what cannot be shown is an error.

use snn_plot::{
    Array, Curve, EventFramesConfig, FeatureMapConfig, HeatmapConfig, MembraneConfig, Panel, Picture, RasterConfig, Result, SurrogateCurve,
    Time, curves, event_frames, feature_map, heatmap, liveliest, membrane, raster, surrogate,
};

/// Every neuron n of `neurons` fires in each (n + 2)-th step.
fn ticking(steps: usize, neurons: usize) -> Array {
    let spike = |i: usize| f32::from(u8::from((i / neurons + 1).is_multiple_of(i % neurons + 2)));
    Array::new([steps, neurons], (0..steps * neurons).map(spike).collect::<Vec<_>>()).unwrap()
}

fn says(result: Result<Picture>, wants: &str) {
    let problem = result.unwrap_err().to_string();
    assert!(problem.contains(wants), "{problem}");
}

/// Text of an SVG, without its markup.
fn words(picture: &Picture) -> Vec<String> {
    picture.svg().split("<text").skip(1).filter_map(|t| Some(t.split_once('>')?.1.split_once('<')?.0.to_string())).collect()
}

#[test]
fn a_raster_has_a_dot_per_spike() -> Result<()> {
    let spikes = ticking(12, 3); // 6 + 4 + 3
    let picture = raster(&[("sn1", &spikes)], &RasterConfig::default())?;
    let words = words(&picture);
    for word in ["Spikes", "time (steps)", "neuron", "sn1: 36 %", "fire per step"] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    let silent = Array::new([12, 3], vec![0.0; 36])?;
    let marks = |picture: &Picture| picture.svg().matches("<rect").count();
    let none = raster(&[("sn1", &silent)], &RasterConfig::default())?;
    assert_eq!(marks(&picture) - marks(&none), 13);

    let two = raster(&[("sn1", &spikes), ("sn2", &ticking(12, 100))], &RasterConfig { rows: 10, ..RasterConfig::default() })?;
    assert!(self::words(&two).contains(&"10 neurons of the 100 of sn2".to_string()), "{:?}", self::words(&two));

    says(raster(&[], &RasterConfig::default()), "`layers` are none");
    says(raster(&[("sn1", &spikes), ("sn2", &ticking(4, 3))], &RasterConfig::default()), "`sn2` has 4 steps, but `sn1` has 12");
    says(raster(&[("sn1", &Array::new([3], [0.0; 3])?)], &RasterConfig::default()), "`sn1` wants [T, neurons] or [T, ..], but gets [3]");
    says(raster(&[("sn1", &spikes)], &RasterConfig { rows: 0, ..RasterConfig::default() }), "`rows` must be at least 1");
    let time = Time { step: 0.0, ..Time::default() };
    says(raster(&[("sn1", &spikes)], &RasterConfig { time, ..RasterConfig::default() }), "`time.step` must be greater than 0");
    Ok(())
}

#[test]
fn a_membrane_shows_threshold_and_spikes() -> Result<()> {
    let spikes = ticking(12, 3);
    let voltage = Array::new([12, 3], spikes.values().iter().map(|s| 0.5 - 0.5 * s).collect::<Vec<_>>())?;
    let config = MembraneConfig { layer: "sn1".into(), neurons: vec![2, 0], ..MembraneConfig::default() };
    let picture = membrane(&voltage, &spikes, &config)?;
    let words = words(&picture);
    for word in ["sn1, neuron 2: 3 spikes in 12 steps", "sn1, neuron 0: 6 spikes in 12 steps", "threshold", "potential v"] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    let never = membrane(&voltage, &spikes, &MembraneConfig { v_threshold: None, ..config.clone() })?;
    assert!(!self::words(&never).contains(&"threshold".to_string()));

    // The one that fires in all steps is the least interesting but for one that never does.
    let firing = Array::new([4, 3], [1., 0., 1., 1., 0., 0., 1., 0., 0., 1., 0., 0.])?;
    assert_eq!(liveliest(&Array::new([4, 3], vec![0.1; 12])?, &firing, 2)?, [2, 1]);
    // Of equals the one that moves, not the one that rests far from 0.
    let resting = Array::new([4, 2], vec![-5., 0., -5., 1., -5., 0., -5., 1.])?;
    assert_eq!(liveliest(&resting, &Array::new([4, 2], vec![0.; 8])?, 1)?, [1]);

    says(membrane(&voltage, &ticking(12, 2), &config), "`voltage` has shape [12, 3], but `spikes` has [12, 2]");
    says(membrane(&voltage, &voltage, &MembraneConfig { neurons: vec![3], ..config.clone() }), "`neurons` 3 is not there: [12, 3] has 3");
    says(membrane(&voltage, &voltage, &MembraneConfig { neurons: vec![0; 13], ..config.clone() }), "at most 12 fit");
    says(membrane(&voltage, &voltage, &MembraneConfig { v_threshold: Some(f64::NAN), ..config }), "`v_threshold` must be finite");
    Ok(())
}

#[test]
fn heat_maps_average_what_does_not_fit() -> Result<()> {
    let picture = heatmap(&ticking(1000, 100), &HeatmapConfig::default())?;
    assert!(words(&picture).contains(&"64 of 100 neurons; each column is the mean of 4 steps".to_string()), "{:?}", words(&picture));
    assert!(words(&picture).contains(&"membrane potential v".to_string()));
    // All the same, and one cell.
    heatmap(&Array::new([3, 2], [1.0; 6])?, &HeatmapConfig::default())?;
    heatmap(&Array::new([1, 1], [1.0])?, &HeatmapConfig::default())?;
    says(heatmap(&Array::new([], [1.0])?, &HeatmapConfig::default()), "`x` wants [T, neurons]");
    says(heatmap(&ticking(2, 2), &HeatmapConfig { rows: 0, ..HeatmapConfig::default() }), "`rows` must be at least 1");
    Ok(())
}

#[test]
fn feature_maps_have_a_tile_per_channel_and_a_scale() -> Result<()> {
    let x = Array::new([6, 4, 4], (0..96u8).map(f32::from).collect::<Vec<_>>())?;
    let picture = feature_map(&x, &FeatureMapConfig::default())?;
    let words = words(&picture);
    for word in ["Feature maps", "0", "5", "95", "47.5", "spikes per step"] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    feature_map(&Array::new([1, 1, 1], [0.0])?, &FeatureMapConfig::default())?;
    says(feature_map(&x.step(0)?, &FeatureMapConfig::default()), "wants [C, H, W], but gets [4, 4]");
    says(feature_map(&Array::new([257, 1, 1], [0.0; 257])?, &FeatureMapConfig::default()), "at most 256 fit");
    says(feature_map(&x, &FeatureMapConfig { columns: Some(0), ..FeatureMapConfig::default() }), "`columns` must be at least 1");
    Ok(())
}

#[test]
fn event_frames_tell_polarities_apart() -> Result<()> {
    let mut counts = vec![0.0; 3 * 2 * 4 * 4];
    counts[0] = 5.0; // frame 0, OFF
    counts[16 + 1] = 5.0; // frame 0, ON
    let x = Array::new([3, 2, 4, 4], counts)?;
    let colors = |on_channel| {
        let svg = event_frames(&x, &EventFramesConfig { on_channel, ..EventFramesConfig::default() })?.svg();
        // Before the legend.
        let tiles = svg.split("brighter").next().unwrap_or_default().to_string();
        Ok((tiles.find("#d55e00"), tiles.find("#0072b2")))
    };
    let (off, on) = colors(1)?;
    assert!(off.is_some() && on.is_some() && off < on);
    let (off, on) = colors(0)?;
    assert!(off > on);
    // Nothing at all is a picture, too.
    event_frames(&Array::new([1, 2, 1, 1], [0.0, 0.0])?, &EventFramesConfig::default())?;
    let few = event_frames(&x, &EventFramesConfig { frames: 2, ..EventFramesConfig::default() })?;
    assert!(words(&few).contains(&"2 of 3 frames".to_string()));
    says(event_frames(&x.step(0)?, &EventFramesConfig::default()), "wants [T, 2, H, W], but gets [2, 4, 4]");
    says(event_frames(&x, &EventFramesConfig { columns: 0, ..EventFramesConfig::default() }), "`columns` must be at least 1");
    says(event_frames(&x, &EventFramesConfig { on_channel: 2, ..EventFramesConfig::default() }), "`on_channel` must be 0 or 1");
    says(event_frames(&Array::new([1, 2, 1, 1], [0.0, -1.0])?, &EventFramesConfig::default()), "number 1 is -1");
    Ok(())
}

#[test]
fn curves_say_what_they_are() -> Result<()> {
    let (a, b) = ([(1.0, 2.0), (2.0, 1.0)], [(1.0, 0.5), (2.0, 0.2)]);
    let panel = |a: &'static str, points, log_y| Panel {
        title: "Loss".into(),
        x_label: "epoch".into(),
        y_label: "nats".into(),
        curves: vec![Curve { name: a, points }, Curve { name: "test", points: &b }],
        log_y,
    };
    let words = words(&curves(&[panel("train", &a, false), panel("train", &a, true)])?);
    for word in ["Loss", "epoch", "nats", "train", "test"] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    curves(&[panel("one point", &a[..1], false)])?;
    says(curves(&[]), "`panels` are none");
    says(curves(&[Panel::default()]), "has no curve");
    says(curves(&[panel("train", &[], false)]), "curve `train` has no point");
    says(curves(&[panel("train", &[(1.0, f64::NAN)], false)]), "must have finite points, but has (1, NaN)");
    says(curves(&[panel("train", &[(1.0, 0.0)], true)]), "has no logarithm at (1, 0)");
    Ok(())
}

#[test]
fn a_surrogate_stands_beside_its_gradient() -> Result<()> {
    let x: Vec<f64> = (-20..=20).map(|i| f64::from(i) / 10.0).collect();
    let spike: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x >= 0.0))).collect();
    let ramp: Vec<f64> = x.iter().map(|&x| (x / 2.0 + 0.5).clamp(0.0, 1.0)).collect();
    let curve = SurrogateCurve { name: "Rect", x: &x, spike: &spike, primitive: Some(&ramp), gradient: &spike };
    let words = words(&surrogate(&curve)?);
    for word in ["Rect", "forward", "backward", "primitive", "h - v_threshold", "gradient ds/dh"] {
        assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
    }
    surrogate(&SurrogateCurve { primitive: None, ..curve.clone() })?;
    says(surrogate(&SurrogateCurve { x: &x[..1], ..curve.clone() }), "wants at least 2 points");
    says(surrogate(&SurrogateCurve { gradient: &x[1..], ..curve.clone() }), "`gradient` has 40 values, but `x` has 41");
    says(surrogate(&SurrogateCurve { x: &ramp, ..curve.clone() }), "`x` must rise");
    says(surrogate(&SurrogateCurve { gradient: &[f64::INFINITY; 41], ..curve }), "`gradient` must be finite");
    Ok(())
}

#[test]
fn pictures_are_written_by_the_end_of_their_name() -> Result<()> {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let picture = feature_map(&Array::new([1, 2, 2], [0.0, 1.0, 2.0, 3.0])?, &FeatureMapConfig::default())?;
    picture.save_both(folder.join("map.v1"))?;
    assert!(std::fs::read(folder.join("map.v1.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(std::fs::read_to_string(folder.join("map.v1.svg")).unwrap().contains("<svg"));
    let problem = picture.save(folder.join("map.gif")).unwrap_err().to_string();
    assert!(problem.ends_with("map.gif: wants a name that ends in .svg or .png"), "{problem}");
    let problem = picture.save(folder.join("nowhere/map.svg")).unwrap_err().to_string();
    assert!(problem.contains("nowhere/map.svg: No such file"), "{problem}");
    Ok(())
}
