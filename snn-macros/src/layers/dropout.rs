//! `Dropout` and `Dropout2d`: one mask for all steps until the state is reset. In: any shape; out: the same shape.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "Dropout",
        params: &[param("p", Kind::Float, Default::Float(0.5))],
        modes: Modes::Both,
        state: Some(State::Mask),
        reduces: None,
        frozen: true,
        rule: |rule| dropout(rule, "Dropout"),
    },
    LayerSpec {
        name: "Dropout2d",
        params: &[param("p", Kind::Float, Default::Float(0.2))],
        modes: Modes::Both,
        state: Some(State::Mask),
        reduces: None,
        frozen: true,
        rule: |rule| dropout(rule, "Dropout2d"),
    },
];

fn dropout(rule: &mut Rule<'_>, ty: &'static str) -> Result<Built, ()> {
    share(rule)?;
    Ok(Built { config: Some(vec![rule.pass("p")]), ..Built::keeps(rule, ty) })
}

/// `p`, where it can be read, is a share that leaves something.
pub(super) fn share(rule: &mut Rule<'_>) -> Result<(), ()> {
    if let ArgValue::Float(_, Some(p)) = rule.arg("p").value
        && !(0.0..1.0).contains(&p)
    {
        let blame = rule.arg("p").blame;
        let text = format!("`{}`: `p` is the share that is dropped, from 0 up to but not including 1, but is {p:?}", rule.shown);
        let d = rule.error(blame, text);
        if p == 1.0 {
            d.help("`p = 1.0` would drop everything");
        }
        return Err(());
    }
    Ok(())
}
