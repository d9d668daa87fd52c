//! A net with a layer of the user's own, which two builds share: with libtorch it trains and writes a frozen file, and without it reads that. In:
//! features; out: classes. The layer itself, `crate::Rectified`, is each build's own.

use snn::infer::{self, Builder, Frozen as _, LinearConfig, Value, frozen};
use snn::snn_net;

/// Arguments of `Rectified`.
#[derive(Clone, Debug, Default)]
pub struct RectifiedConfig {
    /// Features that go out.
    pub out_features: usize,
}

/// What the layer is made of: a linear one, and zero where that would be less.
pub(crate) fn written_down(b: &mut Builder, label: &str, c: &RectifiedConfig, args: &[Value]) -> infer::Result<Value> {
    let features = b.shape(args[0])?.iter().product();
    let y = frozen::Linear::freeze(b, label, LinearConfig::new(features, c.out_features), args)?;
    frozen::ReLU::freeze(b, &format!("{label}.relu"), (), &[y])
}

snn_net! {
    use crate::Rectified;

    /// Own layers alone, in a list, and twice.
    pub net Cut(x: [T, 6]) -> [3] {
        T = 5;
        step_mode = 'm';
        surrogate = ATan;

        rect: Rectified(out_features = 8) -> [8],
        sn: LIFNode(v_threshold = 0.25),
        list: [Rectified(out_features = 4) -> [4], IFNode()],
        fc: Linear(_, 3),
        MeanOverTime(),
    }
}
