//! `ln`, `sin`, `cos`, `tanh`, `erfc` in `f64` as straight-line arithmetic: a number in, the function out. `f32` goes through `f64`: these
//! are rare next to `exp`, and the last bit is then right.

// The constants are written as in their sources, with more digits than the type keeps.
#![allow(clippy::excessive_precision, clippy::approx_constant)]

use super::exp_f64;

/// ln x = k ln 2 + ln m with m in [sqrt(1/2), sqrt(2)), and ln m = 2 atanh(s), s = (m - 1) / (m + 1), by a polynomial in s^2. Coefficients from
/// FreeBSD's msun `e_log.c`. Negative numbers and NaN give NaN, 0 gives -infinity.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    // A subnormal number has no exponent of its own.
    let small = x < f64::MIN_POSITIVE;
    let scaled = if small { x * 18014398509481984.0 } else { x };
    let lift = if small { -54.0 } else { 0.0 };
    // The bits above those of sqrt(1/2) count the doublings from there.
    const HALF: u64 = 0x3fe6_a09e_0000_0000;
    let bits = scaled.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - HALF);
    // The exponent as a number without a conversion: placed into the mantissa of 2^52.
    let k = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - 4503599627370496.0 - 1023.0 + lift;
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + HALF);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let (z, half) = (s * s, 0.5 * f * f);
    let mut p = 1.479819860511658591e-1;
    for c in [
        1.531383769920937332e-1,
        1.818357216161805012e-1,
        2.222219843214978396e-1,
        2.857142874366239149e-1,
        3.999999999940941908e-1,
        6.666666666666735130e-1,
    ] {
        p = p * z + c;
    }
    let value = k * 6.93147180369123816490e-1 - ((half - (s * (half + p * z) + k * 1.90821492927058770002e-10)) - f);
    let value = if x == f64::INFINITY { x } else { value };
    let value = if x == 0.0 { f64::NEG_INFINITY } else { value };
    if x >= 0.0 { value } else { f64::NAN }
}

/// Sine (`QUARTER` = 0) or cosine (1): the turn is taken off in quarters, and each quarter is one of two polynomials, from FreeBSD's msun
/// `k_sin.c` and `k_cos.c`. Within an ulp or two of 1 for |x| up to 10^5, where the quarters are still exact.
#[inline(always)]
fn turn<const QUARTER: u64>(x: f64) -> f64 {
    const ROUND: f64 = 1.5 * (1u64 << 52) as f64;
    let rounded = x * std::f64::consts::FRAC_2_PI + ROUND;
    let n = rounded - ROUND;
    let quarter = rounded.to_bits().wrapping_add(QUARTER) & 3;
    // pi / 2 in three parts, the first two short enough for the products to be exact.
    let r = x - n * 1.57079632673412561417;
    let r = r - n * 6.07710050630396597660e-11;
    let r = r - n * 2.02226624879595063154e-21;
    let z = r * r;
    let mut sin = 1.58969099521155010221e-10;
    for c in [
        -2.50507602534068634195e-8,
        2.75573137070700676789e-6,
        -1.98412698298579493134e-4,
        8.33333333332248946124e-3,
        -1.66666666666666324348e-1,
    ] {
        sin = sin * z + c;
    }
    let sin = r + r * z * sin;
    let mut cos = -1.13596475577881948265e-11;
    for c in [
        2.08757232129817482790e-9,
        -2.75573143513906633035e-7,
        2.48015872894767294178e-5,
        -1.38888888888741095749e-3,
        4.16666666666666019037e-2,
    ] {
        cos = cos * z + c;
    }
    let cos = 1.0 - (0.5 * z - z * z * cos);
    let value = if quarter & 1 == 0 { sin } else { cos };
    if quarter & 2 == 0 { value } else { -value }
}

#[inline(always)]
pub(crate) fn sin(x: f64) -> f64 {
    turn::<0>(x)
}

#[inline(always)]
pub(crate) fn cos(x: f64) -> f64 {
    turn::<1>(x)
}

/// 1 - 2 / (e^2|x| + 1), and near 0, where that loses digits, the continued fraction x / (1 + x^2 / (3 + x^2 / (5 + ..))).
#[inline(always)]
pub(crate) fn tanh(x: f64) -> f64 {
    let (a, z) = (x.abs(), x * x);
    let far = 1.0 - 2.0 / (exp_f64(2.0 * a) + 1.0);
    let mut near = 17.0;
    for odd in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        near = odd + z / near;
    }
    let value = if a < 0.6 { a / near } else { far };
    let value = if x.is_nan() { x } else { value };
    value.copysign(x)
}

