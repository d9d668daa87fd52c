//! `Dropout`. In: any shape; out: the same, with a share of the elements set to 0 in training; state: which ones.

use tch::{Kind, Tensor};

use crate::elements::{Elements, Fresh};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::rng::Stream;
use crate::scope::Scope;
use crate::state::{DropoutState, check_sizes};

/// Arguments of [`Dropout`].
#[derive(Clone, Debug, PartialEq)]
pub struct DropoutConfig {
    /// The share that is dropped, from 0 up to but not including 1.
    pub p: f64,
}

impl Default for DropoutConfig {
    fn default() -> Self {
        DropoutConfig { p: 0.5 }
    }
}

/// Sets a random share `p` of the elements to 0 in training, and multiplies the rest by 1 / (1 - p).
///
/// The mask is drawn at the first step of training after a reset, and stays the same for all steps until the next reset, from
/// "Enabling Spike-based Backpropagation for Training Deep Neural Network Architectures" (Lee et al., 2020).
/// SpikingJelly equivalent: `layer.Dropout(..)`. In evaluation it gives what it gets.
///
/// # Shapes
///
/// `[N, ..]` to the same.
#[derive(Debug)]
pub struct Dropout {
    p: f64,
    name: String,
    stream: Stream,
}

impl Dropout {
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
        // Drawn on the CPU in the kind of the numbers, or in f32 for smaller ones.
        match x.kind() {
            Kind::Double => self.fill::<f64>(step, x),
            Kind::Float | Kind::Half | Kind::BFloat16 => self.fill::<f32>(step, x),
            got => Err(Error::Kind { layer: self.name.clone(), wants: "floats", got }),
        }
    }

    fn fill<F: Elements>(&self, step: &[i64], x: &Tensor) -> Result<Tensor> {
        let at = self.stream.draw();
        let mut mask = Fresh::<F>::new(&self.name, step)?;
        snn_kernels::dropout_mask(at.seed, at.stream, at.draw, self.p, mask.elements()).map_err(|e| Error::bug(&self.name, e))?;
        Ok(mask.into_tensor().f_to_device(x.device())?.f_to_kind(x.kind())?)
    }

    fn run(&self, x: &Tensor, step: &[i64], s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        if !cx.train {
            return Ok(x.shallow_clone());
        }
        let mask = self.mask(step, x, s)?;
        x.f_mul(mask).map_err(Error::in_layer(&self.name))
    }
}

impl Layer for Dropout {
    type Config = DropoutConfig;
    type State = DropoutState;

    fn build(scope: &Scope<'_>, config: DropoutConfig) -> Result<Self> {
        let p = config.p;
        if !(0.0..1.0).contains(&p) {
            let problem = format!("is the share that is dropped, from 0 up to but not including 1, but is {p:?}");
            return Err(Error::argument(scope.name(), "p", problem, ""));
        }
        Ok(Dropout { p, name: scope.name().to_string(), stream: Stream::new(scope) })
    }

    fn state(&self) -> DropoutState {
        DropoutState::default()
    }

    fn step(&self, x: &Tensor, s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        self.run(x, &x.size(), s, cx)
    }

    fn sequence(&self, x: &Tensor, s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        let sizes = x.size();
        match sizes[..] {
            [steps, ref step @ ..] if steps > 0 => self.run(x, step, s, cx),
            _ => Err(Error::Steps { layer: self.name.clone(), problem: format!("there is no step in {sizes:?}") }),
        }
    }
}
