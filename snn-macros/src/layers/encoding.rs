//! Encoders: numbers as spikes. In: any shape; out: the same shape, spikes at every step; state: the round that is replayed.

use quote::quote;

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

/// `enc_function`'s words.
const CODES: &[&str] = &["linear", "log"];

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "LatencyEncoder",
        params: &[param("T", Kind::Inferred, Default::Required), param("enc_function", Kind::Choice(CODES), Default::Text("linear"))],
        modes: Modes::Both,
        state: Some(State::Memory),
        reduces: None,
        frozen: false,
        rule: |rule| {
            let root = rule.root;
            let code = match &rule.arg("enc_function").value {
                ArgValue::Text(word) if word == "log" => quote!(#root::encoding::Latency::Log),
                _ => quote!(#root::encoding::Latency::Linear),
            };
            let code = rule.field("enc_function", code);
            let steps = round(rule, "T");
            encoder(rule, "LatencyEncoder", vec![rule.field("T", &steps), code], &steps)
        },
    },
    LayerSpec {
        name: "WeightedPhaseEncoder",
        params: &[param("K", Kind::Inferred, Default::Required)],
        modes: Modes::Both,
        state: Some(State::Memory),
        reduces: None,
        frozen: false,
        rule: |rule| {
            let digits = round(rule, "K");
            encoder(rule, "WeightedPhaseEncoder", vec![rule.field("K", &digits)], &digits)
        },
    },
    LayerSpec {
        name: "PoissonEncoder",
        params: &[],
        modes: Modes::Both,
        state: Some(State::Draws),
        reduces: None,
        frozen: false,
        rule: |rule| Ok(Built::keeps(rule, "PoissonEncoder")),
    },
];

/// The steps of a round: any number, as it is replayed; `_` is the net's `T`.
fn round(rule: &Rule<'_>, name: &str) -> Size {
    match &rule.arg(name).value {
        ArgValue::Size(steps) => steps.clone(),
        _ => rule.steps.clone(),
    }
}

fn encoder(
    rule: &mut Rule<'_>,
    ty: &'static str,
    config: Vec<(proc_macro2::Ident, proc_macro2::TokenStream)>,
    steps: &Size,
) -> Result<Built, ()> {
    let state = steps.mul(&Size::product(rule.input));
    Ok(Built { config: Some(config), state, ..Built::keeps(rule, ty) })
}
