//! `Linear`. In: `[.., in_features]`; out: `[.., out_features]`.

use tch::Tensor;

pub use snn_infer::LinearConfig;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::report::probe;
use crate::scope::Scope;
use crate::spikes::{self, Pick};
use crate::weights::uniform;

/// Fully connected: x W^T + b on the last axis.
///
/// PyTorch equivalent: `torch.nn.Linear(..)`; SpikingJelly: `layer.Linear(..)`. Where few inputs are 1 and all others 0, only the weights
/// of those are read and added up, and on the CPU a bit of each input is kept for the backward pass; gradients of gradients
/// (`create_graph`) are an error there. On a CUDA device what arrives is looked at in
/// the first call, every 64th after it and the first one after a [`Checkpoint`](crate::train::Checkpoint), and that is waited for.
///
/// # Shapes
///
/// `[.., in_features]` to `[.., out_features]`. Weights from U(-b, b) with b = 1 / sqrt(in_features).
#[derive(Debug)]
pub struct Linear {
    /// `[out_features, in_features]`
    pub weight: Tensor,
    /// `[out_features]`
    pub bias: Option<Tensor>,
    config: LinearConfig,
    name: String,
    pick: Pick,
}

impl Linear {
    /// What it was built with.
    pub fn config(&self) -> &LinearConfig {
        &self.config
    }

    /// The linear map with `weight` in the place of its own.
    pub(crate) fn with_weight(&self, x: &Tensor, weight: &Tensor, cx: &Cx) -> Result<Tensor> {
        let size = x.size();
        if size.last() != Some(&(self.config.in_features as i64)) {
            let help = if size.len() > 3 { "put a `Flatten()` before it" } else { "" };
            return Err(Error::shape(&self.name, format!("[N, {}]", self.config.in_features), &size, help));
        }
        probe::linear(&self.name, x, self.config.out_features as i64).map_err(Error::in_layer(&self.name))?;
        match spikes::linear(&self.name, &self.pick, cx.train, x, weight, self.bias.as_ref())? {
            Some(y) => Ok(y),
            None => x.f_linear(weight, self.bias.as_ref()).map_err(Error::in_layer(&self.name)),
        }
    }
}

impl Stateless for Linear {
    type Config = LinearConfig;

    fn build(scope: &Scope<'_>, c: LinearConfig) -> Result<Self> {
        c.check().map_err(Error::refused(scope))?;
        let weight = uniform(scope, "weight", &[c.out_features, c.in_features], c.in_features)?;
        let bias = if c.bias { Some(uniform(scope, "bias", &[c.out_features], c.in_features)?) } else { None };
        Ok(Linear { weight, bias, config: c, name: scope.name().to_string(), pick: Pick::new() })
    }

    fn forward(&self, x: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.with_weight(x, &self.weight, cx)
    }
}
