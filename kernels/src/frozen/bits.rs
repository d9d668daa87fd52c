//! Spikes as bits, and what is done to 64 of them at a time. In: words or numbers; out: words or numbers.

use std::any::{Any, TypeId};

use pulp::{Arch, Simd, WithSimd, b16, bytemuck};

use crate::arch::vectorised;
use crate::error::{Error, check_len};

/// Words of a cell's `channels`.
pub const fn words(channels: usize) -> usize {
    channels.div_ceil(64)
}

/// The most planes of a value: `f32` has every whole number of 24 bits.
pub const MAX_PLANES: usize = 24;

/// A value that is read.
#[derive(Clone, Copy, Debug)]
pub enum In<'a> {
    /// `[plane][step][sample][cell][word]`
    Bits {
        /// All planes, one after the other.
        words: &'a [u64],
        /// How many, at most [`MAX_PLANES`]: the number is the sum of 2^plane * bit.
        planes: usize,
    },
    /// `[step][sample][cell][channel]`
    Dense(&'a [f32]),
}

/// A value that is written.
#[derive(Debug)]
pub enum Out<'a> {
    /// `[step][sample][cell][word]`, one plane.
    Bits(&'a mut [u64]),
    /// `[step][sample][cell][channel]`
    Dense(&'a mut [f32]),
}

pub(super) fn check_planes(planes: usize) -> Result<(), Error> {
    if (1..=MAX_PLANES).contains(&planes) { Ok(()) } else { Err(Error::Planes(planes)) }
}

/// How many bits are set: over the number of neurons and steps, the firing rate.
pub fn count(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Planes that hold the sum of two values of `a` and `b` planes.
pub const fn planes_of_sum(a: usize, b: usize) -> usize {
    let (a, b) = ((1u128 << a) - 1, (1u128 << b) - 1);
    (u128::BITS - (a + b).leading_zeros()) as usize
}

/// The sum of two values of `planes.0` and `planes.1` planes, 64 channels at a time: `out` has [`planes_of_sum`] planes.
///
/// # Errors
/// [`Error::Length`] if the values are not of one size, [`Error::Planes`].
pub fn add_bits(a: &[u64], b: &[u64], planes: (usize, usize), out: &mut [u64]) -> Result<(), Error> {
    check_planes(planes.0)?;
    check_planes(planes.1)?;
    let len = a.len() / planes.0;
    let sum = planes_of_sum(planes.0, planes.1);
    check_len("a", len * planes.0, a.len())?;
    check_len("b", len * planes.1, b.len())?;
    check_len("out", len * sum, out.len())?;
    let plane = |value: &[u64], plane: usize, i: usize| value.get(plane * len + i).copied().unwrap_or(0);
    for i in 0..len {
        let mut carry = 0;
        for p in 0..sum {
            let (a, b) = (plane(a, p, i), plane(b, p, i));
            out[p * len + i] = a ^ b ^ carry;
            carry = (a & b) | (carry & (a ^ b));
        }
    }
    Ok(())
}

/// `a & b`: spikes that both send.
///
/// # Errors
/// [`Error::Length`] if the values are not of one size.
pub fn and_bits(a: &[u64], b: &[u64], out: &mut [u64]) -> Result<(), Error> {
    zip(a, b, out, |a, b| a & b)
}

/// `a & !b`: spikes of `a` that `b` does not send.
///
/// # Errors
/// [`Error::Length`] if the values are not of one size.
pub fn and_not_bits(a: &[u64], b: &[u64], out: &mut [u64]) -> Result<(), Error> {
    zip(a, b, out, |a, b| a & !b)
}

fn zip(a: &[u64], b: &[u64], out: &mut [u64], f: impl Fn(u64, u64) -> u64) -> Result<(), Error> {
    check_len("b", a.len(), b.len())?;
    check_len("out", a.len(), out.len())?;
    for i in 0..out.len() {
        out[i] = f(a[i], b[i]);
    }
    Ok(())
}

/// Bits as numbers: `bits` are `planes` planes of cells of `channels`, `out` is `[cell][channel]`.
///
/// # Errors
/// [`Error::Length`] if `bits` does not fit `out`, [`Error::Planes`].
pub fn to_dense(bits: &[u64], planes: usize, channels: usize, out: &mut [f32]) -> Result<(), Error> {
    check_planes(planes)?;
    let words = words(channels);
    let len = out.len() / channels.max(1) * words;
    check_len("bits", planes * len, bits.len())?;
    vectorised(
        Arch::new(),
        #[inline(always)]
        || {
            for (cell, out) in out.chunks_exact_mut(channels.max(1)).enumerate() {
                for (w, out) in out.chunks_mut(64).enumerate() {
                    let at = cell * words + w;
                    let (mut all, mut spread) = ([0; MAX_PLANES], [0.0; 64]);
                    for (plane, word) in all.iter_mut().enumerate().take(planes) {
                        *word = bits[plane * len + at];
                    }
                    number(&all[..planes], &mut spread);
                    out.copy_from_slice(&spread[..out.len()]);
                }
            }
        },
    );
    Ok(())
}

/// Numbers as bits, one plane: set where `x` (`[cell][channel]`) is not 0.
///
/// # Errors
/// [`Error::Length`] if `x` does not fit `out`.
pub fn from_dense(x: &[f32], channels: usize, out: &mut [u64]) -> Result<(), Error> {
    from_dense_on(Arch::new(), x, channels, out)
}

/// [`from_dense`] with a given instruction set.
pub(super) fn from_dense_on(arch: Arch, x: &[f32], channels: usize, out: &mut [u64]) -> Result<(), Error> {
    struct Op<'a>(&'a [f32], usize, &'a mut [u64]);
    impl WithSimd for Op<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Op(x, channels, out) = self;
            for (x, out) in x.chunks_exact(channels).zip(out.chunks_exact_mut(words(channels))) {
                for (x, word) in x.chunks(64).zip(out) {
                    let mut block = [0.0; 64];
                    block[..x.len()].copy_from_slice(x);
                    *word = pack(simd, &block);
                }
            }
        }
    }
    let cells = x.len() / channels.max(1);
    check_len("x", cells * channels, x.len())?;
    check_len("out", cells * words(channels), out.len())?;
    if cells != 0 {
        arch.dispatch(Op(x, channels, out));
    }
    Ok(())
}

