//! Every plot, of made-up numbers. In: a folder; out: a picture of each kind in it, as SVG and PNG.
//!
//! ```text
//! cargo run -p snn-plot --example gallery -- out/gallery
//! ```

use std::error::Error;
use std::path::PathBuf;

use snn_plot::{
    Array, Curve, EventFramesConfig, FeatureMapConfig, HeatmapConfig, MembraneConfig, Panel, RasterConfig, SurrogateCurve, Time, curves,
    event_frames, feature_map, heatmap, membrane, raster, surrogate,
};

/// Numbers from 0 to 1 that look random.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Potentials and spikes of leaky neurons, `[T, neurons]` each.
fn leaky(steps: usize, neurons: usize, drive: f32) -> snn_plot::Result<(Array, Array)> {
    let mut noise = Noise(neurons as u64);
    let gains: Vec<f32> = (0..neurons).map(|_| drive * (0.4 + noise.next())).collect();
    let mut v = vec![0f32; neurons];
    let (mut voltage, mut spikes) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        for (v, gain) in v.iter_mut().zip(&gains) {
            *v += (2.0 * gain * noise.next() - *v) / 2.0;
            let fires = *v >= 1.0;
            spikes.push(f32::from(u8::from(fires)));
            if fires {
                *v = 0.0;
            }
            voltage.push(*v);
        }
    }
    Ok((Array::new([steps, neurons], voltage)?, Array::new([steps, neurons], spikes)?))
}

/// A disc that moves to the right: ON in front of it, OFF behind.
fn moving_disc(frames: usize, side: usize) -> snn_plot::Result<Array> {
    let mut x = vec![0f32; frames * 2 * side * side];
    let mut noise = Noise(7);
    for t in 0..frames {
        let centre = side as f32 * (0.2 + 0.6 * t as f32 / frames as f32);
        for row in 0..side {
            for column in 0..side {
                let (dx, dy) = (column as f32 - centre, row as f32 - side as f32 / 2.0);
                let rim = ((dx * dx + dy * dy).sqrt() - side as f32 / 5.0).abs() < 1.5;
                let channel = usize::from(dx > 0.0);
                let count = if rim { (4.0 * noise.next() * dx.abs() / 6.0).round() } else { f32::from(u8::from(noise.next() > 0.99)) };
                x[((t * 2 + channel) * side + row) * side + column] = count;
            }
        }
    }
    Array::new([frames, 2, side, side], x)
}

/// Gratings of different directions.
fn gratings(channels: usize, side: usize) -> snn_plot::Result<Array> {
    let mut x = Vec::new();
    for c in 0..channels {
        let (sin, cos) = (std::f32::consts::PI * c as f32 / channels as f32).sin_cos();
        for i in 0..side * side {
            let phase = 0.7 * ((i % side) as f32 * cos + (i / side) as f32 * sin);
            x.push(0.5 + 0.5 * phase.sin());
        }
    }
    Array::new([channels, side, side], x)
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "out/gallery".into()));
    std::fs::create_dir_all(&out)?;

    let (voltage, sn1) = leaky(32, 200, 1.0)?;
    let (_, sn2) = leaky(32, 60, 1.4)?;
    let (_, sn3) = leaky(32, 10, 2.0)?;
    let config = RasterConfig { subtitle: "made-up currents".into(), mark: Some((4, "T = 4".into())), ..RasterConfig::default() };
    raster(&[("sn1", &sn1), ("sn2", &sn2), ("sn3", &sn3)], &config)?.save_both(out.join("raster"))?;
    raster(&[("sn3", &sn3)], &RasterConfig { title: "Spikes of one layer".into(), ..RasterConfig::default() })?
        .save_both(out.join("raster_one"))?;

    membrane(&voltage, &sn1, &MembraneConfig { layer: "sn1".into(), ..MembraneConfig::default() })?.save_both(out.join("membrane"))?;
    let time = Time { step: 0.1, unit: "ms".into() };
    let one = MembraneConfig { neurons: vec![4], time: time.clone(), title: "One neuron".into(), ..MembraneConfig::default() };
    membrane(&voltage, &sn1, &one)?.save_both(out.join("membrane_one"))?;

    heatmap(&voltage, &HeatmapConfig { title: "Membrane potentials of sn1".into(), ..HeatmapConfig::default() })?
        .save_both(out.join("heatmap"))?;
    let (long, _) = leaky(1000, 12, 1.2)?;
    heatmap(&long, &HeatmapConfig { time, ..HeatmapConfig::default() })?.save_both(out.join("heatmap_long"))?;

    feature_map(&gratings(32, 14)?, &FeatureMapConfig { subtitle: "gratings".into(), ..FeatureMapConfig::default() })?
        .save_both(out.join("feature_map"))?;
    feature_map(&gratings(3, 28)?, &FeatureMapConfig::default())?.save_both(out.join("feature_map_few"))?;

    event_frames(&moving_disc(10, 34)?, &EventFramesConfig { subtitle: "a disc that moves".into(), ..EventFramesConfig::default() })?
        .save_both(out.join("event_frames"))?;
    let time = Time { step: 30.0, unit: "ms".into() };
    event_frames(&moving_disc(3, 34)?, &EventFramesConfig { time, ..EventFramesConfig::default() })?
        .save_both(out.join("event_frames_few"))?;

    let epochs = |f: fn(f64) -> f64| (1..=30).map(|e| (f64::from(e), f(f64::from(e)))).collect::<Vec<_>>();
    let (loss, train, test) = (epochs(|e| 0.7 + 1.6 / e), epochs(|e| 90.0 - 60.0 / e), epochs(|e| 85.0 - 50.0 / e));
    let panels = [
        Panel {
            title: "Training loss".into(),
            x_label: "epoch".into(),
            y_label: "cross-entropy (nats)".into(),
            curves: vec![Curve { name: "training", points: &loss }],
            ..Panel::default()
        },
        Panel {
            title: "Accuracy".into(),
            x_label: "epoch".into(),
            y_label: "right answers (%)".into(),
            curves: vec![Curve { name: "training images", points: &train }, Curve { name: "test images", points: &test }],
            ..Panel::default()
        },
    ];
    curves(&panels)?.save_both(out.join("curves"))?;

    let x: Vec<f64> = (-200..=200).map(|i| f64::from(i) / 100.0).collect();
    let spike: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x >= 0.0))).collect();
    let primitive: Vec<f64> = x.iter().map(|&x| (std::f64::consts::PI * x).atan() / std::f64::consts::PI + 0.5).collect();
    let gradient: Vec<f64> = x.iter().map(|&x| 1.0 / (1.0 + (std::f64::consts::PI * x).powi(2))).collect();
    let curve = SurrogateCurve { name: "ATan(alpha = 2)", x: &x, spike: &spike, primitive: Some(&primitive), gradient: &gradient };
    surrogate(&curve)?.save_both(out.join("surrogate"))?;
    println!("wrote {}", out.display());
    Ok(())
}
