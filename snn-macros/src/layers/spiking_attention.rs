//! Attention made of spikes. In: `[dim, L]`, tokens, or `[dim, H, W]`; out: the same shape; state: the potentials of its neurons.

use quote::quote;

use super::args::ArgValue;
use super::neuron::check_tau;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, State, param};
use crate::size::Size;

const PARAMS: &[Param] = &[
    param("dim", Kind::Inferred, Default::Required),
    param("num_heads", Kind::Size, Default::Int(8)),
    param("tau", Kind::Float, Default::Float(2.0)),
    param("decay_input", Kind::Bool, Default::Bool(true)),
    param("v_threshold", Kind::OptFloat, Default::None),
    param("v_reset", Kind::OptFloat, Default::Float(0.0)),
    param("surrogate_function", Kind::Surrogate, Default::Surrogate),
    param("detach_reset", Kind::Bool, Default::Bool(true)),
];

const fn attention(name: &'static str, rule: fn(&mut Rule<'_>) -> Result<Built, ()>) -> LayerSpec {
    LayerSpec { name, params: PARAMS, modes: Modes::MultiOnly, state: Some(State::Memory), reduces: None, frozen: false, rule }
}

pub(super) const LAYERS: &[LayerSpec] = &[
    attention("SpikingSelfAttention", |rule| {
        let (c, heads, space) = sizes(rule, &["C", "L"])?;
        let (qkv, head, dim) = (c.mul(&3.into()), c.div(&heads), c.clone());
        let weights = [projection(["qkv_conv_bn.0.weight", "qkv_conv_bn.1.weight", "qkv_conv_bn.1.bias"], &qkv, &dim, 1), proj(&dim)];
        let macs = qkv.mul(&dim).add(&dim.mul(&dim)).add(&dim.mul(&head).mul(&2.into())).mul(&space);
        let state = qkv.add(&dim.mul(&2.into())).mul(&space);
        Ok(built(rule, "SpikingSelfAttention", &dim, weights.concat(), macs, state))
    }),
    attention("TokenQKAttention", |rule| {
        let (c, heads, space) = sizes(rule, &["C", "L"])?;
        query_key(rule, "TokenQKAttention", &c, &space, &heads.mul(&space))
    }),
    attention("ChannelQKAttention", |rule| {
        let (c, _, space) = sizes(rule, &["C", "L"])?;
        query_key(rule, "ChannelQKAttention", &c, &space, &c)
    }),
    attention("SpikeDrivenSelfAttention", |rule| {
        let (c, _, space) = sizes(rule, &["C", "H", "W"])?;
        let weights = [
            projection(["q_conv.weight", "q_bn.weight", "q_bn.bias"], &c, &c, 2),
            projection(["k_conv.weight", "k_bn.weight", "k_bn.bias"], &c, &c, 2),
            projection(["v_conv.weight", "v_bn.weight", "v_bn.bias"], &c, &c, 2),
            projection(["proj_conv.weight", "proj_bn.weight", "proj_bn.bias"], &c, &c, 2),
            vec![("proj_conv.bias", vec![c.clone()])],
        ];
        let macs = c.mul(&c).mul(&4.into()).add(&c.mul(&2.into())).mul(&space);
        let state = c.mul(&space).mul(&4.into()).add(&c);
        Ok(built(rule, "SpikeDrivenSelfAttention", &c, weights.concat(), macs, state))
    }),
];

/// Channels, heads and places, once the arguments are right.
fn sizes(rule: &mut Rule<'_>, axes: &[&str]) -> Result<(Size, Size, Size), ()> {
    rule.rank(axes)?;
    check_tau(rule, "tau")?;
    let (dim, heads) = (rule.inferred("dim", &rule.input[0], "input channels"), rule.size("num_heads"));
    if !rule.divides(&dim, &heads, "num_heads") {
        let text = format!("`{}`: `num_heads = {heads}` does not divide `dim`, which is {dim}", rule.shown);
        let blame = rule.blame_of("num_heads");
        rule.error(blame, text).help(format!("make `dim` a multiple of {heads}"));
        return Err(());
    }
    let space = Size::product(&rule.input[1..]);
    Ok((dim, heads, space))
}

type Weights = Vec<(&'static str, Vec<Size>)>;

/// A one-cell convolution over `axes` axes of space, and the batch normalisation behind it.
fn projection([conv, scale, shift]: [&'static str; 3], out: &Size, dim: &Size, axes: usize) -> Weights {
    let kernel = [vec![out.clone(), dim.clone()], vec![1.into(); axes]].concat();
    vec![(conv, kernel), (scale, vec![out.clone()]), (shift, vec![out.clone()])]
}

fn proj(dim: &Size) -> Weights {
    projection(["proj_conv_bn.0.weight", "proj_conv_bn.1.weight", "proj_conv_bn.1.bias"], dim, dim, 1)
}

/// `masks` is the size of the neuron behind the sum of queries.
fn query_key(rule: &mut Rule<'_>, ty: &'static str, dim: &Size, space: &Size, masks: &Size) -> Result<Built, ()> {
    let qk = dim.mul(&2.into());
    let weights = [projection(["qk_conv_bn.0.weight", "qk_conv_bn.1.weight", "qk_conv_bn.1.bias"], &qk, dim, 1), proj(dim)];
    let macs = qk.mul(dim).add(&dim.mul(dim)).add(&qk).mul(space);
    let state = qk.add(dim).mul(space).add(masks);
    Ok(built(rule, ty, dim, weights.concat(), macs, state))
}

fn built(rule: &mut Rule<'_>, ty: &'static str, dim: &Size, weights: Weights, macs: Size, state: Size) -> Built {
    // The net's own threshold is a float, the argument may be `None`.
    let v_threshold = match &rule.arg("v_threshold").value {
        ArgValue::None => quote!(::core::option::Option::None),
        _ => {
            let value = rule.arg("v_threshold");
            quote!(::core::convert::Into::<::core::option::Option<f64>>::into(#value))
        }
    };
    let mut config = vec![rule.field("dim", dim), rule.field("v_threshold", v_threshold)];
    config.extend(["num_heads", "tau", "decay_input", "v_reset", "surrogate_function", "detach_reset"].map(|name| rule.pass(name)));
    Built { config: Some(config), weights, macs, state, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) }
}
