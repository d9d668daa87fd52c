//! `VotingLayer`: the mean of each group of `voting_size` features. In: `[C * voting_size]`; out: `[C]`.

use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "VotingLayer",
    params: &[param("voting_size", Kind::Size, Default::Int(10))],
    modes: Modes::Both,
    state: None,
    reduces: None,
    frozen: true,
    rule: voting,
}];

fn voting(rule: &mut Rule<'_>) -> Result<Built, ()> {
    rule.rank(&["features"])?;
    let size = rule.size("voting_size");
    let sizes = [rule.input[0].clone(), size.clone()];
    let Some(out) = rule.formula("divide", &sizes, &[], |n| snn_shape::divide(n[0], n[1])) else {
        let (got, by) = (rule.input[0].known().unwrap_or(0), size.known().unwrap_or(1));
        let call = format!("`VotingLayer({by})`");
        let subject = if rule.shown == "VotingLayer" { call } else { format!("`{}`: {call}", rule.shown) };
        let classes = (got / by).max(1);
        let blame = rule.blame_of("voting_size");
        rule.input_error(blame, format!("{subject} needs a multiple of {by} features, but gets {got}"))
            .help(format!("`Linear(_, {})` gives {classes} classes", classes * by));
        return Err(());
    };
    Ok(Built {
        config: Some(vec![rule.pass("voting_size")]),
        outputs: vec![vec![out]],
        macs: rule.input[0].clone(),
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "VotingLayer")
    })
}
