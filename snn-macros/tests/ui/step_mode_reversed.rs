// Must be reported: a single-step layer that is given sequences.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        step_mode = 'm';
        fc: Linear(_, 10, step_mode = 's'), IFNode(), MeanOverTime(),
    }
}

fn main() {}
