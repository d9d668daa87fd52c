//! `PeriodicEncoder`. In: anything; out: spikes that were given, over and over.

use tch::Tensor;

use super::encoder;
use crate::error::{Error, Result};
use crate::scope::Scope;

/// Arguments of [`PeriodicEncoder`].
#[derive(Debug)]
pub struct PeriodicEncoderConfig {
    /// `[T, N, ..]`: one round.
    pub spike: Tensor,
}

/// Gives the spikes it was built with, one step after the other and over and over, whatever it gets.
///
/// SpikingJelly equivalent: `encoding.PeriodicEncoder(spike)`. As its argument is a tensor, it is no layer of the language.
///
/// # Shapes
///
/// `[N, ..]` as one step of the spikes, to the same.
#[derive(Debug)]
pub struct PeriodicEncoder {
    spike: Tensor,
    name: String,
}

impl PeriodicEncoder {
    fn new(scope: &Scope<'_>, config: PeriodicEncoderConfig) -> Result<Self> {
        let size = config.spike.size();
        if size.len() < 2 || size[0] == 0 {
            return Err(Error::shape(scope.name(), "`spike` of [T, N, ..] with T at least 1", &size, "time comes first"));
        }
        Ok(PeriodicEncoder { spike: config.spike, name: scope.name().to_string() })
    }

    fn encode(&self, _: &Tensor) -> Result<Tensor> {
        Ok(self.spike.detach())
    }
}

encoder!(PeriodicEncoder, PeriodicEncoderConfig);
