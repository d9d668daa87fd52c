//! A layer that stands in no net. In: its type and config; out: [`Session`], driven through the `Layer` trait alone.

use anyhow::Result;
use snn::{Cx, Layer, Scope, State as _};
use tch::{Tensor, nn};

use crate::session::{Recorded, Session};

/// What such a layer is called, as if it were the only one of a net.
const NAME: &str = "m";

struct Lone<L: Layer> {
    layer: L,
    state: L::State,
}

/// Builds a layer with a fresh state.
///
/// # Errors
/// What the layer says.
pub fn lone<L: Layer + 'static>(vs: &nn::Path, config: L::Config) -> Result<Box<dyn Session>> {
    let layer = L::build(&Scope::root("Net", vs).child(NAME), config)?;
    let state = layer.state();
    Ok(Box::new(Lone { layer, state }))
}

impl<L: Layer> Session for Lone<L> {
    fn step(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>> {
        Ok(vec![self.layer.step(&x, &mut self.state, &Cx { train })?])
    }

    fn chunk(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>> {
        Ok(vec![self.layer.sequence(&x, &mut self.state, &Cx { train })?])
    }

    fn whole(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>> {
        self.chunk(x, train)
    }

    fn recorded(&self, _: Tensor, _: bool) -> Result<(Vec<Tensor>, Vec<Recorded>)> {
        unreachable!("only nets record")
    }

    fn states(&self) -> Vec<(String, Tensor)> {
        let mut named = Vec::new();
        self.state.visit(&mut |name, t| named.push((format!("{NAME}.{name}"), t.shallow_clone())));
        named
    }

    fn set(&mut self, _: &str, _: Tensor) -> bool {
        false
    }
}
