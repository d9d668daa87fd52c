//! `VotingLayer`. In: `[N, C * voting_size]`; out: `[N, C]`, the mean of each group.

pub use snn_infer::VotingLayerConfig;
use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

/// Neighbouring neurons vote for a class: the mean of each group of `voting_size` features.
///
/// SpikingJelly equivalent: `layer.VotingLayer(..)`, which drops left-over features silently; here they are an error.
///
/// # Shapes
///
/// `[N, C * voting_size]` to `[N, C]`.
#[derive(Debug)]
pub struct VotingLayer {
    voting_size: usize,
    name: String,
}

impl Stateless for VotingLayer {
    type Config = VotingLayerConfig;

    fn build(scope: &Scope<'_>, config: VotingLayerConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        Ok(VotingLayer { voting_size: config.voting_size, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        let size = x.size();
        let classes = match size[..] {
            [_, features] => snn_shape::divide(features as usize, self.voting_size),
            _ => None,
        };
        let Some(classes) = classes else {
            let wants = format!("[N, a multiple of {}]", self.voting_size);
            return Err(Error::shape(&self.name, wants, &size, ""));
        };
        let groups = x.f_reshape([size[0], classes as i64, self.voting_size as i64]);
        groups.and_then(|g| g.f_mean_dim(-1, false, None)).map_err(Error::in_layer(&self.name))
    }
}
