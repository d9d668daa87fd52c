// Must be reported: a Linear right after a convolution.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 8, 3),
        fc1: Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
