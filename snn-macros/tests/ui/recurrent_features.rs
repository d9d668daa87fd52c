// Must be reported: what comes out cannot go back in.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [T, 8]) -> [T, 8] {
        T = 4;
        rec: ElementWiseRecurrentContainer([Linear(_, 10), IFNode()], add),
    }
}

fn main() {}
