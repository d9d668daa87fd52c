//! `SynapseFilter`: spikes become currents that decay. In: any shape; out: the same shape; state: one current per element.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "SynapseFilter",
    params: &[param("tau", Kind::Float, Default::Float(100.0)), param("learnable", Kind::Bool, Default::Bool(false))],
    modes: Modes::Both,
    state: Some(State::Memory),
    reduces: None,
    frozen: true,
    rule: synapse_filter,
}];

fn synapse_filter(rule: &mut Rule<'_>) -> Result<Built, ()> {
    if let ArgValue::Float(_, Some(tau)) = rule.arg("tau").value
        && tau <= 1.0
    {
        let (blame, text) = (rule.arg("tau").blame, format!("`{}`: `tau` must be greater than 1, but is {tau:?}", rule.shown));
        rule.error(blame, text).help("`tau` counts the steps in which a current decays");
        return Err(());
    }
    let weights = if rule.flag("learnable") { vec![("w", Vec::new())] } else { Vec::new() };
    let config = vec![rule.pass("tau"), rule.pass("learnable")];
    Ok(Built { config: Some(config), weights, state: Size::product(rule.input), ..Built::keeps(rule, "SynapseFilter") })
}
