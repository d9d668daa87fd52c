// Must be reported: a layer of whole sequences in a net of steps, and where the steps come from.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [T, 8]) -> [T, 8] {
        T = 4;
        step_mode = 's';
        ThresholdDependentBatchNorm1d(1.0, 1.0, _),
    }
}

fn main() {}
