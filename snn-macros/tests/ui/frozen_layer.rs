// Must be reported, in a build without libtorch: a layer that has no frozen form.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_frozen_net! {
    net Net(x: [T, 8]) -> [T, 10] {
        T = 4;
        fc: Linear(_, 10), drop: DropConnectLinear(_, 10),
    }
}

fn user(mut net: NetFrozen, x: &[f32], y: &mut [f32]) {
    let _ = net.infer(x, y);
}

fn main() {}
