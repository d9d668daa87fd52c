//! `exp` and `atan` as straight-line arithmetic: a number in, the function within about 1 ulp out.
//!
//! No call, no table, no branch, so a loop over them vectorises at any width, and no FMA, so all widths agree to the bit.
//! The C library's versions are calls, one element at a time, and differ between systems.

// The constants are written as in their sources, with more digits than the type keeps.
#![allow(clippy::excessive_precision, clippy::approx_constant)]

pub(crate) mod functions;

/// `$poly`: Taylor coefficients 1/2!, 1/3!, .. of (e^r - 1 - r) / r^2; the first one left out is below half an ulp for |r| <= ln(2)/2.
macro_rules! exp {
    ($name:ident, $F:ident, $Int:ident, mantissa: $bits:literal, bias: $bias:literal, range: $lo:literal ..= $hi:literal,
     ln2: $ln2_hi:literal + $ln2_lo:literal, factorials: $last:literal $(, $n:literal)*) => {
        /// e^x = 2^n e^r with n = round(x / ln 2). Overflows to infinity, underflows through the subnormals to 0, NaN stays NaN.
        #[inline(always)]
        pub(crate) fn $name(x: $F) -> $F {
            // Adding and taking away 1.5 * 2^bits rounds to an integer, which is then also found in the low mantissa bits.
            const ROUND: $F = 1.5 * (1u64 << $bits) as $F;
            // Beyond the range the result is infinity or 0 all the same, and `n` stays small. A NaN passes both comparisons.
            let x = if x > $hi { $hi } else { x };
            let x = if x < $lo { $lo } else { x };
            let rounded = x * std::$F::consts::LOG2_E + ROUND;
            let n = rounded - ROUND;
            let int = (rounded.to_bits() as $Int).wrapping_sub(ROUND.to_bits() as $Int);
            // ln 2 in two parts, the first short enough for n * hi to be exact.
            let r = (x - n * $ln2_hi) - n * $ln2_lo;
            let p: $F = 1.0 / $last;
            $(let p = p * r + 1.0 / $n;)*
            let e = 1.0 + (r + r * r * p);
            // 2^n in two factors: each is a normal number although 2^n itself may not be.
            let half = int >> 1;
            let pow2 = |k: $Int| $F::from_bits((k.wrapping_add($bias) << $bits) as _);
            e * pow2(half) * pow2(int.wrapping_sub(half))
        }
    };
}

exp!(exp_f32, f32, i32, mantissa: 23, bias: 127, range: -104.0 ..= 89.0, ln2: 0.693359375 + -2.12194440e-4,
     factorials: 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0);
exp!(exp_f64, f64, i64, mantissa: 52, bias: 1023, range: -746.0 ..= 710.0, ln2: 6.93147180369123816490e-1 + 1.90821492927058770002e-10,
     factorials: 6227020800.0, 479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0);

/// Coefficients and breakpoints from FreeBSD's msun `s_atan.c` / `s_atanf.c`, with its branches turned into selections.
macro_rules! atan {
    ($name:ident, $F:ident, hi: [$h0:literal, $h1:literal, $h2:literal, $h3:literal], lo: [$l0:literal, $l1:literal, $l2:literal, $l3:literal],
     series: $last:literal $(, $c:literal)*) => {
        /// atan(x) = atan(c) + atan((x - c) / (1 + c x)) for the c in {0, 1/2, 1, 3/2, infinity} near |x|. NaN stays NaN.
        #[inline(always)]
        pub(crate) fn $name(x: $F) -> $F {
            let a = x.abs();
            let (c, hi, lo) = (0.0, 0.0, 0.0);
            let (c, hi, lo) = if a >= 0.4375 { (0.5, $h0, $l0) } else { (c, hi, lo) };
            let (c, hi, lo) = if a >= 0.6875 { (1.0, $h1, $l1) } else { (c, hi, lo) };
            let (c, hi, lo) = if a >= 1.1875 { (1.5, $h2, $l2) } else { (c, hi, lo) };
            let (num, den) = (a - c, 1.0 + c * a);
            let (num, den, hi, lo) = if a >= 2.4375 { (-1.0, a, $h3, $l3) } else { (num, den, hi, lo) };
            let t = num / den;
            let z = t * t;
            let s: $F = $last;
            $(let s = s * z + $c;)*
            (hi - ((t * (z * s) - lo) - t)).copysign(x)
        }
    };
}

