//! Weights in the order in which they are read: panels of 64 outputs. In: the weights of one input at one place after the other; out: rows of
//! 64 weights, and the way back.

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
}

#[derive(Clone, Debug)]
struct Panel {
    /// Input channels that its outputs see; begins at a whole word.
    inputs: Range<usize>,
    bias: Row,
    rows: Vec<Row>,
}

/// [`Packed`] weights that are not yet all there.
#[derive(Debug)]
pub struct Packer(Packed);

impl Packer {
    /// Nothing but the bias, `bias(output)`, of a layer whose channels are a multiple of its groups.
    pub fn new(sizes: Weights, bias: impl Fn(usize) -> f32) -> Packer {
        let Weights { outputs, inputs, groups, taps } = sizes;
        let (outs, ins) = (outputs / groups, inputs / groups);
        let panel = |first: usize| {
            let last = outputs.min(first + 64) - 1;
            let inputs = first / outs * ins / 64 * 64..(last / outs + 1) * ins;
            let mut row = ZERO_ROW;
            for output in first..=last {
                // -0 would be the one start that adding 0 changes.
                row.0[output - first] = bias(output) + 0.0;
            }
            Panel { rows: Vec::with_capacity(taps * inputs.len()), inputs, bias: row }
        };
        Packer(Packed { sizes, panels: (0..outputs).step_by(64).map(panel).collect() })
    }

    /// The weights of input `input` of each group at place `tap`, one for each output. What is handed over place by place, and there input by
    /// input, is written once.
    pub fn row(&mut self, tap: usize, input: usize, weights: &[f32]) {
        let Packed { sizes, panels } = &mut self.0;
        for (first, panel) in (0..).step_by(64).zip(panels) {
            for (channel, of) in sizes.channels(first, input) {
                let mut row = ZERO_ROW;
                row.0[of.start - first..of.end - first].copy_from_slice(&weights[of]);
                let at = panel.at(tap, channel);
                if at < panel.rows.len() {
                    panel.rows[at] = row;
                } else {
                    panel.rows.resize(at, ZERO_ROW);
                    panel.rows.push(row);
                }
            }
        }
    }

    /// All of them; zeros where none came.
    pub fn finish(self) -> Packed {
        let mut packed = self.0;
        for panel in &mut packed.panels {
            panel.rows.resize(packed.sizes.taps * panel.inputs.len(), ZERO_ROW);
        }
        packed
    }
}

impl Weights {
    /// Of the 64 outputs from `first` on: those of each group, and the channel that input `input` of the group is.
    fn channels(self, first: usize, input: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let (outs, ins, end) = (self.outputs / self.groups, self.inputs / self.groups, self.outputs.min(first + 64));
        (first / outs..end.div_ceil(outs)).map(move |g| (g * ins + input, first.max(g * outs)..end.min((g + 1) * outs)))
    }
}

impl Panel {
    /// The row of a channel at a place.
    fn at(&self, tap: usize, channel: usize) -> usize {
        tap * self.inputs.len() + channel - self.inputs.start
    }
}

impl Packed {
    /// `weight(output, input of its group, tap)` and `bias(output)` of a layer whose channels are a multiple of its groups.
    pub fn new(sizes: Weights, weight: impl Fn(usize, usize, usize) -> f32, bias: impl Fn(usize) -> f32) -> Packed {
        let mut packer = Packer::new(sizes, bias);
        let mut row = vec![0.0; sizes.outputs];
        // In torch's order the places of an input are neighbours.
        for input in 0..sizes.inputs / sizes.groups {
            for tap in 0..sizes.taps {
                row.iter_mut().enumerate().for_each(|(output, w)| *w = weight(output, input, tap));
                packer.row(tap, input, &row);
            }
        }
        packer.finish()
    }

    /// What [`Packer::row`] was given.
    pub fn row(&self, tap: usize, input: usize, weights: &mut [f32]) {
        for (first, panel) in (0..).step_by(64).zip(&self.panels) {
            for (channel, of) in self.sizes.channels(first, input) {
                weights[of.clone()].copy_from_slice(&panel.rows[panel.at(tap, channel)].0[of.start - first..of.end - first]);
            }
        }
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
        &self.panels[panel].bias
    }

    /// The weights of a panel, `[tap][input channel]`.
    pub(super) fn panel(&self, panel: usize) -> &[Row] {
        &self.panels[panel].rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_comes_out_again_in_any_order() {
        for (outputs, inputs, groups, taps) in [(5, 3, 1, 2), (130, 70, 1, 3), (96, 96, 96, 4), (160, 320, 5, 1), (256, 128, 2, 3)] {
            let sizes = Weights { outputs, inputs, groups, taps };
            let ins = inputs / groups;
            let weight = |output: usize, input: usize, tap: usize| ((output * ins + input) * taps + tap) as f32 + 1.0;
            let row = |tap, input| (0..outputs).map(|output| weight(output, input, tap)).collect::<Vec<_>>();
            let packed = Packed::new(sizes, weight, |output| output as f32);
            // As a file has them.
            let mut other = Packer::new(sizes, |output| output as f32);
            for (tap, input) in (0..taps).flat_map(|tap| (0..ins).map(move |input| (tap, input))) {
                other.row(tap, input, &row(tap, input));
            }
            let other = other.finish();
            for (p, q) in packed.panels.iter().zip(&other.panels) {
                assert!(p.bias.0 == q.bias.0 && p.rows.iter().map(|r| r.0).eq(q.rows.iter().map(|r| r.0)), "{sizes:?}");
            }
            for (tap, input) in (0..taps).flat_map(|tap| (0..ins).map(move |input| (tap, input))) {
                let mut got = vec![0.0; outputs];
                packed.row(tap, input, &mut got);
                assert_eq!(got, row(tap, input), "{sizes:?}");
            }
        }
    }
}
