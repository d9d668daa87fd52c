// Must be reported: a block that never ends.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    block Deep(c) { Linear(_, c), Deep(c) }

    net Net(x: [8]) -> [10] {
        T = 4;
        Deep(10),
    }
}

fn main() {}
