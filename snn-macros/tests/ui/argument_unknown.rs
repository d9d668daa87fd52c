// Must be reported: a misspelt argument, and one given twice.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        fc: Linear(_, 10, biass = false), sn: LIFNode(2.0, tau = 3.0), MeanOverTime(),
    }
}

fn main() {}
