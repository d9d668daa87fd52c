// A net that fits compiles against the types alone.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

snn_net! {
    /// Two layers.
    pub net Net(x: [T, 8]) -> [10] {
        T = 4;
        fc: Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
