// Must be reported: a layer of the user's own that remembers, where all steps are one batch.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

snn_net! {
    use crate::snn::own::Accumulate;

    net Net(x: [T, 8]) -> [T, 8] {
        T = 4;
        step_mode = 'm';
        SeqToANNContainer([Accumulate()]),
    }
}

fn main() {}
