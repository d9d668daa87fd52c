// Must be reported: a missing comma, and the mistake after it.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        fc1: Linear(_, 20)
        IFNode(),
        fc2: Linear(21, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
