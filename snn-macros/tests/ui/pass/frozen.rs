// A build without libtorch needs the types of `snn-infer` alone.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

snn_frozen_net! {
    /// Two layers.
    pub net Net<const N: usize>(x: [T, 8], gate: [8]) -> (logits: [10], last: [N]) {
        T = 4;
        fc: Linear(_, 10), sn: IFNode(), wide: Linear(_, N),

        forward(x, gate) {
            let s = sn(fc(add(x, gate)));
            (mean_over_time(s), last_step(wide(s)))
        }
    }
}

fn main() {
    let infer: fn(&mut NetFrozen<3>, &[f32], &[f32], &mut [f32], &mut [f32]) -> _ = NetFrozen::<3>::infer;
    assert!(NetFrozen::<3>::load("").is_ok_and(|mut net| infer(&mut net, &[], &[], &mut [], &mut []).is_ok()));
}
