// Must be reported: a layer that `forward` forgets.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        fc1: Linear(_, 10),
        fc2: Linear(_, 10),
        forward(x) { fc1(x) }
    }
}

fn main() {}
