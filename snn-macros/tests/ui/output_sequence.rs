// Must be reported: a forgotten MeanOverTime.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        Linear(_, 10), IFNode(),
    }
}

fn main() {}
