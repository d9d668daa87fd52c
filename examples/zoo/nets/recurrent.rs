//! A recurrent net for events and speech.

use snn::snn_net;

snn_net! {
    /// A layer that hears, with each step, what it said in the step before.
    ///
    /// SpikingJelly equivalent: `FeedBackNet` of `activation_based.examples.rsnn_sequential_fmnist`, there with 28 inputs, 32 neurons and 10 classes:
    /// 3,338 parameters. With 700 inputs, 128 neurons, 20 classes and 100 steps it takes the Heidelberg spoken digits (SHD: Cramer et al., "The
    /// Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural Networks", TNNLS 2020): 125,204 parameters.
    pub net FeedBackNet<const INPUTS: usize, const HIDDEN: usize, const CLASSES: usize, const STEPS: usize>(x: [T, INPUTS]) -> [CLASSES] {
        T = STEPS;
        step_mode = 'm';
        surrogate = ATan;

        fc: [
            Linear(_, HIDDEN),
            LinearRecurrentContainer([IFNode(detach_reset = true)], HIDDEN, HIDDEN, bias = true),
            Linear(_, CLASSES), IFNode(),
        ],
        MeanOverTime(),
    }
}
