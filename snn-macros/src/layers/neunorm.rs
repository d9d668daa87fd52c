//! `NeuNorm`: a trace per pixel, shared by its channels, is taken away. In: `[C, H, W]`; out: the same shape.

use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "NeuNorm",
    params: &[
        param("in_channels", Kind::Inferred, Default::Required),
        param("height", Kind::Inferred, Default::Required),
        param("width", Kind::Inferred, Default::Required),
        param("k", Kind::Float, Default::Float(0.9)),
        param("shared_across_channels", Kind::Bool, Default::Bool(false)),
    ],
    modes: Modes::Both,
    state: Some(State::Memory),
    reduces: None,
    frozen: false,
    rule: neunorm,
}];

fn neunorm(rule: &mut Rule<'_>) -> Result<Built, ()> {
    rule.rank(&["C", "H", "W"])?;
    let [c, h, w] = [("in_channels", "input channels"), ("height", "rows"), ("width", "columns")];
    let sizes: Vec<Size> = [c, h, w].iter().zip(rule.input).map(|((name, what), arrives)| rule.inferred(name, arrives, what)).collect();
    let channels = if rule.flag("shared_across_channels") { Size::Known(1) } else { sizes[0].clone() };
    let config = vec![
        rule.field("in_channels", &sizes[0]),
        rule.field("height", &sizes[1]),
        rule.field("width", &sizes[2]),
        rule.pass("k"),
        rule.pass("shared_across_channels"),
    ];
    let trace = sizes[1].mul(&sizes[2]);
    Ok(Built {
        config: Some(config),
        weights: vec![("w", vec![channels, sizes[1].clone(), sizes[2].clone()])],
        state: trace,
        macs: Size::product(rule.input),
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "NeuNorm")
    })
}
