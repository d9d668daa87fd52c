//! `Flatten` and `Identity`. In: any shape; out: axes joined, or the same shape.

use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, show};

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "Flatten",
        params: &[param("start_dim", Kind::Axis, Default::Int(1)), param("end_dim", Kind::Axis, Default::Int(-1))],
        modes: Modes::Both,
        state: None,
        reduces: None,
        frozen: true,
        rule: flatten,
    },
    LayerSpec {
        name: "Identity",
        params: &[],
        modes: Modes::Both,
        state: None,
        reduces: None,
        frozen: true,
        rule: |rule| Ok(Built::keeps(rule, "Identity")),
    },
];

/// Axes are counted as torch does, in `[N, ..]`: 0 is the batch.
fn flatten(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let rank = rule.input.len() + 1;
    let start = axis(rule, "start_dim", rank)?;
    let end = axis(rule, "end_dim", rank)?;
    if start == 0 {
        let blame = rule.arg("start_dim").blame;
        let text = format!("`{}`: `start_dim = 0` would flatten the batch away", rule.shown);
        rule.error(blame, text).help("`start_dim = 1` is the first axis of a sample");
        return Err(());
    }
    if start > end {
        let blame = rule.arg("start_dim").blame;
        let text = format!("`{}`: `start_dim = {start}` comes after `end_dim = {end}`", rule.shown);
        rule.input_error(blame, text).help("swap the two");
        return Err(());
    }
    let (s, e) = (start - 1, end - 1);
    let mut out = rule.input[..s].to_vec();
    out.push(Size::product(&rule.input[s..=e]));
    out.extend_from_slice(&rule.input[e + 1..]);
    let config = vec![
        rule.field("start_dim", proc_macro2::Literal::usize_unsuffixed(start)),
        rule.field("end_dim", proc_macro2::Literal::usize_unsuffixed(end)),
    ];
    Ok(Built { config: Some(config), outputs: vec![out], ..Built::keeps(rule, "Flatten") })
}

/// The axis from the front, negative ones resolved.
fn axis(rule: &mut Rule<'_>, name: &str, rank: usize) -> Result<usize, ()> {
    let n = rule.axis(name);
    let from_front = if n < 0 { n + rank as i64 } else { n };
    match usize::try_from(from_front) {
        Ok(n) if n < rank => Ok(n),
        _ => {
            let (blame, shape) = (rule.arg(name).blame, show(rule.input, false));
            let text = format!("`{}`: `{name} = {n}` is no axis of {shape} with the batch before it", rule.shown);
            rule.input_error(blame, text).help(format!("axes go from 0, the batch, to {}", rank - 1));
            Err(())
        }
    }
}
