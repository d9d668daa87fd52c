// Must be reported: an outside const that does not fit, on the expression that says so.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

mod cfg {
    pub const HIDDEN: usize = 4608;
}

snn_net! {
    net Net(x: [cfg::HIDDEN]) -> [10] {
        T = 4;
        fc1: Linear(8 * 28 * 28, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
