//! Tests of frozen inference's kernels: random layers in, and what must hold between the kernels and plain references.

mod bits;
mod neurons;
mod pool;
mod project;
mod windows;

use proptest::prelude::*;

use super::words;

/// Whole numbers below 2^planes, about `rate` of them not 0, by a small generator of its own.
fn spikes(len: usize, planes: usize, rate: f64, seed: u64) -> Vec<f32> {
    let mut random = numbers(seed);
    (0..len).map(|_| if random() < rate { 1.0 + (random() * ((1 << planes) - 1) as f64).floor() as f32 } else { 0.0 }).collect()
}

/// Numbers in [-1, 1).
fn weights(len: usize, seed: u64) -> Vec<f32> {
    let mut random = numbers(seed);
    (0..len).map(|_| (2.0 * random() - 1.0) as f32).collect()
}

/// Numbers in [0, 1): xorshift64*.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// `[cell][channel]` of whole numbers as `[plane][cell][word]`, bit by bit.
fn planes_of(x: &[f32], planes: usize, channels: usize) -> Vec<u64> {
    let cells = x.len() / channels;
    let mut bits = vec![0; planes * cells * words(channels)];
    for plane in 0..planes {
        for (i, x) in x.iter().enumerate() {
            let (cell, channel) = (i / channels, i % channels);
            let bit = (*x as u64 >> plane) & 1;
            bits[(plane * cells + cell) * words(channels) + channel / 64] |= bit << (channel % 64);
        }
    }
    bits
}

/// Numbers of channels: around whole words, and few.
fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..8, 60usize..68, 120usize..140]
}
