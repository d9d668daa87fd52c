//! `SynapseFilter`. In: spikes; out: the synaptic currents they leave behind; state: the last of them.

use std::sync::Arc;

pub use snn_infer::SynapseFilterConfig;
use snn_kernels::{Compiled, MAX_LEARNED, Neuron, SynapseCurrent};
use tch::Tensor;

use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::neuron::{Fused, Input, NeuronState};
use crate::scope::Scope;
use crate::state::SynapseFilterState;

/// A current that each spike raises by 1 and that decays by 1 / tau in steps without one:
/// i\[t\] = i\[t-1\] - (1 - x\[t\]) i\[t-1\] / tau + x\[t\], from i = 0.
///
/// From "Unsupervised learning of digit recognition using spike-timing-dependent plasticity" (Diehl and Cook, 2015); learned as
/// 1 / tau = sigmoid(w), one for the layer, in "Exploiting Neuron and Synapse Filter Dynamics in Spatial Temporal Learning of Deep
/// Spiking Neural Network" (Fang et al., IJCAI 2020). SpikingJelly equivalent: `layer.SynapseFilter(..)`.
///
/// # Shapes
///
/// Any; the state `out_i` has that of one step.
#[derive(Debug)]
pub struct SynapseFilter {
    /// One number: starts at -ln(tau - 1). `None` if the time constant is not learned.
    pub w: Option<Tensor>,
    config: SynapseFilterConfig,
    fused: Fused,
}

impl SynapseFilter {
    /// What it was built with.
    pub fn config(&self) -> &SynapseFilterConfig {
        &self.config
    }

    fn of<const LEARNED: bool>(scope: &Scope<'_>, config: SynapseFilterConfig) -> Result<Self>
    where
        SynapseCurrent<LEARNED>: Compiled,
    {
        let current = SynapseCurrent::<LEARNED> { tau: config.tau };
        let mut start = [0.0; MAX_LEARNED];
        current.learned_start(&mut start);
        let (states, learned) = (SynapseCurrent::<LEARNED>::STATES, SynapseCurrent::<LEARNED>::LEARNED);
        let fused = Fused::new(scope, "SynapseFilter", states, learned, &start, current.surrogate(), Arc::new(current))?;
        Ok(SynapseFilter { w: fused.learned().first().map(Tensor::shallow_clone), config, fused })
    }

    /// It is a neuron that sends its current.
    fn run(&self, input: Input<'_>, s: &mut SynapseFilterState) -> Result<Tensor> {
        const I: &str = SynapseCurrent::<false>::STATES[0];
        let mut state = NeuronState::default();
        if let Some(i) = &s.out_i {
            state.set(I, i.shallow_clone());
        }
        let y = self.fused.run(input, None, &mut state, None)?;
        s.out_i = state.take(I);
        Ok(y)
    }
}

impl Layer for SynapseFilter {
    type Config = SynapseFilterConfig;
    type State = SynapseFilterState;

    fn build(scope: &Scope<'_>, config: SynapseFilterConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        if config.learnable { Self::of::<true>(scope, config) } else { Self::of::<false>(scope, config) }
    }

    fn state(&self) -> SynapseFilterState {
        SynapseFilterState::default()
    }

    fn step(&self, x: &Tensor, s: &mut SynapseFilterState, _: &Cx) -> Result<Tensor> {
        self.run(Input::Step(x), s)
    }

    fn sequence(&self, x: &Tensor, s: &mut SynapseFilterState, _: &Cx) -> Result<Tensor> {
        self.run(Input::Sequence(x), s)
    }

    fn repeat(&self, x: &Tensor, steps: i64, s: &mut SynapseFilterState, _: &Cx) -> Result<Tensor> {
        self.run(Input::Repeat(x, steps), s)
    }
}
