//! `Linear`. In: `[.., in_features]`; out: `[.., out_features]`.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;
use crate::weights::{Start, bound, learnable};

/// Arguments of [`Linear`].
#[derive(Clone, Debug)]
pub struct LinearConfig {
    /// Size of the last axis that arrives.
    pub in_features: usize,
    /// Size of the last axis that leaves.
    pub out_features: usize,
    /// Adds a learnable `bias`.
    pub bias: bool,
}

/// `x W^T + b` on the last axis.
///
/// `weight` `[out_features, in_features]` and `bias` `[out_features]` start uniform within `1 / sqrt(in_features)`.
/// PyTorch: `torch.nn.Linear`; SpikingJelly: `layer.Linear`.
#[derive(Debug)]
pub struct Linear {
    name: String,
    /// `[out_features, in_features]`
    pub weight: Tensor,
    /// `[out_features]`
    pub bias: Option<Tensor>,
}

impl Stateless for Linear {
    type Config = LinearConfig;

    fn build(scope: &Scope<'_>, c: LinearConfig) -> Result<Self> {
        let start = Start::Uniform(bound(snn_shape::fan_in(c.in_features, 1, &[])));
        Ok(Linear {
            name: scope.name().to_string(),
            weight: learnable(scope, "weight", &[c.out_features, c.in_features], start)?,
            bias: if c.bias { Some(learnable(scope, "bias", &[c.out_features], start)?) } else { None },
        })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        x.f_linear(&self.weight, self.bias.as_ref()).map_err(Error::in_layer(&self.name))
    }
}
