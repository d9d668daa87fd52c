//! The two element types of the kernels, `f32` and `f64`, behind one trait: generic formulas in, machine arithmetic out.

use std::fmt::{Debug, Display};
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::math;

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
        }
    };
}

real!(f32, math::exp_f32, math::atan_f32);
real!(f64, math::exp_f64, math::atan_f64);
