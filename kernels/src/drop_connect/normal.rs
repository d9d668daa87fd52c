//! Normally distributed numbers. In: random words; out: as many numbers, in `f32` whatever they are used for.

use super::masks::words;
use crate::lanes::LANES;

/// Pairs of words side by side.
const SIDE: usize = LANES / 4;

/// 64 numbers from block `j` of row `row` on (see [`super::MaskSource::Drawn`]). Of a Philox block's words two pairs make two numbers each:
/// sqrt(-2 ln u) cos(2 pi v), then sin (Box and Muller, 1958). |z| stays below 6.7.
#[inline(always)]
pub(super) fn normals(seed: u64, place: [u32; 3], j: usize) -> [f32; LANES] {
    let words = words(seed, place, j);
    let mut z = [0.0; LANES];
    for pair in 0..2 {
        for lane in 0..SIDE {
            let radius = (-2.0 * ln(words[2 * pair][lane])).sqrt();
            let (sin, cos) = sin_cos(words[2 * pair + 1][lane]);
            z[2 * pair * SIDE + lane] = radius * cos;
            z[(2 * pair + 1) * SIDE + lane] = radius * sin;
        }
    }
    z
}

/// ln(u) of u = (word / 2 + 1/2) / 2^31, which is in (0, 1]. Coefficients from Cephes' `logf`.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "as in their source")]
fn ln(word: u32) -> f32 {
    let u = ((word >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0);
    // u = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt(2).
    const SQRT_HALF: i32 = 0x3F35_04F3;
    let n = (u.to_bits() as i32 - SQRT_HALF) >> 23;
    let f = f32::from_bits((u.to_bits() as i32 - (n << 23)) as u32) - 1.0;
    let (n, z) = (n as f32, f * f);
    let mut p = 7.037_683_629_2e-2;
    for c in [
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ] {
        p = p * f + c;
    }
    let y = p * f * z - 2.121_944_40e-4 * n - 0.5 * z;
    f + y + 0.693_359_375 * n
}

/// Sine and cosine of 2 pi word / 2^32. Coefficients from Cephes' `sinf` and `cosf`.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "as in their source")]
fn sin_cos(word: u32) -> (f32, f32) {
    // The nearest quarter of the circle, and the angle from there, at most pi / 4.
    let quarter = word.wrapping_add(1 << 29) >> 30;
    let a = word.wrapping_sub(quarter << 30) as i32 as f32 * (std::f32::consts::TAU / 4_294_967_296.0);
    let z = a * a;
    let sin = ((-1.951_529_589_1e-4 * z + 8.332_160_873_6e-3) * z - 1.666_665_461_1e-1) * z * a + a;
    let cos = ((2.443_315_711_809_948e-5 * z - 1.388_731_625_493_765e-3) * z + 4.166_664_568_298_827e-2) * z * z - 0.5 * z + 1.0;
    let (s, c) = if quarter & 1 == 0 { (sin, cos) } else { (cos, sin) };
    let negative = |x: f32, bit: u32| f32::from_bits(x.to_bits() ^ (bit << 31));
    (negative(s, quarter >> 1 & 1), negative(c, (quarter + 1) >> 1 & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_sine_and_cosine() {
        let mut worst = (0.0f64, 0.0f64);
        for i in 0..200_000u32 {
            let word = i.wrapping_mul(2_654_435_769);
            let exact = ((f64::from(word >> 1) + 0.5) / 2f64.powi(31)).ln();
            worst.0 = worst.0.max((f64::from(ln(word)) - exact).abs() / exact.abs().max(1e-3));
            let (sin, cos) = (std::f64::consts::TAU * f64::from(word) / 2f64.powi(32)).sin_cos();
            let got = sin_cos(word);
            worst.1 = worst.1.max((f64::from(got.0) - sin).abs()).max((f64::from(got.1) - cos).abs());
        }
        assert!(worst.0 < 1e-4 && worst.1 < 2e-7, "{worst:?}");
        assert!([0, 1, u32::MAX].map(ln).iter().all(|x| x.is_finite() && *x <= 0.0));
    }

    /// Mean 0, variance 1, third moment 0, fourth 3, and no correlation between neighbours.
    #[test]
    fn moments() {
        let z: Vec<f64> = (0..4000).flat_map(|j| normals(9, [1, 2, 3], j)).map(f64::from).collect();
        let mean = |f: &dyn Fn(usize) -> f64| (0..z.len()).map(f).sum::<f64>() / z.len() as f64;
        let moments = [1, 2, 3, 4].map(|n| mean(&|i| z[i].powi(n)));
        for (got, (want, spread)) in moments.into_iter().zip([(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)]) {
            // Five standard deviations of that mean.
            assert!((got - want).abs() < 5.0 * (spread / z.len() as f64).sqrt(), "{moments:?}");
        }
        for shift in [1, 16, 32] {
            let together = mean(&|i| z[i] * z[(i + shift) % z.len()]);
            assert!(together.abs() < 5.0 / (z.len() as f64).sqrt(), "{shift}: {together}");
        }
    }
}
