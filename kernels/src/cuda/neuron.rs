//! A layer of neurons on the device. In: a neuron, its element type and the number of steps; out: the source of its two kernels, and the
//! structs and the grid of a launch.

use super::spikes::BITS;
use super::{Address, Arguments, Element, FIRING, MEMORY, NEURON, PHILOX, REAL, Source, THREADS, is_wide, kernel};
use crate::constants::per_channel;
use crate::{Channels, Constants, Draw, MAX_CONSTANTS, MAX_STATES, MAX_SURROGATE_CONSTANTS, Neuron, Real};

/// The name of the forward kernel: arguments [`PassArguments`] and [`ForwardArguments`].
pub const FORWARD: &str = "snn_forward";
/// The name of the backward kernel: arguments [`PassArguments`] and [`BackwardArguments`].
pub const BACKWARD: &str = "snn_backward";

/// What formulas of neurons are written for.
pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, BITS, PHILOX, FIRING, NEURON];

/// The kernels of one neuron for one element type.
#[derive(Clone, Debug)]
pub struct NeuronKernels {
    /// The neuron, for messages: `LIFNode`.
    pub name: &'static str,
    /// [`FORWARD`] and [`BACKWARD`].
    pub source: Source,
    /// Number of states.
    pub states: usize,
    /// Constants that get a gradient.
    pub learned_constants: usize,
    /// Have channels constants of their own?
    pub own: bool,
    /// Neighbouring neurons per thread.
    pub lanes: usize,
    /// Steps whose inputs and states are in registers at once.
    pub segment: usize,
    surrogate: [f64; MAX_SURROGATE_CONSTANTS],
}

impl NeuronKernels {
    /// The kernels of `neuron`. They work for any number of steps, and are made for about `steps`.
    pub fn new<N: Neuron>(neuron: &N, element: Element, steps: usize) -> NeuronKernels {
        NeuronKernels::named(neuron, element, steps, "")
    }

    /// The same, with a suffix to the kernels' names.
    pub(crate) fn named<N: Neuron>(neuron: &N, element: Element, steps: usize, suffix: &str) -> NeuronKernels {
        let (own, states) = (per_channel::<N>(), N::STATES.len());
        // Constants of their own fill the registers.
        let lanes = if own { 1 } else { element.lanes() };
        let longest = if states == 1 { 8 } else { 4 };
        let segment = steps.clamp(1, longest).next_power_of_two();
        let surrogate = neuron.surrogate();
        let (f, e) = (element.compute(), element.memory());
        let instance = format!("<{}, {}, {f}, {e}, {lanes}, {segment}, {own}>", neuron.cuda_type(f), surrogate.cuda_type());
        let named = |name: &str, out: &str, function: &str| {
            let arguments = format!("snn::Pass<{f}, {e}> pass, snn::{out}<{f}, {e}> out");
            kernel(&format!("{name}{suffix}"), &arguments, &format!("{function}{instance}"), "pass, out")
        };
        let instances = named(FORWARD, "ForwardOut", "forward") + &named(BACKWARD, "BackwardOut", "backward");
        NeuronKernels {
            name: N::NAME,
            source: Source { headers: HEADERS, formulas: vec![surrogate.cuda(), N::CUDA], instances },
            states,
            learned_constants: N::LEARNED_CONSTANTS,
            own,
            lanes,
            segment,
            surrogate: surrogate.constants(),
        }
    }

    /// Blocks of a launch for that many neurons.
    pub fn blocks(&self, neurons: usize) -> usize {
        neurons.div_ceil(self.lanes * THREADS as usize)
    }

    /// Can rows of that many neurons, at these addresses, be read [`lanes`](NeuronKernels::lanes) at once?
    pub fn is_wide(&self, neurons: usize, addresses: impl IntoIterator<Item = Address>) -> bool {
        is_wide(self.lanes, neurons, addresses)
    }

    /// How many elements [`BackwardArguments::checkpoints`] needs.
    pub fn checkpoints(&self, steps: usize, neurons: usize) -> usize {
        (steps.div_ceil(self.segment).saturating_sub(1)) * self.states * neurons
    }

