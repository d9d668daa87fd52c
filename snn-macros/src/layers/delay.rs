//! `Delay`: what came in some steps ago. In: any shape; out: the same shape; state: what is on its way.

use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "Delay",
    params: &[param("delay_steps", Kind::Count, Default::Required)],
    modes: Modes::Both,
    state: Some(State::Memory),
    reduces: None,
    frozen: true,
    rule: delay,
}];

fn delay(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let state = rule.size("delay_steps").mul(&Size::product(rule.input));
    Ok(Built { config: Some(vec![rule.pass("delay_steps")]), state, ..Built::keeps(rule, "Delay") })
}
