//! Surrogate gradients: what stands in for the derivative of the Heaviside step. In: `h - v_threshold`; out: spikes forward,
//! the surrogate's derivative backward.
//!
//! ```
//! use snn_runtime::surrogate::{ATan, Surrogate};
//! use tch::Tensor;
//!
//! let x = Tensor::from_slice(&[-0.5f32, 0.0, 0.5]).set_requires_grad(true);
//! let s = Surrogate::from(ATan::default()).apply(&x)?;
//! assert_eq!(Vec::<f32>::try_from(&s)?, [0.0, 1.0, 1.0]);
//! s.sum(tch::Kind::Float).backward();
//! assert_eq!(x.grad().double_value(&[1]), 1.0); // alpha / 2
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use snn_kernels::Surrogate as Kernel;
use tch::{Kind, Tensor};

use crate::autograd::{Save, attach, recorded};
use crate::buffer::{Float, check_kernel_input, slice, slice_mut};
use crate::error::{Error, Result};

/// A surrogate with its parameters. SpikingJelly: `surrogate.SurrogateFunctionBase`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surrogate {
    pub(crate) kernel: Kernel,
    pub(crate) spiking: bool,
}

macro_rules! surrogates {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident = $default:literal),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64,)*
            /// `true`: the output is 0 or 1. `false`: it is the primitive, forward and in the reset as well.
            pub spiking: bool,
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* spiking: true }
            }
        }

        impl From<$name> for Surrogate {
            fn from(s: $name) -> Surrogate {
                Surrogate { kernel: Kernel::$name { $($field: s.$field),* }, spiking: s.spiking }
            }
        }
    )*};
}

surrogates! {
    /// Derivative `(alpha / 2) / (1 + (pi / 2 * alpha * x)^2)`, primitive `atan(pi / 2 * alpha * x) / pi + 1 / 2`.
    ///
    /// Fang et al., "Incorporating Learnable Membrane Time Constant", ICCV 2021. SpikingJelly: `surrogate.ATan`.
    ATan {
        /// Sharpness; the derivative at 0 is `alpha / 2`.
        alpha = 2.0
    }
    /// Derivative `alpha * s * (1 - s)` with `s = sigmoid(alpha * x)`, which is the primitive. SpikingJelly: `surrogate.Sigmoid`.
    Sigmoid {
        /// Sharpness; the derivative at 0 is `alpha / 4`.
        alpha = 4.0
    }
    /// Derivative `max(0, alpha - alpha^2 * |x|)`; the primitive is a parabola each side of 0, between 0 and 1.
    ///
    /// Esser et al., PNAS 2016. SpikingJelly: `surrogate.PiecewiseQuadratic`.
    PiecewiseQuadratic {
        /// Sharpness; the derivative at 0, and the inverse of the half width.
        alpha = 1.0
    }
}

impl Surrogate {
    /// Spikes of `x` (which is `h - v_threshold`), of any shape, differentiable.
    ///
    /// # Errors
    ///
    /// `x` is not of `f32` or `f64` on the CPU.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        check_kernel_input("surrogate", x)?;
        match x.kind() {
            Kind::Double => self.apply_as::<f64>(x),
            _ => self.apply_as::<f32>(x),
        }
    }

    fn apply_as<F: Float>(&self, x: &Tensor) -> Result<Tensor> {
        let s = *self;
        let inside = tch::no_grad(|| x.f_contiguous()).map_err(Error::in_layer("surrogate"))?;
        let out = if s.spiking {
            tch::no_grad(|| inside.f_ge(0.0)?.f_to_kind(F::KIND)).map_err(Error::in_layer("surrogate"))?
        } else {
            let mut out = inside.f_empty_like().map_err(Error::in_layer("surrogate"))?;
            slice_mut::<F>(&mut out).copy_from_slice(slice::<F>(&inside));
            s.kernel.primitive(slice_mut::<F>(&mut out));
            out
        };
        if !recorded(&[x]) {
            return Ok(out);
        }
        let mut outs = attach("Surrogate", &[x], vec![out], &[Save::Tensor(x)], move |b| {
            let (Some(g), Some(x)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
            let x = x.f_contiguous()?;
            let mut derivative = x.f_empty_like()?;
            slice_mut::<F>(&mut derivative).copy_from_slice(slice::<F>(&x));
            s.kernel.derivative(slice_mut::<F>(&mut derivative));
            Ok(vec![Some(derivative.f_mul(g)?)])
        })?;
        Ok(outs.remove(0))
    }
}
