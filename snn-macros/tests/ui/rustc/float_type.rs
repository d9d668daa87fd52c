// Must be reported: rustc names the type on the value itself.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        Linear(_, 10), LIFNode(tau = "2.0".len()), MeanOverTime(),
    }
}

fn main() {}
