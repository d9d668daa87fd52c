//! `PrintShapeModule`. In: any tensor; out: the same, and its shape in the log.

pub use snn_infer::PrintShapeModuleConfig;
use tch::Tensor;

use crate::error::Result;
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

/// Gives what it gets, and logs its sizes as a `tracing` event of level DEBUG: `ext_str [T, N, ..]`.
///
/// SpikingJelly equivalent: `layer.PrintShapeModule(..)`.
///
/// # Shapes
///
/// Any.
#[derive(Debug)]
pub struct PrintShapeModule {
    ext_str: String,
    name: String,
}

impl PrintShapeModule {
    fn say(&self, x: &Tensor) -> Tensor {
        tracing::debug!(layer = self.name, "{} {:?}", self.ext_str, x.size());
        x.shallow_clone()
    }
}

impl Stateless for PrintShapeModule {
    type Config = PrintShapeModuleConfig;

    fn build(scope: &Scope<'_>, c: PrintShapeModuleConfig) -> Result<Self> {
        Ok(PrintShapeModule { ext_str: c.ext_str, name: scope.name().to_string() })
    }

    fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Ok(self.say(x))
    }

    fn forward_sequence(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
        Ok(self.say(x))
    }
}
