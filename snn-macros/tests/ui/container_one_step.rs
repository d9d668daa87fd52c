// Must be reported: a container of sequences where one step arrives.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [T, 8]) -> [T, 10] {
        T = 4;
        step_mode = 's';
        MultiStepContainer([Linear(_, 10), IFNode()]),
    }
}

fn main() {}
