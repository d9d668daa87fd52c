// Must be reported: one membrane potential for two calls.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [8] {
        T = 4;
        fc: Linear(_, 8),
        sn1: IFNode(),
        forward(x) { mean_over_time(add(sn1(fc(x)), sn1(x))) }
    }
}

fn main() {}
