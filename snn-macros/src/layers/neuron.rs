//! Pointwise spiking neurons. In: any shape; out: spikes of the same shape; state: a membrane potential per element, of some neurons a
//! second number.
//!
//! Every argument is a field of the runtime's config. What literals say is checked here, the same of other values when the layer is built.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, param};
use crate::size::Size;

pub(super) const V_THRESHOLD: Param = param("v_threshold", Kind::Float, Default::Float(1.0));
pub(super) const V_RESET: Param = param("v_reset", Kind::OptFloat, Default::Float(0.0));
pub(super) const SURROGATE: Param = param("surrogate_function", Kind::Surrogate, Default::Surrogate);
pub(super) const DETACH_RESET: Param = param("detach_reset", Kind::Bool, Default::Bool(false));

/// Of the neurons whose surrogate is `ATan` unless set.
pub(super) const ATAN: Param = param("surrogate_function", Kind::Surrogate, Default::SurrogateOf("ATan"));
const RECT: Param = param("surrogate_function", Kind::Surrogate, Default::SurrogateOf("Rect"));
const TAU: Param = float("tau", 2.0);
const DECAY_INPUT: Param = param("decay_input", Kind::Bool, Default::Bool(true));

const fn float(name: &'static str, default: f64) -> Param {
    param(name, Kind::Float, Default::Float(default))
}

