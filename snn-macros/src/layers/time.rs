//! Operations on time that stand where a layer does. In: a sequence `[T, ..]`; out: one value, time is gone.

use super::{Built, LayerSpec, Modes};

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "MeanOverTime",
        params: &[],
        modes: Modes::Both,
        state: None,
        reduces: Some("mean_over_time"),
        rule: |rule| Ok(Built::keeps(rule, "Identity")),
    },
    // Stand for layers that need the whole sequence, and for those that end time.
    #[cfg(test)]
    LayerSpec {
        name: "WholeSequence",
        params: &[super::param("decode", super::Kind::Bool, super::Default::Bool(false))],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        rule: |rule| Ok(Built { ends_time: rule.flag("decode"), ..Built::keeps(rule, "WholeSequence") }),
    },
];
