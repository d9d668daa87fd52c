// Must be reported: a misspelt layer, with the right spelling.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [1, 5, 5]) -> [10] {
        T = 4;
        conv: Conv2D(_, 8, 3), IFNode(), Flatten(),
        Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
