// Must be reported: an attribute that would change the shapes behind it.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] {
        T = 4;
        #[cfg(test)]
        fc1: Linear(_, 9),
        fc2: Linear(_, 10),
    }
}

fn main() {}
