// Must be reported: 3136 input features are written where 12544 arrive.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [1, 28, 28]) -> [10] {
        T = 4;
        conv: Conv2d(_, 64, 3, padding = 1), IFNode(), MaxPool2d(2),
        flat: Flatten(),
        fc1: Linear(64 * 7 * 7, 128), IFNode(),
        Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
