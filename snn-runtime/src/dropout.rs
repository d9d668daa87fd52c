//! `Dropout`: one mask for all steps. In: any shape; out: the same shape, zeros where the mask is.

use std::sync::atomic::{AtomicU32, Ordering};

use tch::{Kind, Tensor};

use crate::buffer::{Float, slice_mut};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::random;
use crate::scope::Scope;
use crate::state::{DropoutState, check_stored};

/// Arguments of [`Dropout`].
#[derive(Clone, Debug)]
pub struct DropoutConfig {
    /// The share that is dropped, from 0 up to but not including 1.
    pub p: f64,
}

/// Drops elements with probability `p` and scales the rest by `1 / (1 - p)`, in training.
///
/// The mask is drawn at the first training step after a reset and is the same at every step until the next: what a synapse
/// forgets, it forgets for the whole sequence. It comes from a counter-based generator (Philox) keyed by
/// [`manual_seed`](crate::manual_seed), the layer's name and the number of the draw.
/// Lee et al., Frontiers in Neuroscience 2020. SpikingJelly: `layer.Dropout`.
#[derive(Debug)]
pub struct Dropout {
    name: String,
    p: f64,
    draws: AtomicU32,
}

impl Dropout {
    fn draw(&self, size: &[i64], like: &Tensor) -> Result<Tensor> {
        match like.kind() {
            Kind::Double => self.draw_as::<f64>(size, like),
            _ => self.draw_as::<f32>(size, like),
        }
    }

    fn draw_as<F: Float>(&self, size: &[i64], like: &Tensor) -> Result<Tensor> {
        let mut mask = Tensor::f_empty(size, (F::KIND, tch::Device::Cpu)).map_err(Error::in_layer(&self.name))?;
        let draw = self.draws.fetch_add(1, Ordering::Relaxed);
        snn_kernels::dropout_mask(random::seed(), random::stream(&self.name), draw, self.p, slice_mut::<F>(&mut mask))
            .map_err(|source| Error::Kernel { layer: self.name.clone(), source })?;
        mask.f_to_device(like.device()).and_then(|m| m.f_to_kind(like.kind())).map_err(Error::in_layer(&self.name))
    }

    /// The mask times `x`, whose last axes have the sizes `step`.
    fn drop(&self, x: &Tensor, step: &[i64], s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        if !cx.train {
            return Ok(x.shallow_clone());
        }
        let mask = match &s.mask {
            Some(mask) => {
                check_stored(&self.name, mask, step)?;
                mask.shallow_clone()
            }
            None => self.draw(step, x)?,
        };
        let y = x.f_mul(&mask).map_err(Error::in_layer(&self.name))?;
        s.mask = Some(mask);
        Ok(y)
    }
}

impl Layer for Dropout {
    type Config = DropoutConfig;
    type State = DropoutState;

    fn build(scope: &Scope<'_>, config: DropoutConfig) -> Result<Self> {
        if !(0.0..1.0).contains(&config.p) {
            let problem = format!("must be from 0 up to but not including 1, but is {}", config.p);
            return Err(Error::argument(scope.name(), "p", problem, ""));
        }
        Ok(Dropout { name: scope.name().to_string(), p: config.p, draws: AtomicU32::new(0) })
    }

    fn state(&self) -> DropoutState {
        DropoutState::default()
    }

    fn step(&self, x: &Tensor, s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        self.drop(x, &x.size(), s, cx)
    }

    fn sequence(&self, x: &Tensor, s: &mut DropoutState, cx: &Cx) -> Result<Tensor> {
        self.drop(x, &x.size()[1..], s, cx)
    }
}
