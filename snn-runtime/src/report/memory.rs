//! The memory that training takes. In: the table of a net, known at compile time, a batch size, an optimiser and a kind of numbers; out: bytes, by
//! what they are for.

use std::fmt;

use tch::Kind;

use crate::summary::Summary;
use crate::table::{bytes, table};

/// What an optimiser keeps for each weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimizer {
    /// Nothing. PyTorch: `torch.optim.SGD(..)`
    Sgd,
    /// One number: SGD with momentum. PyTorch: `torch.optim.SGD(.., momentum=0.9)`
    Momentum,
    /// Two numbers. PyTorch: `torch.optim.Adam(..)`, `AdamW(..)`
    Adam,
}

impl Optimizer {
    fn numbers(self) -> usize {
        match self {
            Optimizer::Sgd => 0,
            Optimizer::Momentum => 1,
            Optimizer::Adam => 2,
        }
    }
}

/// Bytes that a training step takes at most, beside those of the program and of libtorch: `Csnn::SUMMARY.training_memory(..)`.
///
/// An estimate for the CPU: what each layer keeps for the backward pass is a fact of the layer, what libtorch needs for a moment is taken as the output
/// of a layer and that of the one before. What a block under `#[checkpoint]` saves is not taken off, nor what
/// `Linear` and `Conv` do not keep of spikes (a bit each, where they are rare): that is known only when they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainingMemory {
    /// Learnable numbers.
    pub weights: usize,
    /// One for each weight.
    pub gradients: usize,
    /// What the optimiser keeps.
    pub optimizer: usize,
    /// What is kept for the backward pass of a batch, over all steps.
    pub activations: usize,
    /// What a layer works on when memory is fullest.
    pub transient: usize,
}

impl TrainingMemory {
    /// All of it.
    pub fn total(&self) -> usize {
        self.weights + self.gradients + self.optimizer + self.activations + self.transient
    }
}

impl fmt::Display for TrainingMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrainingMemory { weights, gradients, optimizer, activations, transient } = *self;
        let rows = [
            ("weights", weights),
            ("gradients", gradients),
            ("optimizer", optimizer),
            ("activations for backward", activations),
            ("one layer at work", transient),
            ("total", self.total()),
        ];
        let rows = rows.map(|(what, n)| [what.to_string(), bytes(n)]);
        f.write_str(table(1, ["training memory", "estimate"], rows).trim_end())
    }
}

impl Summary {
    /// What training with batches of `batch` samples takes, before it is tried; `kind` is that of the weights and activations.
    pub fn training_memory(&self, batch: usize, optimizer: Optimizer, kind: Kind) -> TrainingMemory {
        let number = kind.elt_size_in_bytes();
        let weights = self.params() * number;
        let steps = |sequence: bool| batch * number * if sequence { self.steps } else { 1 };
        // Layer by layer: what is kept by then, and what the layer works on.
        let (mut kept, mut before, mut peak, mut is_fused) = (0, 0, 0, false);
        for row in self.rows {
            kept += row.saved * batch * number;
            let out = row.out.iter().product::<usize>() * steps(row.sequence);
            // Gradients of scale and shift, for each neuron, before they are added up.
            let scaling = if is_fused && row.state > 0 { 2 * row.out.iter().product::<usize>() * steps(false) } else { 0 };
            peak = peak.max(kept + before + out + scaling);
            before = out;
            // A normalisation that keeps nothing is done by the neuron behind it.
            is_fused = row.sequence && row.saved == 0 && row.layer.contains("BatchNorm");
        }
        TrainingMemory {
            weights,
            gradients: weights,
            optimizer: optimizer.numbers() * weights,
            activations: kept,
            transient: peak.max(kept) - kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::SummaryRow;

    #[test]
    fn memory_is_fullest_where_most_is_kept_and_worked_on() {
        let row =
            |name, layer, out, sequence, params, state, saved| SummaryRow { name, layer, out, sequence, params, state, macs: 0, saved };
        static OUT: [[usize; 1]; 2] = [[100], [10]];
        let rows: &'static [SummaryRow] =
            Box::leak(Box::new([row("a", "Linear", &OUT[0], false, 1000, 0, 10), row("b", "Linear", &OUT[1], true, 500, 0, 400)]));
        let memory = Summary { net: "Net", steps: 4, rows }.training_memory(2, Optimizer::Adam, Kind::Float);
        assert_eq!((memory.weights, memory.gradients, memory.optimizer), (6000, 6000, 12_000));
        // a: 10 + 100; b: 410 + 100 + 4 * 10, for two samples of four bytes.
        assert_eq!((memory.activations, memory.transient), (410 * 8, 140 * 8));
        assert_eq!(memory.total(), 24_000 + 550 * 8);
        let text = memory.to_string();
        assert!(text.starts_with("training memory           estimate\nweights                    6.00 kB\n"), "{text}");
        assert!(text.ends_with("total                      28.4 kB"), "{text}");

        // A normalisation in its neuron: what went into both, the gradients of what comes out and of what went in, and two numbers for each neuron.
        let fused: &'static [SummaryRow] =
            Box::leak(Box::new([row("norm", "BatchNorm2d", &OUT[0], true, 20, 0, 0), row("sn", "IFNode", &OUT[0], true, 0, 100, 400)]));
        let memory = Summary { net: "Net", steps: 4, rows: fused }.training_memory(1, Optimizer::Sgd, Kind::Float);
        assert_eq!((memory.activations, memory.transient), (400 * 4, (400 + 400 + 200) * 4));
    }
}
