//! Spiking neurons. In: any shape; out: spikes of the same shape; state: one number per element and state. Their formulas stand in
//! `kernels/src/neuron/`, under the same names.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, param};
use crate::size::Size;

const TAU: Param = param("tau", Kind::Float, Default::Float(2.0));
const DECAY_INPUT: Param = param("decay_input", Kind::Bool, Default::Bool(true));
const V_C: Param = param("v_c", Kind::Float, Default::Float(0.8));
const A0: Param = param("a0", Kind::Float, Default::Float(1.0));
pub(super) const V_THRESHOLD: Param = param("v_threshold", Kind::Float, Default::Float(1.0));
pub(super) const V_RESET: Param = param("v_reset", Kind::OptFloat, Default::Float(0.0));
const V_RESET_BELOW: Param = param("v_reset", Kind::OptFloat, Default::Float(-0.1));
const V_REST: Param = param("v_rest", Kind::Float, Default::Float(0.0));
pub(super) const SURROGATE: Param = param("surrogate_function", Kind::Surrogate, Default::Surrogate);
pub(super) const DETACH_RESET: Param = param("detach_reset", Kind::Bool, Default::Bool(false));

/// Of the neurons whose surrogate is `ATan` unless set.
pub(super) const ATAN: Param = param("surrogate_function", Kind::Surrogate, Default::SurrogateOf("ATan"));

const fn neuron(name: &'static str, params: &'static [Param], rule: fn(&mut Rule<'_>) -> Result<Built, ()>) -> LayerSpec {
    LayerSpec { name, params, modes: Modes::Both, state: Some(State::Neuron), reduces: None, rule }
}

pub(super) const LAYERS: &[LayerSpec] = &[
    neuron("IFNode", &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron("LIFNode", &[TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron(
        "ParametricLIFNode",
        &[param("init_tau", Kind::Float, Default::Float(2.0)), DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET],
        |rule| built(rule, 1, &["w"]),
    ),
    neuron("QIFNode", &[TAU, V_C, A0, V_THRESHOLD, V_REST, V_RESET_BELOW, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron(
        "EIFNode",
        &[
            TAU,
            param("delta_T", Kind::Float, Default::Float(1.0)),
            param("theta_rh", Kind::Float, Default::Float(0.8)),
            V_THRESHOLD,
            V_REST,
            V_RESET_BELOW,
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| built(rule, 1, &[]),
    ),
    neuron(
        "IzhikevichNode",
        &[
            TAU,
            V_C,
            A0,
            V_THRESHOLD,
            V_RESET,
            param("v_rest", Kind::Float, Default::Float(-0.1)),
            param("w_rest", Kind::Float, Default::Float(0.0)),
            param("tau_w", Kind::Float, Default::Float(2.0)),
            param("a", Kind::Float, Default::Float(0.0)),
            param("b", Kind::Float, Default::Float(0.0)),
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| built(rule, 2, &[]),
    ),
    neuron(
        "KLIFNode",
        &[param("scale_reset", Kind::Bool, Default::Bool(false)), TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET],
        |rule| built(rule, 1, &["k"]),
    ),
    neuron(
        "LIAFNode",
        &[
            param("act", Kind::Activation, Default::Required),
            param("threshold_related", Kind::Bool, Default::Required),
            TAU,
            DECAY_INPUT,
            V_THRESHOLD,
            V_RESET,
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| built(rule, 1, &[]),
    ),
    neuron("HalfThresholdIFNode", &[V_THRESHOLD, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron("TernaryIFNode", &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron("TernaryLIFNode", &[TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron(
        "ActivationAwareIFNode",
        &[
            V_THRESHOLD,
            param("v_offset", Kind::Float, Default::Float(0.0)),
            param("v_reset", Kind::OptFloat, Default::None),
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| built(rule, 1, &[]),
    ),
    neuron(
        "RAFNode",
        &[
            param("b", Kind::Float, Default::Float(-0.2)),
            param("omega", Kind::Float, Default::Float(1.0)),
            param("dt", Kind::Float, Default::Float(1.0)),
            V_THRESHOLD,
            V_RESET,
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| built(rule, 2, &[]),
    ),
    neuron("SimpleIFNode", &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
    neuron("SimpleLIFNode", &[TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| built(rule, 1, &[])),
];

/// A pointwise neuron with that many states per element and these learnable scalars.
fn built(rule: &mut Rule<'_>, states: usize, weights: &[&'static str]) -> Result<Built, ()> {
    for name in rule.spec.params.iter().map(|p| p.name).filter(|n| matches!(*n, "tau" | "init_tau")) {
        check_tau(rule, name)?;
    }
    let config = rule.spec.params.iter().map(|p| rule.pass(p.name)).collect();
    Ok(Built {
        config: Some(config),
        weights: weights.iter().map(|w| (*w, Vec::new())).collect(),
        state: Size::product(rule.input).mul(&Size::Known(states)),
        ..Built::keeps(rule, rule.spec.name)
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
