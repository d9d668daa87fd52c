//! Surrogate functions: what stands in for the derivative of a spike. In: a function's name and sharpness; out: a
//! [`Surrogate`] that neurons take.
//!
//! Forward, a neuron fires where x = h - v_threshold >= 0. Backward, the derivative of that step is replaced by the one given
//! here. With `spiking: false` the output is the smooth function itself, between 0 and 1, and the gradient its true one.

use tch::{Kind, Tensor};

use crate::autograd::{Save, attach, recorded};
use crate::elements::{Elements, Fresh, dense, on_cpu};
use crate::error::{Error, Result};

/// A surrogate function with its parameters. The default is SpikingJelly's, [`Sigmoid`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surrogate {
    function: snn_kernels::Surrogate,
    spiking: bool,
}

impl Default for Surrogate {
    fn default() -> Self {
        Sigmoid::default().into()
    }
}

macro_rules! surrogates {
    ($($(#[$doc:meta])* $name:ident { $(#[$alpha_doc:meta])* alpha: $default:literal })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $(#[$alpha_doc])*
            pub alpha: f64,
            /// Send spikes? Else the function's own value.
            pub spiking: bool,
        }

        impl Default for $name {
            fn default() -> Self {
                $name { alpha: $default, spiking: true }
            }
        }

        impl From<$name> for Surrogate {
            fn from(s: $name) -> Surrogate {
                Surrogate { function: snn_kernels::Surrogate::$name { alpha: s.alpha }, spiking: s.spiking }
            }
        }
    )*};
}

surrogates! {
    /// (alpha / 2) / (1 + (pi / 2 alpha x)^2), the derivative of atan(pi / 2 alpha x) / pi + 1 / 2, from "Incorporating
    /// Learnable Membrane Time Constant to Enhance Learning of Spiking Neural Networks" (Fang et al., ICCV 2021).
    ///
    /// SpikingJelly equivalent: `surrogate.ATan(alpha=2.0)`.
    ATan {
        /// Sharpness: alpha / 2 is the derivative at the threshold.
        alpha: 2.0
    }
    /// alpha s (1 - s), the derivative of s = sigmoid(alpha x).
    ///
    /// SpikingJelly equivalent: `surrogate.Sigmoid(alpha=4.0)`, the default of its neurons.
    Sigmoid {
        /// Sharpness: alpha / 4 is the derivative at the threshold.
        alpha: 4.0
    }
    /// max(0, alpha - alpha^2 |x|), a triangle, from "Spatio-Temporal Backpropagation for Training High-Performance Spiking
    /// Neural Networks" (Wu et al., 2018).
    ///
    /// SpikingJelly equivalent: `surrogate.PiecewiseQuadratic(alpha=1.0)`.
    PiecewiseQuadratic {
        /// Sharpness: the derivative at the threshold, and one over half the width.
        alpha: 1.0
    }
}

impl Surrogate {
    /// Send spikes? Else the function's own value.
    pub fn spiking(&self) -> bool {
        self.spiking
    }

    /// Spikes of x = h - v_threshold, element by element, as one node of the graph: 1 where x >= 0, else 0 (NaN too).
    ///
    /// # Errors
    ///
    /// [`Error::Kind`] unless x is of `Float` or `Double`, [`Error::Device`] unless it is on the CPU.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        match x.kind() {
            Kind::Float => self.run::<f32>(x),
            Kind::Double => self.run::<f64>(x),
            got => Err(Error::Kind { layer: "a surrogate".into(), wants: FLOATS, got }),
        }
    }

    fn run<F: Elements>(self, x: &Tensor) -> Result<Tensor> {
        const NAME: &str = "a surrogate";
        on_cpu(NAME, x)?;
        let dense = dense(NAME, x)?;
        let mut y = Fresh::<F>::new(NAME, &x.size())?;
        y.elements().copy_from_slice(F::slice(NAME, &dense)?);
        match self.spiking {
            true => y.elements().iter_mut().for_each(|y| *y = y.heaviside()),
            false => self.function.primitive(y.elements()),
        }
        let y = y.into_tensor();
        if !recorded(&[x]) {
            return Ok(y);
        }
        let mut y = attach("Surrogate", &[x], vec![y], &[Save::Tensor(&dense)], move |b| {
            let (Some(g), Some(x)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
            let mut slope = Fresh::<F>::new(NAME, &x.size())?;
            slope.elements().copy_from_slice(F::slice(NAME, x)?);
            self.function.derivative(slope.elements());
            Ok(vec![Some(g.f_mul(&slope.into_tensor())?)])
        })?;
        y.pop().ok_or_else(|| Error::bug(NAME, "the graph lost its output"))
    }

    pub(crate) fn function(&self) -> snn_kernels::Surrogate {
        self.function
    }

    /// A sharpness that the formulas can work with.
    pub(crate) fn check(&self, layer: &str) -> Result<()> {
        use snn_kernels::Surrogate::{ATan, PiecewiseQuadratic, Sigmoid};
        match self.function {
            ATan { alpha } | Sigmoid { alpha } | PiecewiseQuadratic { alpha } if !(alpha > 0.0 && alpha.is_finite()) => {
                Err(Error::argument(layer, "surrogate_function", format!("has `alpha = {alpha:?}`, which must be greater than 0"), ""))
            }
            _ => Ok(()),
        }
    }
}

/// What the kernels take.
pub(crate) const FLOATS: &str = "`Float` or `Double`";
