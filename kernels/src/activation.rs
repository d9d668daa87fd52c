//! Activations of layers that are no neurons: a number in, a number and the derivative there out.

use crate::real::Real;

/// What a layer puts behind its weighted sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// y = x
    Identity,
    /// y = max(x, 0), whose derivative at 0 is 0.
    #[default]
    Relu,
    /// y = tanh(x)
    Tanh,
    /// y = 1 / (1 + e^-x)
    Sigmoid,
}

impl Activation {
    /// y of x; NaN stays NaN.
    #[inline(always)]
    pub fn apply<F: Real>(self, x: F) -> F {
        match self {
            Activation::Identity => x,
            Activation::Relu => {
                if x < F::ZERO {
                    F::ZERO
                } else {
                    x
                }
            }
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
        }
    }

    /// dy/dx, from y alone.
    #[inline(always)]
    pub fn derivative<F: Real>(self, y: F) -> F {
        match self {
            Activation::Identity => F::ONE,
            Activation::Relu => {
                if y > F::ZERO {
                    F::ONE
                } else {
                    F::ZERO
                }
            }
            Activation::Tanh => F::ONE - y * y,
            Activation::Sigmoid => y * (F::ONE - y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 4] = [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid];

    #[test]
    fn the_derivative_is_the_slope() {
        for activation in ALL {
            for i in -30..30 {
                let (x, d) = (f64::from(i) / 7.0 + 0.01, 1e-6);
                let slope = (activation.apply(x + d) - activation.apply(x - d)) / (2.0 * d);
                let got = activation.derivative(activation.apply(x));
                assert!((got - slope).abs() < 1e-8, "{activation:?} at {x}: {got} instead of {slope}");
            }
        }
    }

    #[test]
    fn corners() {
        assert_eq!(Activation::Relu.derivative(Activation::Relu.apply(0.0f32)), 0.0);
        assert!(ALL.iter().all(|a| a.apply(f32::NAN).is_nan()));
        assert_eq!(Activation::Tanh.apply(1e-7f32), 1e-7);
    }
}
