//! `STBIFNode`. In: any shape; out: spikes of both signs, the same shape; state: three numbers per element.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "STBIFNode",
    params: &[
        param("q_threshold", Kind::Float, Default::Required),
        param("level", Kind::Size, Default::Required),
        param("sym", Kind::Bool, Default::Bool(false)),
        param("pos_max", Kind::OptFloat, Default::None),
        param("neg_min", Kind::OptFloat, Default::None),
    ],
    modes: Modes::Both,
    state: Some(State::Memory),
    reduces: None,
    frozen: false,
    rule: stbif,
}];

fn stbif(rule: &mut Rule<'_>) -> Result<Built, ()> {
    if rule.size("level").known() == Some(1) {
        let (blame, text) = (rule.arg("level").blame, format!("`{}`: `level` must be at least 2, but is 1", rule.shown));
        rule.error(blame, text).help("a quantiser of one level says nothing");
        return Err(());
    }
    if let ArgValue::Float(_, Some(q_threshold)) = rule.arg("q_threshold").value
        && q_threshold <= 0.0
    {
        let blame = rule.arg("q_threshold").blame;
        let text = format!("`{}`: `q_threshold` must be greater than 0, but is {q_threshold:?}", rule.shown);
        rule.error(blame, text).help("it is the step of the quantiser");
        return Err(());
    }
    let config = ["q_threshold", "level", "sym", "pos_max", "neg_min"].map(|name| rule.pass(name));
    let state = Size::product([&[Size::Known(3)], rule.input].concat().as_slice());
    Ok(Built { config: Some(config.into()), state, ..Built::keeps(rule, "STBIFNode") })
}
