// Must be reported: the second of two layers of one name, and where the first is.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        fc: Linear(_, 10),
        fc: Linear(_, 10),
    }
}

fn main() {}