    /// What both kernels get beside addresses; these are none yet, and rows are not wide.
    pub fn pass<F: Real>(&self, constants: &Constants<F>, steps: usize, neurons: usize, draw: Draw) -> PassArguments<F> {
        let (shared, starts) = constants.shared();
        PassArguments {
            x: 0,
            scale: 0,
            shift: 0,
            start: [0; MAX_STATES],
            own: 0,
            constants: *shared,
            starts: *starts,
            surrogate: self.surrogate.map(F::of),
            scaled: [1; 2],
            owned: counts(constants.channels()),
            seed: [draw.seed as u32, (draw.seed >> 32) as u32],
            stream: draw.stream,
            draw: draw.draw,
            neurons: neurons as u32,
            steps: steps as u32,
            fixed: 0,
            wide: 0,
        }
    }

    /// [`PassArguments::own`]: constants and first states of each channel, one after the other.
    pub fn own<F: Real>(&self, constants: &Constants<F>) -> Vec<F> {
        let channels = constants.channels();
        let of = |channel: usize| constants.of(channel * channels.inner);
        (0..channels.count).flat_map(|channel| of(channel).0.iter().chain(of(channel).1).copied()).collect()
    }
}

/// Channels as the kernels count them.
pub fn counts(channels: Channels) -> [u32; 2] {
    [channels.count as u32, channels.inner as u32]
}

/// `snn::Pass`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PassArguments<F> {
    /// `[steps, neurons]`, or `[neurons]` if `fixed`.
    pub x: Address,
    /// One number per channel, in front of the neurons: x scale + shift.
    pub scale: Address,
    /// One number per channel.
    pub shift: Address,
    /// `[neurons]` each: the first states.
    pub start: [Address; MAX_STATES],
    /// [`NeuronKernels::own`], where [`own`](NeuronKernels::own) says so.
    pub own: Address,
    constants: [F; MAX_CONSTANTS],
    starts: [F; MAX_STATES],
    surrogate: [F; MAX_SURROGATE_CONSTANTS],
    /// [`counts`] of `scale` and `shift`.
    pub scaled: [u32; 2],
    owned: [u32; 2],
    seed: [u32; 2],
    stream: u32,
    draw: u32,
    neurons: u32,
    steps: u32,
    /// 1 if x is the same at every step.
    pub fixed: u32,
    /// 1 if [`NeuronKernels::is_wide`].
    pub wide: u32,
}

/// `snn::ForwardOut`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForwardArguments {
    /// `[steps, neurons]`: the output.
    pub y: Address,
    /// `[steps, neurons.div_ceil(32)]` words of 32 bits: spikes of 0 and 1, packed.
    pub bits: Address,
    /// `[neurons]` each: the last states.
    pub states: [Address; MAX_STATES],
    /// `[steps, neurons]` each: the states after each step.
    pub sequences: [Address; MAX_STATES],
}

/// `snn::BackwardOut`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BackwardArguments {
    /// `[steps, neurons]`: dL/dy.
    pub grad_y: Address,
    /// `[neurons]` each: dL/d(last states).
    pub grad_states: [Address; MAX_STATES],
    /// As x: dL/dx.
    pub grad_x: Address,
    /// `[neurons]` each: dL/d(first states).
    pub grad_start: [Address; MAX_STATES],
    /// `[2, neurons]`: dL/d(scale) and dL/d(shift) of each neuron.
    pub grad_scale: Address,
    /// `[learned_constants, neurons]`: dL/d(constants) of each neuron.
    pub grad_constants: Address,
    /// Room for [`NeuronKernels::checkpoints`] elements.
    pub checkpoints: Address,
}

// SAFETY: all `repr(C)`; addresses are 8 bytes, then come 28 numbers of 4 or 8 bytes and 12 of 4: no padding.
unsafe impl<F: Real> Arguments for PassArguments<F> {}
// SAFETY: addresses only.
unsafe impl Arguments for ForwardArguments {}
// SAFETY: addresses only.
unsafe impl Arguments for BackwardArguments {}