/// The numbers of 64 channels, from the words of their planes.
#[inline(always)]
pub(super) fn number(planes: &[u64], out: &mut [f32; 64]) {
    *out = [0.0; 64];
    for (plane, word) in planes.iter().enumerate() {
        let value = (1u32 << plane) as f32;
        for half in 0..2 {
            // 32 bits: a vector of `u32` as wide as one of `f32`.
            let bits = (word >> (32 * half)) as u32;
            for k in 0..32 {
                let bit = (bits >> k) & 1;
                out[32 * half + k] += bit as f32 * value;
            }
        }
    }
}

/// Bit k is set where `y[k]` is not 0.
#[inline(always)]
pub(super) fn pack<S: Simd>(simd: S, y: &[f32; 64]) -> u64 {
    let zero = simd.splat_f32s(0.0);
    let vectors = S::as_simd_f32s(y).0;
    let mut word = 0;
    // AVX-512 compares to a bit per lane.
    if TypeId::of::<S::m32s>() == TypeId::of::<b16>() {
        for y in vectors.iter().rev() {
            let zeros: u16 = bytemuck::cast(simd.equal_f32s(*y, zero));
            word = word << 16 | u64::from(!zeros);
        }
        return word;
    }
    // AVX2 gathers the highest bits of the lanes.
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V3>() {
        for y in vectors.iter().rev() {
            let zeros = v3.avx._mm256_movemask_ps(bytemuck::cast(simd.equal_f32s(*y, zero)));
            word = word << 8 | u64::from(!zeros as u8);
        }
        return word;
    }
    for k in 0..64 {
        word |= u64::from(y[k] != 0.0) << k;
    }
    word
}
