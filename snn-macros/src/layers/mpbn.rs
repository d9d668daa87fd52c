//! `MPBNLIFNode`. In: `[F]` or `[C, H, W]`; out: spikes of the same shape; state: one membrane potential per element.

use quote::quote;

use super::args::ArgValue;
use super::neuron::{DETACH_RESET, SURROGATE, V_RESET, V_THRESHOLD, check_tau, literal};
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, State, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "MPBNLIFNode",
    params: &[
        param("tau", Kind::Float, Default::Float(2.0)),
        param("decay_input", Kind::Bool, Default::Bool(false)),
        V_THRESHOLD,
        V_RESET,
        SURROGATE,
        DETACH_RESET,
        param("mpbn", Kind::Bool, Default::Bool(true)),
        param("out_features", Kind::OptInferred, Default::None),
        param("out_channels", Kind::OptInferred, Default::None),
        param("learnable_vth", Kind::Bool, Default::Bool(false)),
    ],
    modes: Modes::Both,
    state: Some(State::Neuron),
    reduces: None,
    frozen: false,
    rule: mpbn_lif,
}];

fn mpbn_lif(rule: &mut Rule<'_>) -> Result<Built, ()> {
    check_tau(rule, "tau")?;
    if let (true, Some(threshold)) = (rule.flag("learnable_vth"), literal(rule, "v_threshold"))
        && threshold <= 0.0
    {
        let (blame, text) =
            (rule.arg("v_threshold").blame, format!("`{}`: `v_threshold` must be greater than 0, but is {threshold:?}", rule.shown));
        rule.error(blame, text).help("a learned threshold is exp(a), and starts at `v_threshold`");
        return Err(());
    }
    let given = |rule: &Rule<'_>, name| !matches!(rule.arg(name).value, ArgValue::None);
    let (features, channels) = (given(rule, "out_features"), given(rule, "out_channels"));
    let (name, axes, what): (_, &[&str], _) = match (features, channels) {
        (true, false) => ("out_features", &["features"], "input features"),
        (false, true) => ("out_channels", &["C", "H", "W"], "input channels"),
        (both, _) => {
            let text = match both {
                true => format!("`{}` is given `out_features` and `out_channels`, but normalises over one of them", rule.shown),
                false => format!("{} is missing `out_features` or `out_channels`", rule.subject()),
            };
            let blame = if both { rule.arg("out_channels").blame } else { rule.blame };
            rule.error(blame, text).help("`out_features = _` is for [features], `out_channels = _` for [C, H, W]");
            return Err(());
        }
    };
    rule.rank(axes)?;
    let size = rule.inferred(name, &rule.input[0], what);
    let normalised = if rule.flag("mpbn") { &["vbn.weight", "vbn.bias"][..] } else { &[] };
    let learned = if rule.flag("learnable_vth") { &["a"][..] } else { &[] };
    let weights = normalised.iter().chain(learned).map(|name| (*name, vec![size.clone()])).collect();
    let option = |given: bool| match given {
        true => quote!(::core::option::Option::Some(#size)),
        false => quote!(::core::option::Option::None),
    };
    let sizes = [rule.field("out_features", option(features)), rule.field("out_channels", option(channels))].into_iter();
    let passed = ["tau", "decay_input", "v_threshold", "v_reset", "surrogate_function", "detach_reset", "mpbn", "learnable_vth"];
    Ok(Built {
        config: Some(sizes.chain(passed.map(|name| rule.pass(name))).collect()),
        weights,
        state: Size::product(rule.input),
        macs: if rule.flag("mpbn") { Size::product(rule.input) } else { Size::Known(0) },
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "MPBNLIFNode")
    })
}
