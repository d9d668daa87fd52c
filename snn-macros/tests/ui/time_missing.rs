// Must be reported: a net that does not say how many steps it runs.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        step_mode = 'm';
        Linear(_, 10), IFNode(), MeanOverTime(),
    }
}

fn main() {}
