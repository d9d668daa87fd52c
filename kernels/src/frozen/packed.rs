//! Weights in the order in which they are read: panels of 64 outputs. In: a function of (output, input, tap); out: rows of 64 weights.

use std::ops::Range;

use super::scratch::{Row, ZERO_ROW};

/// The sizes of a layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Output channels.
    pub outputs: usize,
    /// Input channels.
    pub inputs: usize,
    /// Groups, each from its own inputs to its own outputs.
    pub groups: usize,
    /// Places of the kernel.
    pub taps: usize,
}

/// Weights and bias of a convolution or linear layer. Panel p makes outputs 64 p .. 64 (p + 1); the weights of a panel are
/// `[tap][input channel][lane]`. With groups a panel has the input channels of its outputs' groups, and zeros between them.
#[derive(Clone, Debug)]
pub struct Packed {
    sizes: Weights,
    panels: Vec<Panel>,
    bias: Vec<Row>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Panel {
    /// Input channels that its outputs see; begins at a whole word.
    inputs: Range<usize>,
    /// Its first row of weights.
    start: usize,
}

impl Packed {
    /// `weight(output, input of its group, tap)` and `bias(output)` of a layer whose channels are a multiple of its groups.
    pub fn new(sizes: Weights, weight: impl Fn(usize, usize, usize) -> f32, bias: impl Fn(usize) -> f32) -> Packed {
        let Weights { outputs, inputs, groups, taps } = sizes;
        let (outs, ins) = (outputs / groups, inputs / groups);
        // Without groups each panel sees all inputs.
        let rows = outputs.div_ceil(64) * taps * if groups == 1 { inputs } else { 0 };
        let mut packed = Packed { sizes, panels: vec![], bias: vec![], rows: Vec::with_capacity(rows) };
        for first in (0..outputs).step_by(64) {
            let last = outputs.min(first + 64) - 1;
            let seen = first / outs * ins / 64 * 64..(last / outs + 1) * ins;
            let mut row = ZERO_ROW;
            for output in first..=last {
                // -0 would be the one start that adding 0 changes.
                row.0[output - first] = bias(output) + 0.0;
            }
            packed.bias.push(row);
            packed.panels.push(Panel { inputs: seen.clone(), start: packed.rows.len() });
            for tap in 0..taps {
                for input in seen.clone() {
                    let (group, input) = (input / ins, input % ins);
                    let mut row = ZERO_ROW;
                    for output in first.max(group * outs)..(last + 1).min((group + 1) * outs) {
                        row.0[output - first] = weight(output, input, tap);
                    }
                    packed.rows.push(row);
                }
            }
        }
        packed
    }

    /// The sizes given.
    pub fn sizes(&self) -> Weights {
        self.sizes
    }

    pub(super) fn panels(&self) -> usize {
        self.panels.len()
    }

    /// Output channels of a panel.
    pub(super) fn outputs(&self, panel: usize) -> Range<usize> {
        64 * panel..self.sizes.outputs.min(64 * (panel + 1))
    }

    /// Input channels that a panel sees.
    pub(super) fn inputs(&self, panel: usize) -> Range<usize> {
        self.panels[panel].inputs.clone()
    }

    pub(super) fn bias(&self, panel: usize) -> &Row {
        &self.bias[panel]
    }

    /// The weights of a panel, `[tap][input channel]`.
    pub(super) fn panel(&self, panel: usize) -> &[Row] {
        let Panel { inputs, start } = &self.panels[panel];
        &self.rows[*start..][..self.sizes.taps * inputs.len()]
    }
}
