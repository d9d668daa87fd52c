//! Where a neuron's loops are compiled: once, in the crate that defines it, at that crate's optimisation level, and not again wherever a
//! layer of it is used.

use std::fmt::Debug;

use crate::cuda::{Element, NeuronKernels};
use crate::frozen::Tile;
use crate::neuron::MAX_CONSTANTS;
use crate::{BackwardOut, Channels, Constants, Error, ForwardOut, Pass, Upstream};

/// The kernels of a [`Neuron`](crate::Neuron) as plain functions, behind which its type is forgotten. [`compiled!`](crate::compiled)
/// implements it.
pub trait Compiled: Debug + Send + Sync + 'static {
    /// [`Constants::new`] in `f32`.
    ///
    /// # Errors
    /// As there, and so for all methods.
    fn constants_f32(&self, learned: &[&[f64]], channels: Channels) -> Result<Constants<f32>, Error>;

    /// [`Constants::new`] in `f64`.
    ///
    /// # Errors
    /// As there.
    fn constants_f64(&self, learned: &[&[f64]], channels: Channels) -> Result<Constants<f64>, Error>;

    /// [`forward`](crate::forward) in `f32`.
    ///
    /// # Errors
    /// As there.
    fn forward_f32(&self, pass: Pass<'_, f32>, out: ForwardOut<'_, f32>) -> Result<(), Error>;

    /// [`forward`](crate::forward) in `f64`.
    ///
    /// # Errors
    /// As there.
    fn forward_f64(&self, pass: Pass<'_, f64>, out: ForwardOut<'_, f64>) -> Result<(), Error>;

    /// [`backward`](crate::backward) in `f32`.
    ///
    /// # Errors
    /// As there.
    fn backward_f32(
        &self,
        pass: Pass<'_, f32>,
        upstream: Upstream<'_, f32>,
        out: BackwardOut<'_, f32>,
    ) -> Result<Vec<[f64; MAX_CONSTANTS]>, Error>;

    /// [`backward`](crate::backward) in `f64`.
    ///
    /// # Errors
    /// As there.
    fn backward_f64(
        &self,
        pass: Pass<'_, f64>,
        upstream: Upstream<'_, f64>,
        out: BackwardOut<'_, f64>,
    ) -> Result<Vec<[f64; MAX_CONSTANTS]>, Error>;

    /// The names of the states, [`Neuron::STATES`](crate::Neuron::STATES).
    fn states(&self) -> &'static [&'static str];

    /// Is what it sends 0 or 1 with these arguments?
    fn sends_bits(&self) -> bool;

    /// Does it fire? A synapse does not.
    fn fires(&self) -> bool;

    /// All steps of a tile of neurons of frozen inference, [`run_tile`](crate::frozen::run_tile). Nothing is allocated.
    fn tile(&self, tile: &Tile<'_>);

    /// [`learned_gradient`](crate::learned_gradient).
    ///
    /// # Errors
    /// As there.
    fn gradient_of_learned(
        &self,
        learned: &[&[f64]],
        channels: Channels,
        upstream: &[[f64; MAX_CONSTANTS]],
    ) -> Result<Vec<Vec<f64>>, Error>;

    /// [`NeuronKernels::new`].
    fn cuda(&self, element: Element, steps: usize) -> NeuronKernels;
}

/// Compiles the kernels of a [`Neuron`](crate::Neuron) here: `compiled!(LIFNodeConfig);`.
#[macro_export]
macro_rules! compiled {
    ($neuron:ty) => {
        impl $crate::Compiled for $neuron {
            fn constants_f32(
                &self,
                learned: &[&[f64]],
                channels: $crate::Channels,
            ) -> ::core::result::Result<$crate::Constants<f32>, $crate::Error> {
                $crate::Constants::new(self, learned, channels)
            }

            fn constants_f64(
                &self,
                learned: &[&[f64]],
                channels: $crate::Channels,
            ) -> ::core::result::Result<$crate::Constants<f64>, $crate::Error> {
                $crate::Constants::new(self, learned, channels)
            }

            fn forward_f32(
                &self,
                pass: $crate::Pass<'_, f32>,
                out: $crate::ForwardOut<'_, f32>,
            ) -> ::core::result::Result<(), $crate::Error> {
                $crate::forward(self, pass, out)
            }

            fn forward_f64(
                &self,
                pass: $crate::Pass<'_, f64>,
                out: $crate::ForwardOut<'_, f64>,
            ) -> ::core::result::Result<(), $crate::Error> {
                $crate::forward(self, pass, out)
            }

            fn backward_f32(
                &self,
                pass: $crate::Pass<'_, f32>,
                upstream: $crate::Upstream<'_, f32>,
                out: $crate::BackwardOut<'_, f32>,
            ) -> ::core::result::Result<::std::vec::Vec<[f64; $crate::MAX_CONSTANTS]>, $crate::Error> {
                $crate::backward(self, pass, upstream, out)
            }

            fn backward_f64(
                &self,
                pass: $crate::Pass<'_, f64>,
                upstream: $crate::Upstream<'_, f64>,
                out: $crate::BackwardOut<'_, f64>,
            ) -> ::core::result::Result<::std::vec::Vec<[f64; $crate::MAX_CONSTANTS]>, $crate::Error> {
                $crate::backward(self, pass, upstream, out)
            }

            fn states(&self) -> &'static [&'static str] {
                <Self as $crate::Neuron>::STATES
            }

            fn sends_bits(&self) -> bool {
                <Self as $crate::Neuron>::SENDS_SPIKES && $crate::Neuron::surrogate(self).sends_bits()
            }

            fn fires(&self) -> bool {
                <Self as $crate::Neuron>::FIRES > 0
            }

            fn tile(&self, tile: &$crate::frozen::Tile<'_>) {
                $crate::frozen::run_tile(self, tile)
            }

            fn gradient_of_learned(
                &self,
                learned: &[&[f64]],
                channels: $crate::Channels,
                upstream: &[[f64; $crate::MAX_CONSTANTS]],
            ) -> ::core::result::Result<::std::vec::Vec<::std::vec::Vec<f64>>, $crate::Error> {
                $crate::learned_gradient(self, learned, channels, upstream)
            }

            fn cuda(&self, element: $crate::cuda::Element, steps: usize) -> $crate::cuda::NeuronKernels {
                $crate::cuda::NeuronKernels::new(self, element, steps)
            }
        }
    };
}
