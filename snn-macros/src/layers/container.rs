//! Containers: they decide how time reaches the layers in them. In: layers in brackets, and what arrives; out: what the last
//! of the layers gives.
//!
//! A row's rule looks at what arrives at the container; the layers inside are checked one by one, like those of a list.

use super::{ArgValue, Args, Built, Default, Kind, LayerSpec, Modes, Param, Rule, param};

/// How a container hands time to the layers in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// One step after the other.
    Steps,
    /// All steps at once, as one batch: `[T * N, ..]`.
    OneBatch,
    /// One step after the other, each beside what came out of the step before.
    Feedback,
}

/// A container as it stands in a net.
#[derive(Clone)]
pub(crate) struct Container {
    pub(crate) spec: &'static LayerSpec,
    pub(crate) args: Args,
    pub(crate) how: How,
    /// Time is the last axis of a sample.
    pub(crate) time_last: bool,
    /// As written in the net: `rec1`, or `MultiStepContainer` where no name was given.
    pub(crate) shown: String,
    pub(crate) line: usize,
}

/// The parameter of containers that run layers one after the other.
pub(crate) const SEVERAL: &str = "layers";

const LAYERS_INSIDE: Param = param(SEVERAL, Kind::Layers, Default::Required);
const SUB_MODULE: Param = param("sub_module", Kind::Layers, Default::Required);

/// Runs the layers in it on what arrives, and keeps its shape from their point of view.
const fn container(name: &'static str, params: &'static [Param], modes: Modes, frozen: bool) -> LayerSpec {
    LayerSpec { name, params, modes, state: None, reduces: None, frozen, rule: |rule| Ok(Built::keeps(rule, "")) }
}

pub(super) const LAYERS: &[LayerSpec] = &[
    container("MultiStepContainer", &[LAYERS_INSIDE], Modes::MultiOnly, true),
    container("SeqToANNContainer", &[LAYERS_INSIDE], Modes::MultiOnly, true),
    container("StepModeContainer", &[LAYERS_INSIDE, param("stateful", Kind::Bool, Default::Required)], Modes::Both, true),
    container(
        "ElementWiseRecurrentContainer",
        &[SUB_MODULE, param("element_wise_function", Kind::Function, Default::Required)],
        Modes::Both,
        true,
    ),
    LayerSpec {
        name: "LinearRecurrentContainer",
        params: &[
            SUB_MODULE,
            param("in_features", Kind::Inferred, Default::Required),
            param("out_features", Kind::Size, Default::Required),
            param("bias", Kind::Bool, Default::Bool(true)),
        ],
        modes: Modes::Both,
        state: None,
        reduces: None,
        frozen: true,
        rule: linear_recurrent,
    },
    container("TLastMultiStepContainer", &[LAYERS_INSIDE], Modes::Both, false),
    container("TLastSeqToANNContainer", &[LAYERS_INSIDE], Modes::Both, false),
];

/// Neurons around which a recurrent container is one kernel (kernels/src/neuron/feedback.rs); around the others it steps.
pub(crate) const FUSED_INSIDE: &[&str] = &["IFNode", "LIFNode", "ParametricLIFNode"];

/// Does the row describe a container?
pub(crate) fn is_container(spec: &LayerSpec) -> bool {
    spec.params.first().is_some_and(|p| p.kind == Kind::Layers)
}

/// What a container computes, in a sentence of its documentation.
pub(crate) fn computes(spec: &LayerSpec) -> &'static str {
    match spec.name {
        "MultiStepContainer" => "`y[t] = layers(x[t])`, one step after the other",
        "SeqToANNContainer" => "`y = layers(x)` with all steps as one batch, `[T * N, ..]`; none of the layers has a memory",
        "StepModeContainer" => "a list in `'s'`; in `'m'` a `MultiStepContainer` if `stateful`, else a `SeqToANNContainer`",
        "ElementWiseRecurrentContainer" => {
            "`y[t] = layers(f(y[t - 1], x[t]))` from 0 on; f is `add`, `mul`, `sub`, `max`, a closure `|y_prev, x| ..` or a function named by `use`"
        }
        "LinearRecurrentContainer" => {
            "`y[t] = layers(rc(cat(x[t], y[t - 1])))` from 0 on; `rc` is a `Linear(in_features + out_features, in_features)`"
        }
        "TLastMultiStepContainer" => "`MultiStepContainer` where time is the last axis of a sample, `[.., T]`",
        _ => "`SeqToANNContainer` where time is the last axis of a sample, `[.., T]`",
    }
}

impl Container {
    /// `multi`: it is given whole sequences.
    pub(crate) fn new(spec: &'static LayerSpec, args: Args, multi: bool, shown: &str, line: usize) -> Container {
        let how = match spec.name {
            "ElementWiseRecurrentContainer" | "LinearRecurrentContainer" => How::Feedback,
            "SeqToANNContainer" | "TLastSeqToANNContainer" => How::OneBatch,
            // In steps it is a list.
            "StepModeContainer" if multi && args.find("stateful").is_some_and(|a| matches!(a.value, ArgValue::Bool(false))) => {
                How::OneBatch
            }
            _ => How::Steps,
        };
        Container { spec, args, how, time_last: spec.name.starts_with("TLast"), shown: shown.to_string(), line }
    }
}

/// What arrives at `rc`, before the output of the last step is put beside it.
fn linear_recurrent(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let Some((last, rest)) = rule.input.split_last() else {
        return rule.rank(&["features"]).map(|()| unreachable!("a scalar has no features"));
    };
    let in_features = rule.inferred("in_features", last, "input features");
    let mut shape = rest.to_vec();
    shape.push(in_features);
    Ok(Built { outputs: vec![shape], checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, "") })
}
