//! `Dropout` and `Dropout2d`. In: any shape; out: the same, with a share of the elements or channels set to 0 in training; state: which
//! ones.

use std::sync::Once;

use snn_kernels::cuda::{DROPOUT_MASK, DropoutMaskArguments, DropoutMaskKernel};
use tch::{Kind, Tensor};

pub use snn_infer::{Dropout2dConfig, DropoutConfig};

use crate::cuda::{Launcher, address};
use crate::elements::{Elements, Fresh};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::rng::Stream;
use crate::scope::Scope;
use crate::state::{DropoutState, check_sizes, steps_of};

macro_rules! dropout {
    (
        $(#[$doc:meta])* $name:ident of $config:ident, one number for $part:ident
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Common);

        impl Layer for $name {
            type Config = $config;
            type State = DropoutState;

            fn build(scope: &Scope<'_>, config: $config) -> Result<Self> {
                config.check().map_err(Error::refused(scope))?;
                Ok($name(Common::new(scope, config.p, Part::$part)))
            }

            fn state(&self) -> DropoutState {
                DropoutState::default()
            }

            fn step(&self, x: &Tensor, s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
                self.0.run(x, &x.size(), s, cx)
            }

            fn sequence(&self, x: &Tensor, s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
                let sizes = x.size();
                let (_, step) = steps_of(&self.0.name, &sizes)?;
                self.0.run(x, step, s, cx)
            }
        }
    };
}

dropout! {
    /// Sets a random share `p` of the elements to 0 in training, and multiplies the rest by 1 / (1 - p).
    ///
    /// The mask is drawn at the first step of training after a reset, and stays the same for all steps until the next reset, from
    /// "Enabling Spike-based Backpropagation for Training Deep Neural Network Architectures" (Lee et al., 2020).
    /// SpikingJelly equivalent: `layer.Dropout(..)`. In evaluation it gives what it gets.
    ///
    /// # Shapes
    ///
    /// `[N, ..]` to the same.
    Dropout of DropoutConfig, one number for Element
}

dropout! {
    /// [`Dropout`] of whole channels: each channel of each sample is kept or dropped as one, at every step the same.
    ///
    /// SpikingJelly equivalent: `layer.Dropout2d(..)`. In evaluation it gives what it gets. A flat `[N, features]` loses single features.
    ///
    /// # Shapes
    ///
    /// `[N, C, ..]` to the same; the state `mask` has the sizes of one step, and stores `N * C` numbers.
    Dropout2d of Dropout2dConfig, one number for Channel
}

/// What is dropped as one.
#[derive(Clone, Copy, Debug)]
enum Part {
    Element,
    Channel,
}

#[derive(Debug)]
struct Common {
    p: f64,
    part: Part,
    name: String,
    stream: Stream,
    /// Said which kernel it has on a device?
    told: Once,
}

impl Common {
    fn new(scope: &Scope<'_>, p: f64, part: Part) -> Common {
        Common { p, part, name: scope.name().to_string(), stream: Stream::new(scope), told: Once::new() }
    }

    /// The mask in `s`, drawn now if there is none. `step` are the sizes of one step.
    fn mask<'s>(&self, step: &[i64], x: &Tensor, s: &'s mut DropoutState) -> Result<&'s Tensor> {
        if let Some(mask) = &s.mask {
            check_sizes(&self.name, mask, step)?;
        }
        match &mut s.mask {
            Some(mask) => Ok(mask),
            none => Ok(none.insert(self.draw(step, x)?)),
        }
    }

    fn draw(&self, step: &[i64], x: &Tensor) -> Result<Tensor> {
        let drawn: Vec<i64> = match self.part {
            Part::Element => step.to_vec(),
            Part::Channel => step.iter().enumerate().map(|(axis, &n)| if axis < 2 { n } else { 1 }).collect(),
        };
        let mask = match (Launcher::of(&self.name, x)?, x.kind()) {
            (Some(on), _) => self.fill_on(&on, &drawn),
            // In the kind of the numbers, or in f32 for smaller ones.
            (None, Kind::Double) => self.fill::<f64>(&drawn, x),
            (None, Kind::Float | Kind::Half | Kind::BFloat16) => self.fill::<f32>(&drawn, x),
            (None, got) => Err(Error::Kind { layer: self.name.clone(), wants: "floats", got }),
        }?;
        mask.f_expand(step, false).map_err(Error::in_layer(&self.name))
    }

    fn fill<F: Elements>(&self, sizes: &[i64], x: &Tensor) -> Result<Tensor> {
        let at = self.stream.draw();
        let mut mask = Fresh::<F>::new(&self.name, sizes)?;
        snn_kernels::dropout_mask(at.seed, at.stream, at.draw, self.p, mask.elements()).map_err(|e| Error::bug(&self.name, e))?;
        mask.into_tensor().f_to_kind(x.kind()).map_err(Error::in_layer(&self.name))
    }

    /// The same bits, drawn on the device.
    fn fill_on(&self, on: &Launcher<'_>, sizes: &[i64]) -> Result<Tensor> {
        on.tell(&self.told, "dropout masks");
        let (kernel, mask) = (DropoutMaskKernel { element: on.element }, on.fresh(sizes, on.kind)?);
        let elements = mask.numel();
        let call =
            DropoutMaskArguments::new(address(&mask), elements, self.p, self.stream.draw()).map_err(|e| Error::bug(&self.name, e))?;
        // SAFETY: the kernel's own argument; the mask is on this device, and of that many elements.
        unsafe { on.call(&kernel.source(), DROPOUT_MASK, kernel.blocks(elements), call) }?;
        Ok(mask)
    }

    /// All steps in one multiplication, which reads x and writes y once. It takes little longer than a copy of x (`benches/memory.rs`): a
    /// kernel of our own would have nothing to win.
    fn run(&self, x: &Tensor, step: &[i64], s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        if !cx.train {
            return Ok(x.shallow_clone());
        }
        let mask = self.mask(step, x, s)?;
        x.f_mul(mask).map_err(Error::in_layer(&self.name))
    }
}
