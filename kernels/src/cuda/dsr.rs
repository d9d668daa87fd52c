//! Differentiation on spike representation on the device. In: the element type; out: the source of both kernels, and a launch's struct and
//! grid.

use super::{Address, Arguments, Element, MEMORY, REAL, Source, kernel};
use crate::{Dsr, Real};

const DSR_SOURCE: &str = include_str!("../../cuda/dsr.cuh");

/// The forward kernel.
pub const DSR: &str = "snn_dsr";
/// The backward kernel.
pub const DSR_BACKWARD: &str = "snn_dsr_backward";

pub(crate) const HEADERS: &[&str] = &[REAL, MEMORY, DSR_SOURCE];

/// [`Dsr`] for one element type. Both kernels take a [`DsrArguments`] and a grid of [`DsrKernels::blocks`].
#[derive(Clone, Copy, Debug)]
pub struct DsrKernels {
    /// Of inputs, spikes and their gradients.
    pub element: Element,
}

impl DsrKernels {
    /// Their text.
    pub fn source(self) -> Source {
        Source::plain(HEADERS, self.instances(""))
    }

    /// The kernels, their names with a suffix.
    pub(crate) fn instances(self, suffix: &str) -> String {
        let (f, e, lanes) = (self.element.compute(), self.element.memory(), self.element.lanes());
        let instance = |name: &str, function: &str| {
            kernel(&format!("{name}{suffix}"), &format!("snn::Dsr<{f}, {e}> call"), &format!("{function}<{f}, {e}, {lanes}>"), "call")
        };
        instance(DSR, "dsr") + &instance(DSR_BACKWARD, "dsr_backward")
    }

    /// The grid of both.
    pub fn blocks(self, neurons: usize) -> [usize; 3] {
        self.element.blocks(neurons)
    }
}

/// `snn::Dsr`. Addresses are 0 where there is nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DsrArguments {
    /// `[steps, neurons]`
    pub x: Address,
    /// `[steps]`, of the arithmetic's type: [`Dsr::step_weights`]; none: all 1.
    pub weights: Address,
    /// `[steps, neurons]`: the spikes.
    pub y: Address,
    /// `[neurons]` bytes: where the input's rate lies.
    pub regime: Address,
    /// `[steps, neurons]`: dL/dy.
    pub grad_y: Address,
    /// `[neurons]`: dL/dx of every step.
    pub grad_x: Address,
    /// `[neurons]`, of the arithmetic's type: of dL/d(threshold), for spikes divided by the length of a step.
    pub saturated: Address,
    /// Everything else.
    pub numbers: DsrNumbers,
    /// Steps and neurons.
    pub sizes: [u32; 2],
    /// 1 if there is a leak.
    pub leaks: u32,
    /// 1 if all rows can be read [`lanes`](Element::lanes) at once.
    pub wide: u32,
}

/// Constants of [`DsrArguments`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DsrNumbers {
    v_threshold: f64,
    alpha: f64,
    keep: f64,
    take: f64,
    delta_t: f64,
    tau: f64,
    total: f64,
    slope: f64,
}

impl DsrNumbers {
    /// Of a neuron over that many steps.
    pub fn new<F: Real>(dsr: &Dsr<F>, steps: usize) -> DsrNumbers {
        let beta = dsr.leak.map_or(1.0, |leak| leak.beta());
        DsrNumbers {
            v_threshold: dsr.v_threshold.to_f64(),
            alpha: dsr.alpha.to_f64(),
            keep: beta,
            take: 1.0 - beta,
            delta_t: dsr.leak.map_or(1.0, |leak| leak.delta_t),
            tau: dsr.leak.map_or(1.0, |leak| leak.tau),
            total: dsr.weights(steps).1.to_f64(),
            slope: dsr.slope(steps).to_f64(),
        }
    }
}

// SAFETY: `repr(C)`, addresses, eight numbers of 8 bytes and four of 4: no padding.
unsafe impl Arguments for DsrArguments {}
