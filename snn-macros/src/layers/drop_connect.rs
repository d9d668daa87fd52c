//! `DropConnectLinear`: a linear layer that drops connections. In: `[in_features]` (or `[.., in_features]` where `in_features` is written
//! out); out: `[.., out_features]`.

use super::dropout::share;
use super::linear::{last_axis, needs_flat};
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "DropConnectLinear",
    params: &[
        param("in_features", Kind::Inferred, Default::Required),
        param("out_features", Kind::Size, Default::Required),
        param("bias", Kind::Bool, Default::Bool(true)),
        param("p", Kind::Float, Default::Float(0.5)),
        param("samples_num", Kind::Size, Default::Int(1024)),
        param("invariant", Kind::Bool, Default::Bool(false)),
        param("activation", Kind::Activation, Default::Name("relu")),
    ],
    modes: Modes::Both,
    state: Some(State::Memory),
    reduces: None,
    frozen: false,
    rule: drop_connect,
}];

fn drop_connect(rule: &mut Rule<'_>) -> Result<Built, ()> {
    share(rule)?;
    // More axes than one are for evaluation alone: in training the runtime says so.
    let Some((last, rest)) = last_axis(rule)? else { return Ok(needs_flat(rule, "DropConnectLinear")) };
    let in_features = rule.inferred("in_features", last, "input features");
    let out_features = rule.size("out_features");
    let weight = vec![out_features.clone(), in_features.clone()];
    let macs = Size::product(&weight).mul(&Size::product(rest));
    let mut weights = vec![("weight", weight)];
    if rule.flag("bias") {
        weights.push(("bias", vec![out_features.clone()]));
    }
    let mut config = vec![rule.field("in_features", &in_features)];
    config.extend(["out_features", "bias", "p", "samples_num", "invariant", "activation"].map(|name| rule.pass(name)));
    let mut out = rest.to_vec();
    out.push(out_features);
    let checks = std::mem::take(&mut rule.checks);
    Ok(Built { config: Some(config), outputs: vec![out], weights, macs, checks, ..Built::keeps(rule, "DropConnectLinear") })
}
