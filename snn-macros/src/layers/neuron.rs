//! Spiking neurons. In: any shape; out: spikes of the same shape; state: one membrane potential per element.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, param};
use crate::size::Size;

pub(super) const V_THRESHOLD: Param = param("v_threshold", Kind::Float, Default::Float(1.0));
pub(super) const V_RESET: Param = param("v_reset", Kind::OptFloat, Default::Float(0.0));
pub(super) const SURROGATE: Param = param("surrogate_function", Kind::Surrogate, Default::Surrogate);
pub(super) const DETACH_RESET: Param = param("detach_reset", Kind::Bool, Default::Bool(false));

/// Of the neurons whose surrogate is `ATan` unless set.
pub(super) const ATAN: Param = param("surrogate_function", Kind::Surrogate, Default::SurrogateOf("ATan"));

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "IFNode",
        params: &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET],
        modes: Modes::Both,
        state: Some(State::Neuron),
        reduces: None,
        rule: |rule| neuron(rule, "IFNode", &[], &[]),
    },
    LayerSpec {
        name: "LIFNode",
        params: &[
            param("tau", Kind::Float, Default::Float(2.0)),
            param("decay_input", Kind::Bool, Default::Bool(true)),
            V_THRESHOLD,
            V_RESET,
            SURROGATE,
            DETACH_RESET,
        ],
        modes: Modes::Both,
        state: Some(State::Neuron),
        reduces: None,
        rule: |rule| neuron(rule, "LIFNode", &["tau", "decay_input"], &[]),
    },
    LayerSpec {
        name: "ParametricLIFNode",
        params: &[
            param("init_tau", Kind::Float, Default::Float(2.0)),
            param("decay_input", Kind::Bool, Default::Bool(true)),
            V_THRESHOLD,
            V_RESET,
            SURROGATE,
            DETACH_RESET,
        ],
        modes: Modes::Both,
        state: Some(State::Neuron),
        reduces: None,
        rule: |rule| neuron(rule, "ParametricLIFNode", &["init_tau", "decay_input"], &["w"]),
    },
];

/// `own` are the parameters beside the common four, `weights` the learnable scalars.
fn neuron(rule: &mut Rule<'_>, ty: &'static str, own: &[&str], weights: &[&'static str]) -> Result<Built, ()> {
    for name in own.iter().filter(|n| n.ends_with("tau")) {
        check_tau(rule, name)?;
    }
    let common = ["v_threshold", "v_reset", "surrogate_function", "detach_reset"];
    let config = own.iter().chain(&common).map(|name| rule.pass(name)).collect();
    Ok(Built {
        config: Some(config),
        weights: weights.iter().map(|w| (*w, Vec::new())).collect(),
        state: Size::product(rule.input),
        ..Built::keeps(rule, ty)
    })
}

/// A time constant, where it is a literal, makes a leak: it is more than one step.
pub(super) fn check_tau(rule: &mut Rule<'_>, name: &str) -> Result<(), ()> {
    if let ArgValue::Float(_, Some(tau)) = rule.arg(name).value
        && tau <= 1.0
    {
        let blame = rule.arg(name).blame;
        let text = format!("`{}`: `{name}` must be greater than 1, but is {tau:?}", rule.shown);
        rule.error(blame, text).help(format!("`{name}` counts steps; `IFNode()` is the neuron without a leak"));
        return Err(());
    }
    Ok(())
}
