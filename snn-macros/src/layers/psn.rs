//! Parallel spiking neurons. In: any shape, at every step of a sequence at once; out: spikes of the same shape.

use super::args::ArgValue;
use super::neuron::ATAN;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::ir::Mode;
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "PSN",
        params: &[param("T", Kind::Inferred, Default::Required), ATAN],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: true,
        rule: psn,
    },
    LayerSpec {
        name: "MaskedPSN",
        params: &[
            param("k", Kind::Size, Default::Required),
            param("T", Kind::Inferred, Default::Required),
            param("lambda_init", Kind::Float, Default::Float(0.0)),
            ATAN,
        ],
        modes: Modes::Both,
        state: Some(State::Memory),
        reduces: None,
        frozen: true,
        rule: masked_psn,
    },
    LayerSpec {
        name: "SlidingPSN",
        params: &[param("k", Kind::Size, Default::Required), param("exp_init", Kind::Bool, Default::Bool(true)), ATAN],
        modes: Modes::Both,
        state: Some(State::Memory),
        reduces: None,
        frozen: true,
        rule: sliding_psn,
    },
];

fn psn(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let steps = rule.inferred_steps("T");
    Ok(Built {
        config: Some(vec![rule.field("T", &steps), rule.pass("surrogate_function")]),
        weights: vec![("weight", vec![steps.clone(), steps.clone()]), ("bias", vec![steps.clone(), Size::Known(1)])],
        macs: Size::product([&[steps], rule.input].concat().as_slice()),
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "PSN")
    })
}

fn masked_psn(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let steps = rule.inferred_steps("T");
    let mut modes = Modes::Both;
    if let ArgValue::Float(_, Some(lambda)) = rule.arg("lambda_init").value {
        if lambda < 0.0 {
            let (blame, text) =
                (rule.blame_of("lambda_init"), format!("`{}`: `lambda_init` must be 0 or more, but is {lambda:?}", rule.shown));
            rule.error(blame, text).help("0 sees every step, 1 the last `k`");
            return Err(());
        }
        if lambda < 1.0 {
            modes = Modes::MultiOnly;
        }
        if lambda < 1.0 && rule.mode == Mode::Step {
            let (blame, subject) = (rule.blame_of("lambda_init"), rule.subject());
            let text = format!("{subject} sees steps still to come while `lambda_init` is {lambda:?}, but is given one step at a time");
            rule.error(blame, text).help("write `lambda_init = 1.0` here, and train it in a net with `step_mode = 'm'`");
            return Err(());
        }
    }
    let k = rule.size("k");
    Ok(Built {
        config: Some(vec![rule.pass("k"), rule.field("T", &steps), rule.pass("lambda_init"), rule.pass("surrogate_function")]),
        weights: vec![("weight", vec![steps.clone(), steps.clone()]), ("bias", vec![steps.clone(), Size::Known(1)])],
        state: Size::product([std::slice::from_ref(&k), rule.input].concat().as_slice()),
        macs: Size::product([&[k], rule.input].concat().as_slice()),
        modes,
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "MaskedPSN")
    })
}

fn sliding_psn(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let k = rule.size("k");
    Ok(Built {
        config: Some(vec![rule.pass("k"), rule.pass("exp_init"), rule.pass("surrogate_function")]),
        weights: vec![("weight", vec![k.clone()]), ("bias", Vec::new())],
        state: Size::product([std::slice::from_ref(&k), rule.input].concat().as_slice()),
        macs: Size::product([&[k], rule.input].concat().as_slice()),
        ..Built::keeps(rule, "SlidingPSN")
    })
}
