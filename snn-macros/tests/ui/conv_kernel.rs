// Must be reported: a kernel larger than what arrives.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [1, 5, 5]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, 7), IFNode(), Flatten(),
        Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
