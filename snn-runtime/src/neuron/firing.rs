//! What makes spikes in a layer with a kernel of its own. In: a surrogate; out: the same, checked, and its random draws.

use std::sync::Once;

use snn_kernels::Draw;

use crate::error::Result;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::surrogate::{self, Surrogate};

/// A surrogate function in a layer.
#[derive(Debug)]
pub(super) struct Firing {
    pub(super) surrogate: Surrogate,
    /// Of a function that draws at random.
    stream: Option<Stream>,
    /// Said which kernel the layer has on a device?
    pub(super) told: Once,
}

impl Firing {
    pub(super) fn new(scope: &Scope<'_>, surrogate: Surrogate) -> Result<Firing> {
        surrogate::check(&surrogate, scope.name(), surrogate::ARGUMENT)?;
        Ok(Firing { surrogate, stream: surrogate.draws().then(|| Stream::new(scope)), told: Once::new() })
    }

    /// For one call of the layer.
    pub(super) fn draw(&self) -> Draw {
        self.stream.as_ref().map(Stream::draw).unwrap_or_default()
    }
}
