//! Convolutions over one to three axes of space. In: `[C, ..]`; out: `[out_channels, ..]` by `snn_shape::conv`.

use quote::quote;

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::Size;

/// `padding_mode`'s words.
const PADDING_MODES: &[&str] = &["zeros", "reflect", "replicate", "circular"];

macro_rules! rows {
    ($($name:literal over $axes:literal),+ $(,)?) => {
        &[$(LayerSpec {
            name: $name,
            params: &[
                param("in_channels", Kind::Inferred, Default::Required),
                param("out_channels", Kind::Size, Default::Required),
                param("kernel_size", Kind::Sizes($axes), Default::Required),
                param("stride", Kind::Sizes($axes), Default::Int(1)),
                param("padding", Kind::Padding($axes), Default::Int(0)),
                param("dilation", Kind::Sizes($axes), Default::Int(1)),
                param("groups", Kind::Size, Default::Int(1)),
                param("bias", Kind::Bool, Default::Bool(true)),
                param("padding_mode", Kind::Choice(PADDING_MODES), Default::Text("zeros")),
            ],
            modes: Modes::Both,
            state: None,
            reduces: None,
            frozen: true,
            rule: |rule| conv(rule, $name, $axes),
        }),+]
    };
}

pub(super) const LAYERS: &[LayerSpec] = rows!["Conv1d" over 1, "Conv2d" over 2, "Conv3d" over 3];

/// (low, high) for each axis.
type Padding = Vec<(Size, Size)>;

