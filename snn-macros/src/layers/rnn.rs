//! Recurrent networks whose gates spike. In: `[input_size]`; out: `[hidden_size]`, twice as wide where both directions are read; state: the
//! last output of each layer, and of an LSTM its memory.

use quote::quote;

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, param};
use crate::size::Size;

const INPUT_SIZE: Param = param("input_size", Kind::Inferred, Default::Required);
const HIDDEN_SIZE: Param = param("hidden_size", Kind::Size, Default::Required);
const NUM_LAYERS: Param = param("num_layers", Kind::Size, Default::Required);
const BIAS: Param = param("bias", Kind::Bool, Default::Bool(true));
const DROPOUT_P: Param = param("dropout_p", Kind::Float, Default::Float(0.0));
const INVARIANT: Param = param("invariant_dropout_mask", Kind::Bool, Default::Bool(false));
const BIDIRECTIONAL: Param = param("bidirectional", Kind::Bool, Default::Bool(false));

const TWO_FUNCTIONS: &[Param] = &[
    INPUT_SIZE,
    HIDDEN_SIZE,
    NUM_LAYERS,
    BIAS,
    DROPOUT_P,
    INVARIANT,
    BIDIRECTIONAL,
    param("surrogate_function1", Kind::Surrogate, Default::SurrogateOf("Erf")),
    param("surrogate_function2", Kind::OptSurrogate, Default::None),
];

const ONE_FUNCTION: &[Param] = &[
    INPUT_SIZE,
    HIDDEN_SIZE,
    NUM_LAYERS,
    BIAS,
    DROPOUT_P,
    INVARIANT,
    BIDIRECTIONAL,
    param("surrogate_function", Kind::Surrogate, Default::SurrogateOf("Erf")),
];

const fn network(name: &'static str, params: &'static [Param], rule: fn(&mut Rule<'_>) -> Result<Built, ()>) -> LayerSpec {
    LayerSpec { name, params, modes: Modes::MultiOnly, state: Some(State::Memory), reduces: None, frozen: false, rule }
}

pub(super) const LAYERS: &[LayerSpec] = &[
    network("SpikingLSTM", TWO_FUNCTIONS, |rule| recurrent(rule, 4, 2)),
    network("SpikingGRU", TWO_FUNCTIONS, |rule| recurrent(rule, 3, 1)),
    network("SpikingVanillaRNN", ONE_FUNCTION, |rule| recurrent(rule, 1, 1)),
];

/// `gates` per cell, and `kept` numbers per output from step to step.
fn recurrent(rule: &mut Rule<'_>, gates: usize, kept: usize) -> Result<Built, ()> {
    rule.rank(&["features"])?;
    if let ArgValue::Float(_, Some(p)) = rule.arg("dropout_p").value
        && !(0.0..1.0).contains(&p)
    {
        let text = format!("`{}`: `dropout_p` is the share that is dropped, from 0 up to but not including 1, but is {p:?}", rule.shown);
        let blame = rule.arg("dropout_p").blame;
        rule.error(blame, text);
        return Err(());
    }
    let input = rule.inferred("input_size", &rule.input[0], "input features");
    let (hidden, layers) = (rule.size("hidden_size"), rule.size("num_layers"));
    let (rows, directions) = (hidden.mul(&gates.into()), if rule.flag("bidirectional") { 2 } else { 1 });
    let output = hidden.mul(&directions.into());
    // The first layer, and all others as one, `cells.l`: they are alike.
    let others = match &layers {
        Size::Known(n) => Size::Known(n.saturating_sub(1)),
        Size::Expr(n) => Size::Expr(quote!((#n - 1))),
    };
    let mut weights = Vec::new();
    let names = [
        ["cells.0.linear_ih.weight", "cells.0.linear_hh.weight", "cells.0.linear_ih.bias", "cells.0.linear_hh.bias"],
        [
            "cells_reverse.0.linear_ih.weight",
            "cells_reverse.0.linear_hh.weight",
            "cells_reverse.0.linear_ih.bias",
            "cells_reverse.0.linear_hh.bias",
        ],
    ];
    let of_others = [
        ["cells.l.linear_ih.weight", "cells.l.linear_hh.weight", "cells.l.linear_ih.bias", "cells.l.linear_hh.bias"],
        [
            "cells_reverse.l.linear_ih.weight",
            "cells_reverse.l.linear_hh.weight",
            "cells_reverse.l.linear_ih.bias",
            "cells_reverse.l.linear_hh.bias",
        ],
    ];
    let biases = if rule.flag("bias") { 4 } else { 2 };
    for direction in 0..directions {
        let shapes = |features: &Size| {
            [vec![rows.clone(), features.clone()], vec![rows.clone(), hidden.clone()], vec![rows.clone()], vec![rows.clone()]]
        };
        weights.extend(names[direction].into_iter().zip(shapes(&input)).take(biases));
        if others.known() != Some(0) {
            let several = shapes(&output).map(|shape| [vec![others.clone()], shape].concat());
            weights.extend(of_others[direction].into_iter().zip(several).take(biases));
        }
    }
    let products = |features: &Size| rows.mul(&features.add(&hidden)).mul(&directions.into());
    let macs = products(&input).add(&products(&output).mul(&others));
    let state = layers.mul(&output).mul(&kept.into());
    let mut config = vec![rule.field("input_size", &input)];
    for param in rule.spec.params.iter().filter(|param| param.name != "input_size") {
        config.push(match (param.kind, &rule.arg(param.name).value) {
            (Kind::OptSurrogate, ArgValue::Surrogate(function, _)) => {
                rule.field(param.name, quote!(::core::option::Option::Some(#function)))
            }
            _ => rule.pass(param.name),
        });
    }
    let checks = std::mem::take(&mut rule.checks);
    Ok(Built { config: Some(config), outputs: vec![vec![output]], weights, macs, state, checks, ..Built::keeps(rule, rule.spec.name) })
}
