//! The two element types of the kernels, `f32` and `f64`, behind one trait: generic formulas in, machine arithmetic out.

use std::fmt::{Debug, Display};
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::math::{self, functions};

/// `f32` or `f64`.
///
/// Every operation is one IEEE operation, never contracted into an FMA, so a formula has the same bits in a scalar loop and in any
/// vector width. [`exp`](Real::exp) and [`atan`](Real::atan) are this crate's own for the same reason, and because they vectorise.
pub trait Real:
    Copy
    + Debug
    + Default
    + Display
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The same number as an `f64` (exact).
    fn to_f64(self) -> f64;
    /// Absolute value.
    fn abs(self) -> Self;
    /// e^x, within about 1 ulp, from vectorisable arithmetic.
    fn exp(self) -> Self;
    /// Arc tangent in radians, within 1 ulp, from vectorisable arithmetic.
    fn atan(self) -> Self;
    /// Natural logarithm; NaN for negative numbers.
    fn ln(self) -> Self;
    /// Sine of an angle in radians, for |x| up to 10^5.
    fn sin(self) -> Self;
    /// Cosine of an angle in radians, for |x| up to 10^5.
    fn cos(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// 1 minus the error function.
    fn erfc(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The nearest whole number, the even one of two.
    fn round(self) -> Self;
    /// The next whole number below.
    fn floor(self) -> Self;
    /// The error function, to the precision of the numbers next to 1.
    #[inline(always)]
    fn erf(self) -> Self {
        Self::ONE - self.erfc()
    }
    /// `self` to the power `e`, for positive `self`.
    fn pow(self, e: Self) -> Self;
    /// The logistic function 1 / (1 + e^-x).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
    /// 1 where `self >= 0`, else 0; NaN gives 0.
    #[inline(always)]
    fn heaviside(self) -> Self {
        if self >= Self::ZERO { Self::ONE } else { Self::ZERO }
    }
}

macro_rules! real {
    ($F:ident, $exp:path, $atan:path) => {
        impl Real for $F {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $F
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $F::abs(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn atan(self) -> Self {
                $atan(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                functions::ln(f64::from(self)) as $F
            }
            #[inline(always)]
            fn sin(self) -> Self {
                functions::sin(f64::from(self)) as $F
            }
            #[inline(always)]
            fn cos(self) -> Self {
                functions::cos(f64::from(self)) as $F
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                functions::tanh(f64::from(self)) as $F
            }
            #[inline(always)]
            fn erfc(self) -> Self {
                functions::erfc(f64::from(self)) as $F
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $F::sqrt(self)
            }
            #[inline(always)]
            fn round(self) -> Self {
                $F::round_ties_even(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $F::floor(self)
            }
            #[inline(always)]
            fn pow(self, e: Self) -> Self {
                math::exp_f64(f64::from(e) * functions::ln(f64::from(self))) as $F
            }
        }
    };
}

real!(f32, math::exp_f32, math::atan_f32);
real!(f64, math::exp_f64, math::atan_f64);
