//! The layers of all pointwise neurons. In: their definitions in `snn-kernels`, where the formulas stand; out: a [`Node`] of each.

use snn_kernels::{
    ActivationAwareIFNodeConfig, EIFNodeConfig, HalfThresholdIFNodeConfig, IFNodeConfig, IzhikevichNodeConfig, KLIFNodeConfig,
    LIAFNodeConfig, LIFNodeConfig, QIFNodeConfig, RAFNodeConfig, SimpleIFNodeConfig, SimpleLIFNodeConfig, TernaryIFNodeConfig,
    TernaryLIFNodeConfig,
};

use super::Node;

/// Integrate and fire: h = v + x.
///
/// SpikingJelly equivalent: `neuron.IFNode(..)`. Formulas and arguments: [`IFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type IFNode = Node<IFNodeConfig>;

/// Leaky integrate and fire: h = v + (x - (v - v_reset)) / tau, or without `decay_input` h = v - (v - v_reset) / tau + x.
///
/// SpikingJelly equivalent: `neuron.LIFNode(..)`. Formulas and arguments: [`LIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type LIFNode = Node<LIFNodeConfig>;

/// Quadratic integrate and fire: h = v + (x + a0 (v - v_rest) (v - v_c)) / tau.
///
/// SpikingJelly equivalent: `neuron.QIFNode(..)`. Formulas and arguments: [`QIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type QIFNode = Node<QIFNodeConfig>;

/// Exponential integrate and fire: h = v + (x + v_rest - v + delta_T exp((v - theta_rh) / delta_T)) / tau.
///
/// SpikingJelly equivalent: `neuron.EIFNode(..)`. Formulas and arguments: [`EIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type EIFNode = Node<EIFNodeConfig>;

/// Izhikevich's neuron: a quadratic one with a current w that adapts to its potential and its spikes; states `v` and `w`.
///
/// SpikingJelly equivalent: `neuron.IzhikevichNode(..)`. Formulas and arguments: [`IzhikevichNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type IzhikevichNode = Node<IzhikevichNodeConfig>;

/// LIF whose potential is scaled by a learned `k` and cut off below 0: h = relu(k LIF(v, x)).
///
/// SpikingJelly equivalent: `neuron.KLIFNode(..)`. Formulas and arguments: [`KLIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type KLIFNode = Node<KLIFNodeConfig>;

/// Leaky integrate and analog fire: LIF that sends an activation of its potential instead of its spikes.
///
/// SpikingJelly equivalent: `neuron.LIAFNode(..)`. Formulas and arguments: [`LIAFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type LIAFNode = Node<LIAFNodeConfig>;

/// Integrate and fire from v_threshold / 2, with a soft reset.
///
/// SpikingJelly equivalent: `neuron.HalfThresholdIFNode(..)`. Formulas and arguments: [`HalfThresholdIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type HalfThresholdIFNode = Node<HalfThresholdIFNodeConfig>;

/// Integrate and fire with spikes of both signs.
///
/// SpikingJelly equivalent: `neuron.TernaryIFNode(..)`. Formulas and arguments: [`TernaryIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type TernaryIFNode = Node<TernaryIFNodeConfig>;

/// Leaky integrate and fire with spikes of both signs.
///
/// SpikingJelly equivalent: `neuron.TernaryLIFNode(..)`. Formulas and arguments: [`TernaryLIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type TernaryLIFNode = Node<TernaryLIFNodeConfig>;

/// Integrate and fire with an offset to the threshold; both are buffers.
///
/// SpikingJelly equivalent: `neuron.ActivationAwareIFNode(..)`. Formulas and arguments: [`ActivationAwareIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type ActivationAwareIFNode = Node<ActivationAwareIFNodeConfig>;

/// Resonate and fire: current `u` and potential `v` turn around each other.
///
/// SpikingJelly equivalent: `neuron.RAFNode(..)`. Formulas and arguments: [`RAFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type RAFNode = Node<RAFNodeConfig>;

/// Integrate and fire from 0, whatever the reset value.
///
/// SpikingJelly equivalent: `neuron.SimpleIFNode(..)`. Formulas and arguments: [`SimpleIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type SimpleIFNode = Node<SimpleIFNodeConfig>;

/// Leaky integrate and fire from 0, whatever the reset value.
///
/// SpikingJelly equivalent: `neuron.SimpleLIFNode(..)`. Formulas and arguments: [`SimpleLIFNodeConfig`].
///
/// # Shapes
///
/// Any; each state has that of one step.
pub type SimpleLIFNode = Node<SimpleLIFNodeConfig>;
