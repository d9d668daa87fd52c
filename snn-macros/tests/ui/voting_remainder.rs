// Must be reported: features that no class would count.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        Linear(_, 105), IFNode(), VotingLayer(10), MeanOverTime(),
    }
}

fn main() {}
