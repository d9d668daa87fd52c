//! `VotingLayer`. In: `[N, C * voting_size]`; out: `[N, C]`.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

/// Arguments of [`VotingLayer`].
#[derive(Clone, Debug)]
pub struct VotingLayerConfig {
    /// Features that vote for one class.
    pub voting_size: usize,
}

/// The mean of each group of `voting_size` features: several output neurons vote for a class.
///
/// Fang et al., "Incorporating Learnable Membrane Time Constant", ICCV 2021. SpikingJelly: `layer.VotingLayer`, which drops a
/// remainder in silence; here it does not compile.
#[derive(Debug)]
pub struct VotingLayer {
    name: String,
    voting_size: usize,
}

impl Stateless for VotingLayer {
    type Config = VotingLayerConfig;

    fn build(scope: &Scope<'_>, config: VotingLayerConfig) -> Result<Self> {
        if config.voting_size == 0 {
            return Err(Error::argument(scope.name(), "voting_size", "must be at least 1, but is 0", ""));
        }
        Ok(VotingLayer { name: scope.name().to_string(), voting_size: config.voting_size })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let n = self.voting_size as i64;
        x.f_unflatten(-1, [-1, n]).and_then(|x| x.f_mean_dim(-1i64, false, None)).map_err(Error::in_layer(&self.name))
    }
}