atan!(atan_f32, f32,
      hi: [4.6364760399e-1, 7.8539812565e-1, 9.8279368877e-1, 1.5707962513],
      lo: [5.0121582440e-9, 3.7748947079e-8, 3.4473217170e-8, 7.5497894159e-8],
      series: 6.1687607318e-2, -1.0648017377e-1, 1.4253635705e-1, -1.9999158382e-1, 3.3333328366e-1);
atan!(atan_f64, f64,
      hi: [4.63647609000806093515e-1, 7.85398163397448278999e-1, 9.82793723247329054082e-1, 1.57079632679489655800],
      lo: [2.26987774529616870924e-17, 3.06161699786838301793e-17, 1.39033110312309984516e-17, 6.12323399573676603587e-17],
      series: 1.62858201153657823623e-2, -3.65315727442169155270e-2, 4.97687799461593236017e-2, -5.83357013379057348645e-2,
              6.66107313738753120669e-2, -7.69187620504482999495e-2, 9.09088713343650656196e-2, -1.11111104054623557880e-1,
              1.42857142725034663711e-1, -1.99999999998764832476e-1, 3.33333333333329318027e-1);

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units in the last place of `exact`; `exact` is a correctly rounded or better value.
    fn ulps_f32(got: f32, exact: f64) -> f64 {
        let near = exact as f32;
        if got == near {
            return 0.0;
        }
        let ulp = f64::from(f32::from_bits(near.abs().to_bits() + 1)) - f64::from(near.abs());
        (f64::from(got) - exact).abs() / ulp
    }

    fn ulps_f64(got: f64, exact: f64) -> f64 {
        (got.to_bits() as i64 - exact.to_bits() as i64).abs() as f64
    }

    #[test]
    fn exp_is_within_an_ulp() {
        let mut worst = (0.0f64, 0.0f64);
        for i in 0..2_000_000 {
            let x = -104.5 + 194.0 * f64::from(i) / 2e6;
            let narrow = x as f32;
            worst.0 = worst.0.max(if exp_f32(narrow).is_infinite() { 0.0 } else { ulps_f32(exp_f32(narrow), f64::from(narrow).exp()) });
            let wide = x * 7.2;
            worst.1 = worst.1.max(if wide.exp().is_infinite() { 0.0 } else { ulps_f64(exp_f64(wide), wide.exp()) });
        }
        // f64 is compared with the C library's, itself up to half an ulp off.
        assert!(worst.0 <= 1.01 && worst.1 <= 1.0, "{worst:?}");
    }

    #[test]
    fn atan_is_within_an_ulp() {
        let mut worst = (0.0f64, 0.0f64);
        for i in 1..1_000_000 {
            let x = f64::from(i) * 1e-5;
            for x in [x, -x, 1.0 / x, x * 1e-6] {
                worst.0 = worst.0.max(ulps_f32(atan_f32(x as f32), f64::from(x as f32).atan()));
                worst.1 = worst.1.max(ulps_f64(atan_f64(x), x.atan()));
            }
        }
        assert!(worst.0 <= 1.0 && worst.1 <= 1.0, "{worst:?}");
    }

    #[test]
    fn special_values() {
        assert!(exp_f32(f32::NAN).is_nan() && exp_f64(f64::NAN).is_nan() && atan_f32(f32::NAN).is_nan() && atan_f64(f64::NAN).is_nan());
        assert_eq!((exp_f32(0.0), exp_f64(-0.0)), (1.0, 1.0));
        assert_eq!((exp_f32(f32::INFINITY), exp_f64(f64::INFINITY)), (f32::INFINITY, f64::INFINITY));
        assert_eq!((exp_f32(f32::NEG_INFINITY), exp_f64(f64::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!((exp_f32(89.5), exp_f64(1e300)), (f32::INFINITY, f64::INFINITY));
        assert_eq!((exp_f32(-1e30), exp_f64(-1e300)), (0.0, 0.0));
        assert_eq!((atan_f32(f32::INFINITY), atan_f64(f64::NEG_INFINITY)), (std::f32::consts::FRAC_PI_2, -std::f64::consts::FRAC_PI_2));
        assert_eq!((atan_f32(-0.0).to_bits(), atan_f64(-0.0).to_bits()), ((-0.0f32).to_bits(), (-0.0f64).to_bits()));
    }
}
