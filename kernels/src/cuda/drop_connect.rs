//! The layer that drops connections on the device. In: the element type; out: the source of its kernels, and a launch's struct and grids.

use super::{Address, Arguments, Element, MEMORY, PHILOX, REAL, SUM_SOURCE, Source, THREADS, kernel};
use crate::activation::Activation;
use crate::drop_connect::last_kept;
use crate::{DropConnectSizes, Error};

const DROP_CONNECT_SOURCE: &str = include_str!("../../cuda/drop_connect.cuh");

/// The name of the forward kernel: an argument [`DropConnectArguments`], a grid of [`DropConnectKernel::outputs`].
pub const DROP_CONNECT: &str = "snn_drop_connect";
/// The name of the kernel for the gradient of x: the same argument, a grid of [`DropConnectKernel::inputs`].
pub const DROP_CONNECT_INPUT: &str = "snn_drop_connect_input";
/// The name of the kernel for the gradients of weights and bias: the same argument, a grid of [`DropConnectKernel::weights`].
pub const DROP_CONNECT_WEIGHT: &str = "snn_drop_connect_weight";
/// The name of the kernel for the mean over masks: the same argument and grid as the forward kernel.
pub const DROP_CONNECT_MEAN: &str = "snn_drop_connect_mean";

/// The most steps of a launch.
pub const DROP_CONNECT_STEPS: usize = 64;

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, PHILOX, SUM_SOURCE, DROP_CONNECT_SOURCE];

/// Inputs of a block, and threads that have one.
const BLOCK: usize = 64;
const BLOCK_THREADS: usize = 4;

/// [`drop_connect`](crate::drop_connect), its backward pass and its mean over masks for one element type.
#[derive(Clone, Copy, Debug)]
pub struct DropConnectKernel {
    /// Of x and y. Weights are of the type of the arithmetic.
    pub element: Element,
}

impl DropConnectKernel {
    /// The text of both passes.
    pub fn source(self) -> Source {
        let passes =
            [(DROP_CONNECT, "drop_connect"), (DROP_CONNECT_INPUT, "drop_connect_input"), (DROP_CONNECT_WEIGHT, "drop_connect_weight")];
        Source::plain(HEADERS, self.instances(&passes, ""))
    }

    /// The text of the mean over masks.
    pub fn mean_source(self) -> Source {
        Source::plain(HEADERS, self.instances(&[(DROP_CONNECT_MEAN, "drop_connect_mean")], ""))
    }

    /// These kernels, their names with a suffix.
    pub(crate) fn instances(self, names: &[(&str, &str)], suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let argument = format!("snn::DropConnect<{f}, {e}> call");
        let instance = |(name, function): &(&str, &str)| {
            kernel(&format!("{name}{suffix}"), &argument, &format!("{function}<{f}, {e}, {lanes}>"), "call")
        };
        names.iter().map(instance).collect()
    }

    fn grid(blocks: usize) -> [usize; 3] {
        [(blocks * BLOCK_THREADS).div_ceil(THREADS as usize), 1, 1]
    }

    /// The grid of one output each.
    pub fn outputs(self, sizes: DropConnectSizes) -> [usize; 3] {
        DropConnectKernel::grid(sizes.steps * sizes.samples * sizes.outputs)
    }

    /// The grid of one block of inputs of a row each.
    pub fn inputs(self, sizes: DropConnectSizes) -> [usize; 3] {
        DropConnectKernel::grid(sizes.steps * sizes.samples * sizes.inputs.div_ceil(BLOCK))
    }

    /// The grid of one block of inputs of an output each.
    pub fn weights(self, sizes: DropConnectSizes, bias: bool) -> [usize; 3] {
        DropConnectKernel::grid(sizes.outputs * (sizes.inputs + usize::from(bias)).div_ceil(BLOCK))
    }
}

/// `snn::DropConnect`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DropConnectArguments {
    /// `[steps, samples, inputs]`
    pub x: Address,
    /// `[outputs, inputs]`
    pub w: Address,
    /// `[outputs]`
    pub b: Address,
    /// `[steps, samples, outputs]`
    pub y: Address,
    /// As y: dL/dy.
    pub grad: Address,
    /// As x: dL/dx.
    pub grad_x: Address,
    /// As w: dL/dw.
    pub grad_w: Address,
    /// As b: dL/db.
    pub grad_b: Address,
    /// `[masks, samples, outputs, inputs]`, masks from elsewhere.
    pub mask_w: Address,
    /// `[masks, samples, outputs]`
    pub mask_b: Address,
    /// `[steps, samples_num, samples, outputs]`, numbers from elsewhere.
    pub noise: Address,
    /// What no launch can do without.
    pub numbers: DropConnectNumbers,
    /// 1 if gradients of the weights go on from what is there.
    pub more: u32,
    /// 1 if rows of `inputs` elements can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
}

/// Sizes, constants and places in Philox's streams.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DropConnectNumbers {
    keep: f64,
    spread: f64,
    share: f64,
    seed: [u32; 2],
    stream: u32,
    draw: u32,
    last_kept: u32,
    sizes: [u32; 4],
    activation: u32,
    samples_num: u32,
    padding: u32,
    of_step: [u32; DROP_CONNECT_STEPS],
}

impl DropConnectArguments {
    /// For these sizes, without addresses; `of_step` are the draws of its steps, or the numbers of their masks.
    ///
    /// # Errors
    /// [`Error::Probability`] unless 0 <= p < 1, [`Error::Length`] unless there is a draw for each of at most [`DROP_CONNECT_STEPS`] steps.
    pub fn new(
        sizes: DropConnectSizes,
        activation: Activation,
        p: f64,
        samples_num: usize,
        seed: u64,
        stream: u32,
        of_step: &[u32],
    ) -> Result<DropConnectArguments, Error> {
        let DropConnectSizes { steps, samples, inputs, outputs } = sizes;
        if !(0.0..1.0).contains(&p) {
            return Err(Error::Probability(p));
        }
        crate::error::check_len("of_step", steps.min(DROP_CONNECT_STEPS), of_step.len())?;
        let mut draws = [0; DROP_CONNECT_STEPS];
        draws[..of_step.len()].copy_from_slice(of_step);
        let activation = match activation {
            Activation::Identity => 0,
            Activation::Relu => 1,
            Activation::Tanh => 2,
            Activation::Sigmoid => 3,
        };
        let numbers = DropConnectNumbers {
            keep: 1.0 - p,
            spread: p * (1.0 - p),
            share: 1.0 / samples_num.max(1) as f64,
            seed: [seed as u32, (seed >> 32) as u32],
            stream,
            draw: 0,
            last_kept: last_kept(p),
            sizes: [steps, samples, inputs, outputs].map(|n| n as u32),
            activation,
            samples_num: samples_num as u32,
            padding: 0,
            of_step: draws,
        };
        let [x, w, b, y, grad, grad_x, grad_w, grad_b, mask_w, mask_b, noise] = [0; 11];
        Ok(DropConnectArguments { x, w, b, y, grad, grad_x, grad_w, grad_b, mask_w, mask_b, noise, numbers, more: 0, wide: 0 })
    }
}

// SAFETY: `repr(C)`, eleven addresses, three numbers of 8 bytes and 78 of 4: no padding.
unsafe impl Arguments for DropConnectArguments {}
