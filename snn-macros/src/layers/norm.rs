//! Normalisation. In: `[C, H, W]`; out: the same shape.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "BatchNorm2d",
    params: &[
        param("num_features", Kind::Inferred, Default::Required),
        param("eps", Kind::Float, Default::Float(1e-5)),
        param("momentum", Kind::OptFloat, Default::Float(0.1)),
        param("affine", Kind::Bool, Default::Bool(true)),
        param("track_running_stats", Kind::Bool, Default::Bool(true)),
    ],
    modes: Modes::Both,
    state: None,
    reduces: None,
    rule: |rule| batch_norm(rule, "BatchNorm2d", &["C", "H", "W"]),
}];

fn batch_norm(rule: &mut Rule<'_>, ty: &'static str, axes: &[&str]) -> Result<Built, ()> {
    rule.rank(axes)?;
    let num_features = rule.inferred("num_features", &rule.input[0], "input channels");
    if let ArgValue::Float(_, Some(eps)) = rule.arg("eps").value
        && eps < 0.0
    {
        let (blame, text) = (rule.arg("eps").blame, format!("`{}`: `eps` must not be negative, but is {eps:?}", rule.shown));
        rule.error(blame, text);
        return Err(());
    }
    let weights = match rule.flag("affine") {
        true => vec![("weight", vec![num_features.clone()]), ("bias", vec![num_features.clone()])],
        false => Vec::new(),
    };
    let config = vec![
        rule.field("num_features", &num_features),
        rule.pass("eps"),
        rule.pass("momentum"),
        rule.pass("affine"),
        rule.pass("track_running_stats"),
    ];
    let macs = Size::product(rule.input);
    Ok(Built { config: Some(config), weights, macs, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}
