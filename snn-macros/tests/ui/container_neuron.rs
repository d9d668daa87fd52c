// Must be reported: a neuron where all steps are one batch, and the container to use.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [T, 8]) -> [T, 10] {
        T = 4;
        step_mode = 'm';
        SeqToANNContainer([Linear(_, 10), sn: IFNode()]),
    }
}

fn main() {}
