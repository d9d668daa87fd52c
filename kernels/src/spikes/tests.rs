//! Bits against plain sums.

use super::*;
use crate::philox::philox4x32;

fn word(i: usize) -> u32 {
    philox4x32([i as u32, 0, 0, 7], [0, 0])[0]
}

fn spikes(len: usize, rate: f64) -> Vec<f32> {
    (0..len).map(|i| if f64::from(word(i)) < rate * 2f64.powi(32) { 1.0 } else { 0.0 }).collect()
}

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (word(i) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// Rows, columns, and the columns of the other matrix: blocks and tiles that end early, and are one too long.
const SIZES: [(usize, usize, usize); 7] = [(1, 1, 1), (3, 64, 65), (5, 129, 64), (129, 128, 3), (1025, 70, 2), (300, 1, 70), (0, 5, 5)];

#[test]
fn what_is_packed_comes_out_again() {
    for (rows, cols, _) in SIZES {
        for rate in [0.0, 0.1, 1.0] {
            let x = spikes(rows * cols, rate);
            let packed = SpikeMatrix::pack(&x, rows, cols).unwrap().expect("zeros and ones");
            let mut out = vec![7.0; x.len()];
            packed.unpack(&mut out).unwrap();
            assert_eq!(out, x);
            assert_eq!(packed.rate(), x.iter().sum::<f32>() as f64 / x.len().max(1) as f64);
        }
    }
}

#[test]
fn other_numbers_are_no_spikes() {
    for (other, packs) in [(-0.0, true), (2.0, false), (0.5, false), (-1.0, false), (f32::NAN, false)] {
        let mut x = spikes(40 * 70, 0.5);
        x[39 * 70 + 69] = other;
        assert_eq!(SpikeMatrix::pack(&x, 40, 70).unwrap().is_some(), packs, "{other}");
    }
}

/// A sum per element, one after the other.
#[test]
fn products_are_the_sums_in_order() {
    for (rows, cols, n) in SIZES {
        for rate in [0.0, 0.1, 0.6, 1.0] {
            let x = spikes(rows * cols, rate);
            let packed = SpikeMatrix::pack(&x, rows, cols).unwrap().expect("zeros and ones");
            let (weight, bias, grad) = (numbers(n * cols), numbers(n), numbers(rows * n));
            let mut out = vec![7.0; rows * n];
            packed.times(&weight, n, Some(&bias), &mut out).unwrap();
            for (i, out) in out.iter().enumerate() {
                let (r, o) = (i / n, i % n);
                let ones = (0..cols).filter(|k| x[r * cols + k] == 1.0);
                assert_eq!(*out, ones.fold(bias[o], |sum, k| sum + weight[o * cols + k]), "{rows} x {cols} x {n}");
            }
            let mut out = vec![7.0; n * cols];
            packed.transposed_times(&grad, n, &mut out).unwrap();
            for (i, out) in out.iter().enumerate() {
                let (o, k) = (i / cols, i % cols);
                let ones = (0..rows).filter(|r| x[r * cols + k] == 1.0);
                assert_eq!(*out, ones.fold(0.0, |sum, r| sum + grad[r * n + o]), "{rows} x {cols} x {n}");
            }
        }
    }
}

#[test]
fn wrong_lengths_are_refused() {
    assert!(SpikeMatrix::pack(&[0.0f32; 5], 2, 3).is_err());
    let packed = SpikeMatrix::pack(&[0.0f32; 6], 2, 3).unwrap().expect("zeros");
    assert!(packed.unpack(&mut [0.0f32; 5]).is_err());
    assert!(packed.times(&[0.0f32; 11], 4, None, &mut [0.0; 8]).is_err());
    assert!(packed.times(&[0.0f32; 12], 4, Some(&[0.0; 3]), &mut [0.0; 8]).is_err());
    assert!(packed.times(&[0.0f32; 12], 4, None, &mut [0.0; 7]).is_err());
    assert!(packed.transposed_times(&[0.0f32; 7], 4, &mut [0.0; 12]).is_err());
    assert!(packed.transposed_times(&[0.0f32; 8], 4, &mut [0.0; 11]).is_err());
}

/// Samples, channels in and out, plane, kernel, padding, dilation: strips and blocks that end early, kernels of 1, 2, 3, 4, 9 and 25 taps,
/// padding that is uneven, or wider than the kernel, and small planes of which several share a tile.
const CONVS: [SpikeConv; 9] = [
    conv(2, 3, 4, [6, 5], [3, 3], [[1, 1], [1, 1]], [1, 1]),
    conv(1, 65, 33, [9, 8], [3, 3], [[0, 0], [0, 0]], [1, 1]),
    conv(2, 130, 65, [4, 4], [1, 1], [[0, 0], [0, 0]], [1, 1]),
    conv(7, 2, 70, [3, 4], [2, 1], [[0, 1], [2, 0]], [1, 1]),
    conv(11, 3, 5, [1, 7], [1, 4], [[0, 0], [3, 3]], [1, 2]),
    conv(2, 2, 3, [40, 17], [5, 5], [[2, 2], [2, 2]], [1, 1]),
    conv(1, 1, 32, [30, 30], [3, 3], [[2, 2], [2, 2]], [2, 2]),
    conv(2, 4, 3, [5, 6], [2, 2], [[3, 4], [2, 3]], [3, 1]),
    conv(0, 3, 4, [6, 5], [3, 3], [[1, 1], [1, 1]], [1, 1]),
];

const fn conv(
    samples: usize,
    inputs: usize,
    outputs: usize,
    plane: [usize; 2],
    kernel: [usize; 2],
    padding: [[usize; 2]; 2],
    dilation: [usize; 2],
) -> SpikeConv {
    SpikeConv { samples, inputs, outputs, plane, kernel, padding, dilation }
}

/// Calls `f` with the indices of output, weight and input of every product.
fn products(c: &SpikeConv, mut f: impl FnMut(usize, usize, usize)) {
    let [height, width] = c.output().expect("it fits");
    let each = |sizes: [usize; 2]| (0..sizes[0]).flat_map(move |i| (0..sizes[1]).map(move |j| [i, j]));
    for (sample, output) in each([c.samples, c.outputs]).map(|[s, o]| (s, o)) {
        for (cell, tap) in each([height, width]).flat_map(|cell| each(c.kernel).map(move |tap| (cell, tap))) {
            let at = [0, 1].map(|i| (cell[i] + tap[i] * c.dilation[i]).checked_sub(c.padding[i][0]).filter(|at| *at < c.plane[i]));
            let [Some(y), Some(x)] = at else { continue };
            for input in 0..c.inputs {
                f(
                    ((sample * c.outputs + output) * height + cell[0]) * width + cell[1],
                    ((output * c.inputs + input) * c.kernel[0] + tap[0]) * c.kernel[1] + tap[1],
                    ((sample * c.inputs + input) * c.plane[0] + y) * c.plane[1] + x,
                );
            }
        }
    }
}

#[test]
fn a_convolution_is_its_definition_and_so_is_its_gradient() {
    let near = |got: &[f32], want: &[f64], what: &str| {
        for (got, want) in got.iter().zip(want) {
            assert!((f64::from(*got) - want).abs() < 1e-4, "{what}: {got}, not {want}");
        }
    };
    for c in CONVS {
        let [height, width] = c.output().expect("it fits");
        let (rows, cells) = (c.samples * c.inputs, c.plane[0] * c.plane[1]);
        let weight = numbers(c.outputs * c.inputs * c.kernel[0] * c.kernel[1]);
        let (bias, grad) = (numbers(c.outputs), numbers(c.samples * c.outputs * height * width));
        for rate in [0.0, 0.2, 1.0] {
            let x = spikes(rows * cells, rate);
            let packed = SpikeMatrix::pack(&x, rows, cells).unwrap().expect("zeros and ones");
            let mut want: Vec<f64> = (0..grad.len()).map(|i| f64::from(bias[i / (height * width) % c.outputs])).collect();
            let mut want_weight = vec![0.0; weight.len()];
            products(&c, |y, w, i| {
                want[y] += f64::from(weight[w] * x[i]);
                want_weight[w] += f64::from(grad[y] * x[i]);
            });
            let mut got = vec![7.0; grad.len()];
            c.forward(&packed, &weight, Some(&bias), &mut got).unwrap();
            near(&got, &want, &format!("{c:?} at {rate}"));
            for arch in [pulp::Arch::Scalar, pulp::Arch::new()] {
                let mut got = vec![7.0; weight.len()];
                c.gradient_on(arch, &packed, &grad, &mut got).unwrap();
                near(&got, &want_weight, &format!("gradient of {c:?} at {rate}"));
            }
        }
    }
}

/// Many tasks and tiles: the same bits on one thread and on three.
#[test]
fn a_convolution_does_not_depend_on_the_number_of_threads() {
    let c = conv(40, 70, 100, [12, 12], [3, 3], [[1, 1], [1, 1]], [1, 1]);
    let x = spikes(40 * 70 * 144, 0.15);
    let (weight, grad) = (numbers(100 * 70 * 9), numbers(40 * 100 * 144));
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let packed = SpikeMatrix::pack(&x, 40 * 70, 144).unwrap().expect("zeros and ones");
            let (mut y, mut of_weight) = (vec![0.0; grad.len()], vec![0.0; weight.len()]);
            c.forward(&packed, &weight, None, &mut y).unwrap();
            c.gradient_of_weight(&packed, &grad, &mut of_weight).unwrap();
            (y, of_weight)
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn convolutions_that_do_not_fit_are_refused() {
    let c = CONVS[0];
    let packed = SpikeMatrix::pack(&[0.0f32; 2 * 3 * 30], 6, 30).unwrap().expect("zeros");
    let (weight, out) = (vec![0.0; 4 * 3 * 9], vec![0.0; 2 * 4 * 30]);
    assert!(c.forward(&packed, &weight, None, &mut out.clone()).is_ok());
    assert!(c.forward(&packed, &weight[1..], None, &mut out.clone()).is_err());
    assert!(c.forward(&packed, &weight, Some(&[0.0; 5]), &mut out.clone()).is_err());
    assert!(c.forward(&packed, &weight, None, &mut out[1..].to_vec()).is_err());
    assert!(c.gradient_of_weight(&packed, &out[1..], &mut weight.clone()).is_err());
    assert!(SpikeConv { inputs: 4, ..c }.forward(&packed, &weight, None, &mut out.clone()).is_err());
    assert!(SpikeConv { kernel: [9, 3], ..c }.forward(&packed, &weight, None, &mut out.clone()).is_err());
}