/// erfc(z) = t exp(-z^2 + p(t)) with t = 2 / (2 + z) for z >= 0, and 2 - erfc(-z) below. p is a Chebyshev series, fitted with 40 digits: good to
/// 1e-15 near 0 and to 1e-13 of the value far out, where it is tiny.
#[inline(always)]
pub(crate) fn erfc(x: f64) -> f64 {
    const SERIES: [f64; 28] = [
        -2.8164318215888218373e-17,
        1.2102179633567604846e-16,
        -9.4573423619697721844e-17,
        -1.5230293148083845958e-15,
        7.1060983121851931005e-15,
        3.8109024550397839385e-16,
        -1.1270822375373605955e-13,
        3.1309214049367885277e-13,
        8.9448792633340131747e-13,
        -6.886027525110881136e-12,
        2.3940380812489559247e-12,
        9.6467911022339212419e-11,
        -2.2736512229574948061e-10,
        -9.9136415649009914582e-10,
        5.0593434955481828542e-9,
        6.5290544391024719231e-9,
        -8.5238095914930477672e-8,
        1.562644172207037172e-8,
        1.3036558355805187028e-6,
        -1.6242900046470207683e-6,
        -0.00002027857811253424812,
        0.000042523324806907776804,
        0.00036683949785276144655,
        -0.00094659534448203686084,
        -0.0095615147868086316474,
        0.019476473204185836317,
        0.6419697923564902603,
        -1.3026537197817094342,
    ];
    let z = x.abs();
    let t = 2.0 / (2.0 + z);
    let y = 2.0 * (2.0 * t - 1.0);
    // Clenshaw's recurrence; the last coefficient counts half.
    let (mut d, mut before) = (0.0, 0.0);
    for c in &SERIES[..27] {
        (d, before) = (y * d - before + c, d);
    }
    let p = 0.5 * (y * d + SERIES[27]) - before;
    let tail = t * exp_f64(p - z * z);
    if x < 0.0 { 2.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> impl Iterator<Item = f64> {
        (-200_000..200_000).map(|k| f64::from(k) * 1.7e-4)
    }

    #[test]
    fn they_are_the_functions() {
        for x in points() {
            assert!((sin(x) - x.sin()).abs() < 4e-16 && (cos(x) - x.cos()).abs() < 4e-16, "{x}");
            assert!((tanh(x) - x.tanh()).abs() <= 5e-16 * x.tanh().abs(), "tanh({x}) = {} is {}", tanh(x), x.tanh());
            let y = (x / 3.0).exp();
            assert!((ln(y) - y.ln()).abs() <= 4e-16 * y.ln().abs(), "ln({y}) = {} is {}", ln(y), y.ln());
        }
    }

    /// From tables with 20 digits.
    #[test]
    fn erfc_has_its_known_values() {
        for (x, exact) in [
            (0.0, 1.0),
            (0.1, 0.88753708398171510159),
            (0.5, 0.47950012218695346232),
            (1.0, 0.15729920705028513066),
            (2.0, 0.0046777349810472658379),
            (3.0, 2.2090496998585441373e-5),
            (5.0, 1.5374597944280348502e-12),
            (-1.0, 1.8427007929497148693),
            (-4.0, 1.9999999845827420998),
        ] {
            assert!((erfc(x) - exact).abs() <= 5e-15 * exact, "erfc({x}) = {} is {exact}", erfc(x));
        }
    }

    #[test]
    fn special_values() {
        assert_eq!((ln(0.0), ln(f64::INFINITY), ln(1.0)), (f64::NEG_INFINITY, f64::INFINITY, 0.0));
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan());
        assert!((ln(5e-324) - 5e-324f64.ln()).abs() < 1e-12);
        assert!(sin(f64::NAN).is_nan() && cos(f64::INFINITY).is_nan() && tanh(f64::NAN).is_nan() && erfc(f64::NAN).is_nan());
        assert_eq!((tanh(f64::INFINITY), tanh(-40.0), tanh(-0.0).to_bits()), (1.0, -1.0, (-0.0f64).to_bits()));
        assert_eq!((erfc(f64::INFINITY), erfc(f64::NEG_INFINITY), erfc(30.0)), (0.0, 2.0, 0.0));
    }
}
