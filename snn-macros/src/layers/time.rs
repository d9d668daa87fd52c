//! Operations on time that stand where a layer does. In: a sequence `[T, ..]`; out: one value, time is gone.

use super::{Built, LayerSpec, Modes};

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "MeanOverTime",
    params: &[],
    modes: Modes::Both,
    state: None,
    reduces: Some("mean_over_time"),
    frozen: true,
    rule: |rule| Ok(Built::keeps(rule, "Identity")),
}];
