//! Made-up recordings: what an event camera would see if it looked at an image and moved its eye three times, as N-MNIST was
//! recorded. In: an image and a seed; out: events.
//!
//! The image moves over the sensor along the sides of a triangle. Each pixel remembers the logarithm of a brightness; when what it sees
//! has moved away from that by more than its threshold, it sends an event, ON for brighter and OFF for darker, and remembers
//! one threshold more or less. (Orchard et al., "Converting Static Image Datasets to Spiking Neuromorphic Datasets Using
//! Saccades", 2015; the pixel is that of Lichtsteiner et al., 2008.)

use snn_kernels::philox4x32;

use crate::error::{Error, Result};
use crate::events::{Event, Events, Sensor};

/// Corners of the triangle, in units of the amplitude: x, y. The eye goes from each to the next, and back to the first.
const CORNERS: [[f64; 2]; 4] = [[0.0, 0.0], [0.5, 1.0], [1.0, 0.0], [0.0, 0.0]];
/// Moments at which brightness is computed, a saccade. Between two of them it is taken to change at a constant rate.
const MOMENTS: usize = 50;

/// How the eye moves and the pixels see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SaccadesConfig {
    /// The sensor; the image is in its middle. Default: [`Sensor::N_MNIST`].
    pub sensor: Sensor,
    /// How far the eye goes, in pixels. Default: 3.
    pub amplitude: f64,
    /// Microseconds of one of the three saccades. Default: 105,000.
    pub saccade: u64,
    /// The change of log brightness that makes an event. Default: 0.3.
    pub threshold: f64,
    /// How far the thresholds of pixels are from that, at most, as a part of it. Default: 0.2.
    pub mismatch: f64,
    /// Brightness of the black of an image, where its white is 1. Default: 0.1.
    pub black: f64,
}

impl Default for SaccadesConfig {
    fn default() -> SaccadesConfig {
        SaccadesConfig { sensor: Sensor::N_MNIST, amplitude: 3.0, saccade: 105_000, threshold: 0.3, mismatch: 0.2, black: 0.1 }
    }
}

/// The events of three saccades over an image, in order of time. The same for the same image, configuration and seed, on any machine
/// with the same `ln`.
///
/// # Shapes
///
/// `image`: `[height, width]`, last axis fastest, 0 is black; at most as large as the sensor.
///
/// # Errors
///
/// The image has another number of pixels or is larger than the sensor; the sensor has one kind of event; a value of the configuration
/// is out of range.
pub fn saccades(image: &[u8], height: usize, width: usize, config: &SaccadesConfig, seed: u64) -> Result<Events> {
    check(image, height, width, config)?;
    let SaccadesConfig { sensor, amplitude, saccade, threshold, mismatch, black } = *config;
    let (rows, columns) = (usize::from(sensor.height), usize::from(sensor.width));
    let (top, left) = ((rows - height) / 2, (columns - width) / 2);
    // Log brightness, black around the image.
    let at = |row: i64, column: i64| {
        let inside = (0..height as i64).contains(&row) && (0..width as i64).contains(&column);
        if inside { f64::from(image[row as usize * width + column as usize]) / 255.0 } else { 0.0 }
    };
    let seen = |x: usize, y: usize, [dx, dy]: [f64; 2]| {
        let (x, y) = (x as f64 - left as f64 + dx - amplitude / 2.0, y as f64 - top as f64 + dy - amplitude / 2.0);
        let (column, row) = (x.floor(), y.floor());
        let (fx, fy) = (x - column, y - row);
        let (column, row) = (column as i64, row as i64);
        let upper = at(row, column) * (1.0 - fx) + at(row, column + 1) * fx;
        let lower = at(row + 1, column) * (1.0 - fx) + at(row + 1, column + 1) * fx;
        (black + (1.0 - black) * (upper * (1.0 - fy) + lower * fy)).ln()
    };
    // Where the eye is at a moment.
    let place = |moment: usize| {
        let (side, part) = (moment / MOMENTS, (moment % MOMENTS) as f64 / MOMENTS as f64);
        let (from, to) = (CORNERS[side], CORNERS[(side + 1).min(3)]);
        [0, 1].map(|axis| amplitude * (from[axis] + (to[axis] - from[axis]) * part))
    };

    let key = [seed as u32, (seed >> 32) as u32];
    let mut events = Vec::new();
    for pixel in 0..rows * columns {
        let (x, y) = (pixel % columns, pixel / columns);
        let [word, ..] = philox4x32([pixel as u32, 0, 0, 0], key);
        let uniform = f64::from(word) / f64::from(u32::MAX); // 0 to 1
        let step = threshold * (1.0 + mismatch * (2.0 * uniform - 1.0));
        let mut before = seen(x, y, place(0));
        let mut remembered = before;
        for moment in 1..=3 * MOMENTS {
            let now = seen(x, y, place(moment));
            while (now - remembered).abs() >= step {
                let p = now > remembered;
                remembered += if p { step } else { -step };
                let part = ((remembered - before) / (now - before)).clamp(0.0, 1.0);
                let t = ((moment - 1) as f64 + part) * (saccade as f64 / MOMENTS as f64);
                events.push(Event { t: t as u64, x: x as u16, y: y as u16, p });
            }
            before = now;
        }
    }
    events.sort_by_key(|e| e.t); // of one time: by row and column
    Events::checked("saccades", sensor, events)
}