const fn row(name: &'static str, params: &'static [Param], rule: fn(&mut Rule<'_>) -> Result<Built, ()>) -> LayerSpec {
    LayerSpec { name, params, modes: Modes::Both, state: Some(State::Neuron), reduces: None, frozen: true, rule }
}

pub(super) const LAYERS: &[LayerSpec] = &[
    row("IFNode", &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| neuron(rule, 1, &[])),
    row("LIFNode", &[TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| neuron(rule, 1, &[])),
    row("ParametricLIFNode", &[float("init_tau", 2.0), DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| {
        neuron(rule, 1, &["w"])
    }),
    row(
        "QIFNode",
        &[
            TAU,
            float("v_c", 0.8),
            float("a0", 1.0),
            V_THRESHOLD,
            float("v_rest", 0.0),
            param("v_reset", Kind::OptFloat, Default::Float(-0.1)),
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| {
            positive(rule, "a0")?;
            at_least(rule, "v_rest", "v_reset")?;
            neuron(rule, 1, &[])
        },
    ),
    row(
        "EIFNode",
        &[
            TAU,
            float("delta_T", 1.0),
            float("theta_rh", 0.8),
            V_THRESHOLD,
            float("v_rest", 0.0),
            param("v_reset", Kind::OptFloat, Default::Float(-0.1)),
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| {
            positive(rule, "delta_T")?;
            neuron(rule, 1, &[])
        },
    ),
    row(
        "IzhikevichNode",
        &[
            TAU,
            float("v_c", 0.8),
            float("a0", 1.0),
            V_THRESHOLD,
            V_RESET,
            float("v_rest", -0.1),
            float("w_rest", 0.0),
            float("tau_w", 2.0),
            float("a", 0.0),
            float("b", 0.0),
            SURROGATE,
            DETACH_RESET,
        ],
        |rule| {
            positive(rule, "a0")?;
            neuron(rule, 2, &[])
        },
    ),
    row(
        "KLIFNode",
        &[param("scale_reset", Kind::Bool, Default::Bool(false)), TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET],
        |rule| neuron(rule, 1, &["k"]),
    ),
    row(
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
        |rule| neuron(rule, 1, &[]),
    ),
    row(
        "ILIFNode",
        &[
            float("tau", 4.0 / 3.0),
            V_THRESHOLD,
            param("surrogate_function", Kind::Surrogate, Default::OwnSurrogate("MultiLevelSpikeCount")),
            DETACH_RESET,
        ],
        |rule| {
            counts(rule)?;
            neuron(rule, 1, &[])
        },
    ),
    row("CUBALIFNode", &[float("c_decay", 0.5), float("v_decay", 0.75), float("v_threshold", 0.5), V_RESET, RECT, DETACH_RESET], |rule| {
        neuron(rule, 2, &[])
    }),
    row("ComplementaryLIFNode", &[TAU, V_THRESHOLD, RECT, DETACH_RESET], |rule| neuron(rule, 2, &[])),
    row("HalfThresholdIFNode", &[V_THRESHOLD, SURROGATE, DETACH_RESET], |rule| neuron(rule, 1, &[])),
    row("TernaryIFNode", &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| {
        inside(rule)?;
        neuron(rule, 1, &[])
    }),
    row("TernaryLIFNode", &[TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| {
        inside(rule)?;
        neuron(rule, 1, &[])
    }),
    row(
        "ActivationAwareIFNode",
        &[V_THRESHOLD, float("v_offset", 0.0), param("v_reset", Kind::OptFloat, Default::None), SURROGATE, DETACH_RESET],
        |rule| neuron(rule, 1, &[]),
    ),
    row("RAFNode", &[float("b", -0.2), float("omega", 1.0), float("dt", 1.0), V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| {
        neuron(rule, 2, &[])
    }),
    row("SimpleIFNode", &[V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| neuron(rule, 1, &[])),
    row("SimpleLIFNode", &[TAU, DECAY_INPUT, V_THRESHOLD, V_RESET, SURROGATE, DETACH_RESET], |rule| neuron(rule, 1, &[])),
];

/// `states` numbers per element, and learned numbers of the layer.
fn neuron(rule: &mut Rule<'_>, states: usize, learned: &[&'static str]) -> Result<Built, ()> {
    for param in rule.spec.params.iter().filter(|p| p.name.ends_with("tau")) {
        check_tau(rule, param.name)?;
    }
    Ok(Built {
        config: Some(rule.spec.params.iter().map(|p| rule.pass(p.name)).collect()),
        weights: learned.iter().map(|name| (*name, Vec::new())).collect(),
        state: Size::product(rule.input).mul(&Size::Known(states)),
        ..Built::keeps(rule, rule.spec.name)
    })
}

/// A time constant, where it is a literal, makes a leak: it is more than one step.
pub(super) fn check_tau(rule: &mut Rule<'_>, name: &str) -> Result<(), ()> {
    match literal(rule, name) {
        Some(tau) if tau <= 1.0 => {
            let text = format!("`{}`: `{name}` must be greater than 1, but is {tau:?}", rule.shown);
            let help = format!("`{name}` counts steps; `IFNode()` is the neuron without a leak");
            rule.error(rule.arg(name).blame, text).help(help);
            Err(())
        }
        _ => Ok(()),
    }
}

/// The value of an argument, where it is a literal.
pub(super) fn literal(rule: &Rule<'_>, name: &str) -> Option<f64> {
    match rule.arg(name).value {
        ArgValue::Float(_, known) => known,
        _ => None,
    }
}

fn positive(rule: &mut Rule<'_>, name: &str) -> Result<(), ()> {
    match literal(rule, name) {
        Some(x) if x <= 0.0 => {
            let text = format!("`{}`: `{name}` must be greater than 0, but is {x:?}", rule.shown);
            rule.error(rule.arg(name).blame, text);
            Err(())
        }
        _ => Ok(()),
    }
}

fn at_least(rule: &mut Rule<'_>, name: &str, least: &str) -> Result<(), ()> {
    match (literal(rule, name), literal(rule, least)) {
        (Some(x), Some(y)) if x < y => {
            let text = format!("`{}`: `{name}` must not be below `{least}`, but they are {x:?} and {y:?}", rule.shown);
            let written = if rule.arg(name).written { name } else { least };
            rule.error(rule.blame_of(written), text).help(format!("the potential starts at `{least}` and drifts to `{name}`"));
            Err(())
        }
        _ => Ok(()),
    }
}

/// A reset lies between the two thresholds of a ternary neuron.
fn inside(rule: &mut Rule<'_>) -> Result<(), ()> {
    match (literal(rule, "v_reset"), literal(rule, "v_threshold")) {
        (Some(reset), Some(threshold)) if reset.abs() >= threshold => {
            let text =
                format!("`{}`: `v_reset` must lie between the thresholds -{threshold:?} and {threshold:?}, but is {reset:?}", rule.shown);
            let written = if rule.arg("v_reset").written { "v_reset" } else { "v_threshold" };
            rule.error(rule.blame_of(written), text).help("a neuron that is reset beyond a threshold fires for ever");
            Err(())
        }
        _ => Ok(()),
    }
}

/// `ILIFNode` counts spikes: its surrogate says how many there can be.
fn counts(rule: &mut Rule<'_>) -> Result<(), ()> {
    match rule.arg("surrogate_function").value {
        ArgValue::Surrogate(_, Some(name)) if name != "MultiLevelSpikeCount" => {
            let text = format!("{} needs `MultiLevelSpikeCount` as its surrogate, but gets `{name}`", rule.subject());
            rule.error(rule.blame_of("surrogate_function"), text).help("write `surrogate_function = MultiLevelSpikeCount(4)`");
            Err(())
        }
        _ => Ok(()),
    }
}
