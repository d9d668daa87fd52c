// Must be reported: groups that rustc knows, and that do not divide the channels.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

mod cfg {
    pub const GROUPS: usize = 3;
}

snn_net! {
    net Net(x: [8]) -> [8] {
        T = 4;
        norm: GroupNorm(cfg::GROUPS, _), IFNode(), MeanOverTime(),
    }
}

fn main() {}
