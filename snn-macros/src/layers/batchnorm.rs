//! Batch normalisation, and its kin that know of time. In: `[C, ..]` with one to three axes of space, or `[C]`; out: the same
//! shape.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, param};
use crate::size::{Size, show};

const NUM_FEATURES: Param = param("num_features", Kind::Inferred, Default::Required);
const EPS: Param = param("eps", Kind::Float, Default::Float(1e-5));
const MOMENTUM: Param = param("momentum", Kind::OptFloat, Default::Float(0.1));
const AFFINE: Param = param("affine", Kind::Bool, Default::Bool(true));
const TRACK_RUNNING_STATS: Param = param("track_running_stats", Kind::Bool, Default::Bool(true));

/// What a batch normalisation of another kind has before `num_features`.
const ALPHA: Param = param("alpha", Kind::Float, Default::Required);
const V_TH: Param = param("v_th", Kind::Float, Default::Required);
const STEPS: Param = param("T", Kind::Inferred, Default::Required);

macro_rules! row {
    ($rule:ident, $name:literal over $axes:literal, [$($first:expr),*], $modes:expr, $state:expr, frozen: $frozen:literal) => {
        LayerSpec {
            name: $name,
            params: &[$($first,)* NUM_FEATURES, EPS, MOMENTUM, AFFINE, TRACK_RUNNING_STATS],
            modes: $modes,
            state: $state,
            reduces: None,
            frozen: $frozen,
            rule: |rule| $rule(rule, $name, $axes),
        }
    };
}

pub(super) const LAYERS: &[LayerSpec] = &[
    row!(batch_norm, "BatchNorm1d" over 1, [], Modes::Both, None, frozen: true),
    row!(batch_norm, "BatchNorm2d" over 2, [], Modes::Both, None, frozen: true),
    row!(batch_norm, "BatchNorm3d" over 3, [], Modes::Both, None, frozen: true),
    // Its weight starts at `alpha * v_th`.
    row!(threshold_dependent, "ThresholdDependentBatchNorm1d" over 1, [ALPHA, V_TH], Modes::MultiOnly, None, frozen: true),
    row!(threshold_dependent, "ThresholdDependentBatchNorm2d" over 2, [ALPHA, V_TH], Modes::MultiOnly, None, frozen: true),
    row!(threshold_dependent, "ThresholdDependentBatchNorm3d" over 3, [ALPHA, V_TH], Modes::MultiOnly, None, frozen: true),
    // A learned scale for each step.
    row!(temporal_effective, "TemporalEffectiveBatchNorm1d" over 1, [STEPS], Modes::MultiOnly, None, frozen: false),
    row!(temporal_effective, "TemporalEffectiveBatchNorm2d" over 2, [STEPS], Modes::MultiOnly, None, frozen: false),
    row!(temporal_effective, "TemporalEffectiveBatchNorm3d" over 3, [STEPS], Modes::MultiOnly, None, frozen: false),
    // A batch normalisation for each step.
    row!(through_time, "BatchNormThroughTime1d" over 1, [STEPS], Modes::Both, Some(State::Memory), frozen: false),
    row!(through_time, "BatchNormThroughTime2d" over 2, [STEPS], Modes::Both, Some(State::Memory), frozen: false),
    row!(through_time, "BatchNormThroughTime3d" over 3, [STEPS], Modes::Both, Some(State::Memory), frozen: false),
];