fn check(image: &[u8], height: usize, width: usize, config: &SaccadesConfig) -> Result<()> {
    let wrong = |argument, problem: String| Err(Error::argument("saccades", argument, problem, ""));
    let Sensor { channels, height: rows, width: columns } = config.sensor;
    if channels != 2 {
        return wrong("sensor", format!("must tell ON from OFF events, but has {channels} channels"));
    }
    if height > rows.into() || width > columns.into() {
        return wrong("image", format!("must fit on the sensor of {rows} x {columns}, but is {height} x {width}"));
    }
    if image.len() != height * width {
        return wrong("image", format!("must have {height} x {width} pixels, but has {}", image.len()));
    }
    let ranges = [
        ("amplitude", config.amplitude, 0.0..=1000.0),
        ("threshold", config.threshold, 0.001..=1000.0),
        ("mismatch", config.mismatch, 0.0..=0.9),
        ("black", config.black, 0.0001..=1.0),
    ];
    for (name, value, range) in ranges {
        if !range.contains(&value) {
            return wrong(name, format!("must be from {} to {}, but is {value}", range.start(), range.end()));
        }
    }
    if !(1..1 << 40).contains(&config.saccade) {
        return wrong("saccade", format!("must be from 1 to 2^40 us, but is {}", config.saccade));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// White right of the middle.
    fn edge() -> Vec<u8> {
        (0..28 * 28).map(|i| if i % 28 >= 14 { 255 } else { 0 }).collect()
    }

    #[test]
    fn a_seed_decides_everything() {
        let config = SaccadesConfig::default();
        let made = |seed| saccades(&edge(), 28, 28, &config, seed).unwrap();
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }

    #[test]
    fn a_uniform_sensor_sees_nothing() {
        for level in [0, 255] {
            let config = SaccadesConfig { sensor: Sensor::new(8, 8), amplitude: 0.0, ..SaccadesConfig::default() };
            assert!(saccades(&[level; 64], 8, 8, &config, 1).unwrap().is_empty());
        }
    }

    /// In the first two saccades the eye moves right, so the white edge moves left: pixels get brighter. In the third it comes back.
    #[test]
    fn an_edge_makes_on_events_then_off_events() {
        let config = SaccadesConfig::default();
        let events = saccades(&edge(), 28, 28, &config, 1).unwrap();
        // At the vertical edge, away from the image's own border.
        let (there, back): (Vec<&Event>, Vec<&Event>) =
            events.as_slice().iter().filter(|e| (12..22).contains(&e.x) && (12..22).contains(&e.y)).partition(|e| e.t < 2 * config.saccade);
        assert!(!there.is_empty() && there.iter().all(|e| e.p));
        assert!(!back.is_empty() && back.iter().all(|e| !e.p));
        let count = (-config.black.ln() / config.threshold) as usize; // from black to white, a pixel
        assert!((there.len() as f64 / (10.0 * 3.0) - count as f64).abs() < 1.5, "{} events, {count} a pixel", there.len());
        assert!(there.len().abs_diff(back.len()) < 40, "{} and {}", there.len(), back.len());
    }

    #[test]
    fn recordings_last_as_long_as_n_mnists() {
        let events = saccades(&edge(), 28, 28, &SaccadesConfig::default(), 1).unwrap();
        let (first, last) = events.span("test").unwrap(); // in order of time
        assert!(first < 20_000 && (290_000..=315_000).contains(&last), "{first} to {last} us");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |image: &[u8], size, config: SaccadesConfig| saccades(image, size, size, &config, 0).unwrap_err().to_string();
        let config = SaccadesConfig::default();
        assert_eq!(error(&[0; 9], 4, config), "saccades: `image` must have 4 x 4 pixels, but has 9");
        assert_eq!(error(&[0; 1600], 40, config), "saccades: `image` must fit on the sensor of 34 x 34, but is 40 x 40");
        let zero = SaccadesConfig { threshold: 0.0, ..config };
        assert_eq!(error(&[0; 1], 1, zero), "saccades: `threshold` must be from 0.001 to 1000, but is 0");
        let nan = SaccadesConfig { black: f64::NAN, ..config };
        assert_eq!(error(&[0; 1], 1, nan), "saccades: `black` must be from 0.0001 to 1, but is NaN");
        let shd = SaccadesConfig { sensor: Sensor::SHD, ..config };
        assert_eq!(error(&[0; 1], 1, shd), "saccades: `sensor` must tell ON from OFF events, but has 1 channels");
    }

    proptest! {
        #[test]
        fn any_image_makes_events_in_order(image in prop::collection::vec(any::<u8>(), 30), seed: u64, amplitude in 0.0f64..5.0) {
            let config = SaccadesConfig { sensor: Sensor::new(9, 8), amplitude, ..SaccadesConfig::default() };
            let events = saccades(&image, 5, 6, &config, seed).unwrap();
            prop_assert!(events.as_slice().is_sorted_by_key(|e| e.t));
            prop_assert!(events.as_slice().iter().all(|e| e.x < 8 && e.y < 9 && e.t <= 3 * config.saccade));
        }
    }
}