pub(super) fn conv(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    rule.space(axes)?;
    let space = &rule.input[1..];
    let in_channels = rule.inferred("in_channels", &rule.input[0], "input channels");
    let (out_channels, groups) = (rule.size("out_channels"), rule.size("groups"));
    let (kernel, stride, dilation) = (rule.sizes("kernel_size"), rule.sizes("stride"), rule.sizes("dilation"));
    let padding = padding(rule, &kernel, &stride, &dilation)?;
    groups_divide(rule, "in_channels", &in_channels, &groups)?;
    groups_divide(rule, "out_channels", &out_channels, &groups)?;

    let mut out = vec![out_channels.clone()];
    for (i, len) in space.iter().enumerate() {
        let pad = padding[i].0.add(&padding[i].1);
        let sizes = [len.clone(), kernel[i].clone(), stride[i].clone(), pad, dilation[i].clone()];
        match rule.formula("conv", &sizes, &[], |n| snn_shape::conv(n[0], n[1], n[2], n[3], n[4])) {
            Some(n) => out.push(n),
            None => {
                does_not_fit(rule, &kernel, &dilation, &padding);
                return Err(());
            }
        }
    }
    pads_inside(rule, &padding)?;

    let mut weight = vec![out_channels.clone(), in_channels.div(&groups)];
    weight.extend(kernel.iter().cloned());
    let macs = Size::product(&weight).mul(&Size::product(&out[1..]));
    let mut weights = vec![("weight", weight)];
    if rule.flag("bias") {
        weights.push(("bias", vec![out_channels]));
    }
    let pads = padding.iter().map(|(l, r)| quote!([#l, #r]));
    let mode = padding_mode(rule);
    let config = vec![
        rule.field("in_channels", &in_channels),
        rule.pass("out_channels"),
        rule.pass("kernel_size"),
        rule.pass("stride"),
        rule.field("padding", quote!([#(#pads),*])),
        rule.pass("dilation"),
        rule.pass("groups"),
        rule.pass("bias"),
        rule.field("padding_mode", mode),
    ];
    let checks = std::mem::take(&mut rule.checks);
    Ok(Built { config: Some(config), outputs: vec![out], weights, macs, checks, ..Built::keeps(rule, ty) })
}

fn padding(rule: &mut Rule<'_>, kernel: &[Size], stride: &[Size], dilation: &[Size]) -> Result<Padding, ()> {
    let arg = rule.arg("padding");
    match &arg.value {
        ArgValue::Sizes(s) => Ok(s.iter().map(|p| (p.clone(), p.clone())).collect()),
        ArgValue::Text(word) if word == "valid" => Ok(vec![(Size::Known(0), Size::Known(0)); kernel.len()]),
        _ => {
            if stride.iter().any(|s| s.differs(&Size::Known(1))) {
                let text = format!("`{}`: `padding = \"same\"` keeps the size, but `stride` shrinks it", rule.shown);
                rule.error(arg.blame, text).help("use `stride = 1`, or give `padding` as a size");
                return Err(());
            }
            let one = |(k, d): (&Size, &Size)| match (k.known(), d.known()) {
                (Some(k), Some(d)) => {
                    let (l, r) = snn_shape::same_padding(k, d);
                    (Size::Known(l), Size::Known(r))
                }
                _ => {
                    let root = rule.root;
                    let side = |side: proc_macro2::TokenStream| Size::Expr(quote!(#root::shape::same_padding(#k, #d).#side));
                    (side(quote!(0)), side(quote!(1)))
                }
            };
            Ok(kernel.iter().zip(dilation).map(one).collect())
        }
    }
}

pub(super) fn groups_divide(rule: &mut Rule<'_>, name: &str, channels: &Size, groups: &Size) -> Result<(), ()> {
    if rule.divides(channels, groups, "groups") {
        return Ok(());
    }
    let text = format!("`{}`: `groups = {groups}` does not divide `{name}`, which is {channels}", rule.shown);
    let blame = rule.arg("groups").blame;
    rule.error(blame, text).help(format!("make `{name}` a multiple of {groups}"));
    Err(())
}

fn does_not_fit(rule: &mut Rule<'_>, kernel: &[Size], dilation: &[Size], padding: &[(Size, Size)]) {
    let text = rule.does_not_fit("kernel", kernel, dilation);
    // The smallest padding on both sides of every axis that would do.
    let lacks = rule.input[1..].iter().enumerate().filter_map(|(i, len)| {
        let reach = dilation[i].known()? * (kernel[i].known()?.saturating_sub(1)) + 1;
        Some(reach.saturating_sub(len.known()?).div_ceil(2))
    });
    let pad = lacks.max().unwrap_or(0).max(padding.iter().filter_map(|p| p.0.known()).max().unwrap_or(0));
    let blame = rule.arg("kernel_size").blame;
    rule.input_error(blame, text).help(format!("use a smaller kernel, or `padding = {pad}`"));
}

/// Reflection and wrapping need as many cells as they copy.
fn pads_inside(rule: &mut Rule<'_>, padding: &[(Size, Size)]) -> Result<(), ()> {
    let ArgValue::Text(mode) = &rule.arg("padding_mode").value else { return Ok(()) };
    let allowed = match mode.as_str() {
        "reflect" => 0,
        "circular" => 1,
        _ => return Ok(()),
    };
    for (len, (l, r)) in rule.input[1..].iter().zip(padding) {
        let pad = l.known().max(r.known());
        if let (Some(len), Some(pad)) = (len.known(), pad)
            && pad >= len + allowed
        {
            let text =
                format!("`{}`: `padding_mode = {mode:?}` needs padding below the input's size, but gets {pad} for {len}", rule.shown);
            let blame = rule.arg("padding").blame;
            rule.input_error(blame, text).help("use less padding, or `padding_mode = \"zeros\"`");
            return Err(());
        }
    }
    Ok(())
}

fn padding_mode(rule: &Rule<'_>) -> proc_macro2::TokenStream {
    let root = rule.root;
    match &rule.arg("padding_mode").value {
        ArgValue::Text(mode) => match mode.as_str() {
            "reflect" => quote!(#root::PaddingMode::Reflect),
            "replicate" => quote!(#root::PaddingMode::Replicate),
            "circular" => quote!(#root::PaddingMode::Circular),
            _ => quote!(#root::PaddingMode::Zeros),
        },
        _ => quote!(#root::PaddingMode::Zeros),
    }
}