fn batch_norm(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    let ranks = rule.input.len();
    match axes {
        // Features alone are a series of length 1.
        1 if ranks == 1 || ranks == 2 => {}
        1 => return wrong_rank(rule, "[C] or [C, L]", if ranks == 0 { None } else { Some(ranks - 1) }),
        2 if ranks == 1 => return wrong_rank(rule, "[C, H, W]", Some(1)),
        3 if ranks == 1 => return wrong_rank(rule, "[C, D, H, W]", Some(1)),
        _ => rule.space(axes)?,
    }
    let num_features = rule.inferred("num_features", &rule.input[0], "input channels");
    not_negative(rule, "eps")?;
    if let ArgValue::Float(_, Some(momentum)) = rule.arg("momentum").value
        && !(0.0..=1.0).contains(&momentum)
    {
        let text = format!("`{}`: `momentum` is the share of the new batch, from 0 to 1, but is {momentum:?}", rule.shown);
        let blame = rule.arg("momentum").blame;
        rule.error(blame, text).help("`None` averages over all batches");
        return Err(());
    }
    let weights = match rule.flag("affine") {
        true => vec![("weight", vec![num_features.clone()]), ("bias", vec![num_features.clone()])],
        false => Vec::new(),
    };
    let config = vec![
        rule.field("num_features", &num_features),
        rule.pass("eps"),
        rule.pass("momentum"),
        rule.pass("affine"),
        rule.pass("track_running_stats"),
    ];
    let (macs, checks) = (Size::product(rule.input), std::mem::take(&mut rule.checks));
    // It normalises by the statistics of the batch then: there are none to fold.
    let only_libtorch = (!rule.flag("track_running_stats")).then_some("track_running_stats = false");
    Ok(Built { config: Some(config), weights, macs, checks, only_libtorch, scales_channels: true, ..Built::keeps(rule, ty) })
}

/// `works` is the number of axes for which there is a layer that takes what arrives.
fn wrong_rank(rule: &mut Rule<'_>, wants: &str, works: Option<usize>) -> Result<Built, ()> {
    let arrives = show(rule.input, false);
    let text = format!("{} needs a {wants} input, but gets {arrives}", rule.subject());
    let (blame, family) = (rule.blame, &rule.spec.name[..rule.spec.name.len() - 2]);
    let d = rule.input_error(blame, text);
    if let Some(axes) = works.filter(|axes| (1..=3).contains(axes)) {
        d.help(format!("`{family}{axes}d` takes {arrives}"));
    }
    Err(())
}

fn threshold_dependent(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    let bn = batch_norm(rule, ty, axes)?;
    if !rule.flag("affine") {
        let text = format!("`{}`: `alpha * v_th` is where its weight starts, but `affine = false` leaves it without", rule.shown);
        let blame = rule.arg("affine").blame;
        rule.error(blame, text).help("remove `affine`, or use a plain `BatchNorm`");
        return Err(());
    }
    let fields = [rule.pass("alpha"), rule.pass("v_th")];
    Ok(wrapped(rule, bn, fields))
}

fn temporal_effective(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    let steps = rule.inferred_steps("T");
    let bn = batch_norm(rule, ty, axes)?;
    let fields = [(format_ident!("steps"), quote!(#steps))];
    let mut built = Built { scales_channels: false, ..wrapped(rule, bn, fields) };
    built.weights.push(("scale", vec![steps]));
    Ok(built)
}

fn through_time(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    let steps = rule.inferred_steps("T");
    let bn = batch_norm(rule, ty, axes)?;
    let fields = [(format_ident!("steps"), quote!(#steps))];
    let mut built = Built { scales_channels: false, ..wrapped(rule, bn, fields) };
    // One weight for each step, and no bias.
    built.weights = match rule.flag("affine") {
        true => vec![("bn_list.weight", vec![steps, rule.input[0].clone()])],
        false => Vec::new(),
    };
    Ok(built)
}

/// The config of a batch normalisation inside that of `ty`, beside fields of its own.
fn wrapped(rule: &Rule<'_>, bn: Built, own: impl IntoIterator<Item = (Ident, TokenStream)>) -> Built {
    let (root, fields) = (rule.root, bn.config.iter().flatten().map(|(name, value)| quote!(#name: #value)));
    let inner = quote!(#root::BatchNormConfig { #(#fields),* });
    let config = own.into_iter().chain([(format_ident!("bn"), inner)]).collect();
    Built { config: Some(config), ..bn }
}

/// A number that is added to a variance.
pub(super) fn not_negative(rule: &mut Rule<'_>, name: &str) -> Result<(), ()> {
    if let ArgValue::Float(_, Some(x)) = rule.arg(name).value
        && x < 0.0
    {
        let (blame, text) = (rule.arg(name).blame, format!("`{}`: `{name}` must not be negative, but is {x:?}", rule.shown));
        rule.error(blame, text);
        return Err(());
    }
    Ok(())
}
