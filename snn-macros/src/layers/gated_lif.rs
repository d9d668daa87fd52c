//! `GatedLIFNode`. In: a sequence of `[C, H, W]`; out: spikes of the same shape; state: one membrane potential per element.

use quote::quote;

use super::args::ArgValue;
use super::neuron::SURROGATE;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

/// Starts of parameters that act through a sigmoid.
const STARTS: [&str; 5] = ["init_linear_decay", "init_v_subreset", "init_tau", "init_v_threshold", "init_conduct"];

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "GatedLIFNode",
    params: &[
        param("T", Kind::Inferred, Default::Required),
        param("inplane", Kind::OptInferred, Default::None),
        param("init_linear_decay", Kind::OptFloat, Default::None),
        param("init_v_subreset", Kind::OptFloat, Default::None),
        param("init_tau", Kind::Float, Default::Float(0.25)),
        param("init_v_threshold", Kind::Float, Default::Float(0.5)),
        param("init_conduct", Kind::Float, Default::Float(0.5)),
        SURROGATE,
    ],
    modes: Modes::MultiOnly,
    state: Some(State::Neuron),
    reduces: None,
    frozen: false,
    rule: gated_lif,
}];

fn gated_lif(rule: &mut Rule<'_>) -> Result<Built, ()> {
    rule.rank(&["C", "H", "W"])?;
    for name in STARTS {
        if let ArgValue::Float(_, Some(value)) = rule.arg(name).value
            && !(value > 0.0 && value < 1.0)
        {
            let (blame, text) = (rule.arg(name).blame, format!("`{}`: `{name}` must be between 0 and 1, but is {value:?}", rule.shown));
            rule.error(blame, text).help("the parameter is a sigmoid, which never gets to 0 or 1");
            return Err(());
        }
    }
    let steps = rule.inferred_steps("T");
    let inplane = match &rule.arg("inplane").value {
        ArgValue::None => None,
        _ => Some(rule.inferred("inplane", &rule.input[0], "input channels")),
    };
    let channels: Vec<Size> = inplane.iter().cloned().collect();
    let by_step: Vec<Size> = [steps.clone()].into_iter().chain(inplane.clone()).collect();
    let names = ["alpha", "beta", "gamma", "tau", "v_threshold", "linear_decay", "v_subreset"];
    let weights = names.into_iter().map(|name| (name, channels.clone())).chain([("conduct", by_step)]).collect();
    let inplane = inplane.map_or_else(|| quote!(::core::option::Option::None), |c| quote!(::core::option::Option::Some(#c)));
    let config = [rule.field("T", &steps), rule.field("inplane", inplane), rule.pass("surrogate_function")].into_iter();
    Ok(Built {
        config: Some(config.chain(STARTS.map(|name| rule.pass(name))).collect()),
        weights,
        state: Size::product(rule.input),
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "GatedLIFNode")
    })
}
