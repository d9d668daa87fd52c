//! `Linear`. In: `[in_features]` (or `[.., in_features]` where `in_features` is written out); out: `[.., out_features]`.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, show};

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "Linear",
    params: &[
        param("in_features", Kind::Inferred, Default::Required),
        param("out_features", Kind::Size, Default::Required),
        param("bias", Kind::Bool, Default::Bool(true)),
    ],
    modes: Modes::Both,
    state: None,
    reduces: None,
    frozen: true,
    rule: |rule| linear(rule, "Linear"),
}];

pub(super) fn linear(rule: &mut Rule<'_>, ty: &'static str) -> Result<Built, ()> {
    let Some((last, rest)) = last_axis(rule)? else { return Ok(needs_flat(rule, ty)) };
    let in_features = rule.inferred("in_features", last, "input features");
    let out_features = rule.size("out_features");
    let weight = vec![out_features.clone(), in_features.clone()];
    let macs = Size::product(&weight).mul(&Size::product(rest));
    let mut weights = vec![("weight", weight)];
    if rule.flag("bias") {
        weights.push(("bias", vec![out_features.clone()]));
    }
    let mut out = rest.to_vec();
    out.push(out_features);
    let config = vec![rule.field("in_features", &in_features), rule.pass("out_features"), rule.pass("bias")];
    let checks = std::mem::take(&mut rule.checks);
    Ok(Built { config: Some(config), outputs: vec![out], weights, macs, checks, ..Built::keeps(rule, ty) })
}

/// The features that arrive, and the axes before them; `None` where the layer is not meant for such an input.
///
/// torch applies a Linear to the last axis of anything. That is meant where the sizes say so; after a convolution it is a forgotten Flatten.
pub(super) fn last_axis<'a>(rule: &mut Rule<'a>) -> Result<Option<(&'a Size, &'a [Size])>, ()> {
    let Some((last, rest)) = rule.input.split_last() else {
        return rule.rank(&["features"]).map(|()| unreachable!("a scalar has no features"));
    };
    let on_last_axis = match &rule.arg("in_features").value {
        ArgValue::Size(want) => !want.differs(last),
        _ => false,
    };
    Ok((rest.is_empty() || on_last_axis).then_some((last, rest)))
}

/// The error of a layer that takes features and gets something else; the layer as if a `Flatten()` stood before it.
pub(super) fn needs_flat(rule: &mut Rule<'_>, ty: &'static str) -> Built {
    let text = format!("{} needs a flat [features] input, but gets {}", rule.subject(), show(rule.input, false));
    let blame = rule.blame;
    rule.input_error(blame, text).help("put `Flatten(),` before it");
    Built { outputs: vec![vec![rule.size("out_features")]], ..Built::keeps(rule, ty) }
}
