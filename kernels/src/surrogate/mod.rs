//! Surrogate functions: h - v_threshold in; out comes the factor that stands in for the Heaviside's derivative, or its primitive.
//!
//! One file per function with its two formulas. They are applied to whole slices through one `match`, outside the neuron kernels:
//! N neurons and S surrogates are N + S compiled loops.

use pulp::Arch;

use crate::Real;

mod atan;
mod piecewise_quadratic;
mod sigmoid;

/// What stands in for the Heaviside step H(x) (H(0) = 1) in the backward pass. Evaluated at x = h - v_threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Surrogate {
    /// (alpha/2) / (1 + (pi/2 alpha x)^2); primitive atan(pi/2 alpha x)/pi + 1/2. SpikingJelly's default alpha is 2.
    ATan {
        /// Sharpness; alpha/2 is the derivative at 0.
        alpha: f64,
    },
    /// alpha s (1 - s) with s = sigmoid(alpha x), which is the primitive. SpikingJelly's default alpha is 4.
    Sigmoid {
        /// Sharpness; alpha/4 is the derivative at 0.
        alpha: f64,
    },
    /// max(0, alpha - alpha^2 |x|); primitive -alpha^2/2 x|x| + alpha x + 1/2 between 0 and 1. SpikingJelly's default alpha is 1.
    PiecewiseQuadratic {
        /// Sharpness; the derivative at 0, and the inverse of the half width.
        alpha: f64,
    },
}

impl Surrogate {
    /// Replaces every x (= h - v_threshold) by the derivative at x.
    pub fn derivative<F: Real>(&self, x: &mut [F]) {
        self.derivative_on(Arch::new(), x);
    }

    /// Replaces every x (= h - v_threshold) by the primitive at x, a smooth step from 0 to 1.
    pub fn primitive<F: Real>(&self, x: &mut [F]) {
        self.primitive_on(Arch::new(), x);
    }

    pub(crate) fn derivative_on<F: Real>(&self, arch: Arch, x: &mut [F]) {
        match *self {
            Surrogate::ATan { alpha } => map(arch, x, move |x| atan::derivative(alpha, x)),
            Surrogate::Sigmoid { alpha } => map(arch, x, move |x| sigmoid::derivative(alpha, x)),
            Surrogate::PiecewiseQuadratic { alpha } => map(arch, x, move |x| piecewise_quadratic::derivative(alpha, x)),
        }
    }

    pub(crate) fn primitive_on<F: Real>(&self, arch: Arch, x: &mut [F]) {
        match *self {
            Surrogate::ATan { alpha } => map(arch, x, move |x| atan::primitive(alpha, x)),
            Surrogate::Sigmoid { alpha } => map(arch, x, move |x| sigmoid::primitive(alpha, x)),
            Surrogate::PiecewiseQuadratic { alpha } => map(arch, x, move |x| piecewise_quadratic::primitive(alpha, x)),
        }
    }
}

/// `x[i] = f(x[i])` with the machine's widest vectors. `f` holds its constants by value, or they could alias `x` and nothing vectorises.
fn map<F: Real>(arch: Arch, x: &mut [F], f: impl Fn(F) -> F) {
    arch.dispatch(
        #[inline(always)]
        move || {
            for x in x {
                *x = f(*x);
            }
        },
    );
}
