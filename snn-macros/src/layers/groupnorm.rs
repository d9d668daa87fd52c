//! `GroupNorm`: each sample normalised by groups of its channels. In: `[C, ..]`; out: the same shape.

use super::args::ArgValue;
use super::batchnorm::not_negative;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, show};

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "GroupNorm",
    params: &[
        param("num_groups", Kind::Size, Default::Required),
        param("num_channels", Kind::Inferred, Default::Required),
        param("eps", Kind::Float, Default::Float(1e-5)),
        param("affine", Kind::Bool, Default::Bool(true)),
    ],
    modes: Modes::Both,
    state: None,
    reduces: None,
    frozen: true,
    rule: group_norm,
}];

fn group_norm(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let Some(channels) = rule.input.first() else {
        let (blame, text) = (rule.blame, format!("{} needs a [C, ..] input, but gets {}", rule.subject(), show(rule.input, false)));
        rule.input_error(blame, text);
        return Err(());
    };
    let num_channels = rule.inferred("num_channels", channels, "input channels");
    let groups = rule.size("num_groups");
    if !rule.divides(&num_channels, &groups, "num_groups") {
        let text = format!("`{}`: `num_groups = {groups}` does not divide the {num_channels} channels", rule.shown);
        let blame = rule.arg("num_groups").blame;
        // What arrives is to blame only where it says how many channels there are.
        let d = match rule.arg("num_channels").value {
            ArgValue::Size(_) => rule.error(blame, text),
            _ => rule.input_error(blame, text),
        };
        d.help(format!("use a number of groups that divides {num_channels}"));
        return Err(());
    }
    not_negative(rule, "eps")?;
    let weights = match rule.flag("affine") {
        true => vec![("weight", vec![num_channels.clone()]), ("bias", vec![num_channels.clone()])],
        false => Vec::new(),
    };
    let config = vec![rule.pass("num_groups"), rule.field("num_channels", &num_channels), rule.pass("eps"), rule.pass("affine")];
    let (macs, checks) = (Size::product(rule.input), std::mem::take(&mut rule.checks));
    Ok(Built { config: Some(config), weights, macs, checks, ..Built::keeps(rule, "GroupNorm") })
}
