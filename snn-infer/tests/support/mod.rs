//! Plain layers, one sample and step at a time in torch's layout, to compare frozen nets with. In: numbers; out: numbers.

#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::HashMap;

/// Numbers that look random and are the same everywhere, from -1 to 1.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub(crate) fn take(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// Weights for any net, made up from their names: variances are positive.
pub(crate) struct Weights(pub(crate) HashMap<String, (Vec<usize>, Vec<f32>)>);

impl Weights {
    /// `shapes` as (name, shape).
    pub(crate) fn new(shapes: &[(&str, &[usize])]) -> Self {
        let tensor = |(i, (name, shape)): (usize, &(&str, &[usize]))| {
            let mut values = Numbers::new(i as u64 + 7).take(shape.iter().product());
            if name.ends_with("running_var") {
                values.iter_mut().for_each(|v| *v = 1.0 + 0.5 * *v);
            }
            (name.to_string(), (shape.to_vec(), values))
        };
        Weights(shapes.iter().enumerate().map(tensor).collect())
    }

    pub(crate) fn get(&self, name: &str) -> &[f32] {
        &self.0[name].1
    }

    /// As a model asks for them.
    pub(crate) fn source(&self) -> impl FnMut(&str) -> Option<(Vec<usize>, Vec<f32>)> + '_ {
        |name| self.0.get(name).cloned()
    }
}

/// `[C, H, W]` convolved, with zeros outside.
pub(crate) fn conv(x: &[f32], size: [usize; 3], weight: &[f32], outputs: usize, kernel: usize, stride: usize, pad: usize) -> Vec<f32> {
    let [channels, height, width] = size;
    let (h, w) = ((height + 2 * pad - kernel) / stride + 1, (width + 2 * pad - kernel) / stride + 1);
    let mut y = vec![0.0; outputs * h * w];
    for (at, y) in y.iter_mut().enumerate() {
        let (o, i, j) = (at / (h * w), at / w % h, at % w);
        let mut sum = 0.0f64;
        for c in 0..channels {
            for (ki, kj) in (0..kernel).flat_map(|a| (0..kernel).map(move |b| (a, b))) {
                let (row, col) = (i * stride + ki, j * stride + kj);
                if row >= pad && row < height + pad && col >= pad && col < width + pad {
                    let w = weight[((o * channels + c) * kernel + ki) * kernel + kj];
                    sum += f64::from(w) * f64::from(x[(c * height + row - pad) * width + col - pad]);
                }
            }
        }
        *y = sum as f32;
    }
    y
}

/// x W^T + b
pub(crate) fn linear(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let row = |(w, b): (&[f32], &f32)| (f64::from(*b) + w.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>()) as f32;
    weight.chunks_exact(x.len()).zip(bias).map(row).collect()
}

/// (x - mean) / sqrt(var + eps) * weight + bias, per channel.
pub(crate) fn batch_norm(x: &mut [f32], layer: &str, weights: &Weights) {
    let of = |name: &str| weights.get(&format!("{layer}.{name}"));
    let (mean, var, weight, bias) = (of("running_mean"), of("running_var"), of("weight"), of("bias"));
    let inner = x.len() / mean.len();
    for (i, x) in x.iter_mut().enumerate() {
        let c = i / inner;
        *x = (*x - mean[c]) / (var[c] + 1e-5).sqrt() * weight[c] + bias[c];
    }
}

/// h = v + x, a spike where h >= 1, which sets v to 0.
pub(crate) fn integrate_and_fire(v: &mut Vec<f32>, x: &[f32]) -> Vec<f32> {
    v.resize(x.len(), 0.0);
    let fire = |(v, x): (&mut f32, &f32)| {
        let h = *v + x;
        let s = if h - 1.0 >= 0.0 { 1.0 } else { 0.0 };
        *v = (1.0 - s) * h;
        s
    };
    v.iter_mut().zip(x).map(fire).collect()
}

/// The largest of windows side by side.
pub(crate) fn max_pool(x: &[f32], size: [usize; 3], kernel: usize) -> Vec<f32> {
    let [channels, height, width] = size;
    let (h, w) = (height / kernel, width / kernel);
    let largest = |at: usize| {
        let (c, i, j) = (at / (h * w), at / w % h, at % w);
        let cells = (0..kernel).flat_map(|a| (0..kernel).map(move |b| (a, b)));
        cells.map(|(a, b)| x[(c * height + i * kernel + a) * width + j * kernel + b]).fold(f32::NEG_INFINITY, f32::max)
    };
    (0..channels * h * w).map(largest).collect()
}

/// Equal up to `tolerance`, and not all the same.
pub(crate) fn assert_near(got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len());
    assert!(want.iter().any(|w| *w != want[0]), "a test of one number");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance, "element {i}: {got}, not {want}");
    }
}
