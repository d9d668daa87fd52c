//! Transposed convolutions over one to three axes of space. In: `[C, ..]`; out: `[out_channels, ..]` by
//! `snn_shape::conv_transpose`.

use super::conv::groups_divide;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, by};

macro_rules! rows {
    ($($name:literal over $axes:literal),+ $(,)?) => {
        &[$(LayerSpec {
            name: $name,
            params: &[
                param("in_channels", Kind::Inferred, Default::Required),
                param("out_channels", Kind::Size, Default::Required),
                param("kernel_size", Kind::Sizes($axes), Default::Required),
                param("stride", Kind::Sizes($axes), Default::Int(1)),
                param("padding", Kind::Zeros($axes), Default::Int(0)),
                param("output_padding", Kind::Zeros($axes), Default::Int(0)),
                param("groups", Kind::Size, Default::Int(1)),
                param("bias", Kind::Bool, Default::Bool(true)),
                param("dilation", Kind::Sizes($axes), Default::Int(1)),
                // torch has the argument, and one value for it.
                param("padding_mode", Kind::Choice(&["zeros"]), Default::Text("zeros")),
            ],
            modes: Modes::Both,
            state: None,
            reduces: None,
            frozen: true,
            rule: |rule| conv_transpose(rule, $name, $axes),
        }),+]
    };
}

pub(super) const LAYERS: &[LayerSpec] = rows!["ConvTranspose1d" over 1, "ConvTranspose2d" over 2, "ConvTranspose3d" over 3];

fn conv_transpose(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    rule.space(axes)?;
    let space = &rule.input[1..];
    let in_channels = rule.inferred("in_channels", &rule.input[0], "input channels");
    let (out_channels, groups) = (rule.size("out_channels"), rule.size("groups"));
    let (kernel, stride, dilation) = (rule.sizes("kernel_size"), rule.sizes("stride"), rule.sizes("dilation"));
    let (padding, added) = (rule.sizes("padding"), rule.sizes("output_padding"));
    groups_divide(rule, "in_channels", &in_channels, &groups)?;
    groups_divide(rule, "out_channels", &out_channels, &groups)?;
    for (i, added) in added.iter().enumerate() {
        added_below(rule, added, &stride[i], &dilation[i])?;
    }

    let mut out = vec![out_channels.clone()];
    for (i, len) in space.iter().enumerate() {
        let pad = padding[i].add(&padding[i]);
        let sizes = [len.clone(), kernel[i].clone(), stride[i].clone(), pad, dilation[i].clone(), added[i].clone()];
        match rule.formula("conv_transpose", &sizes, &[], |n| snn_shape::conv_transpose(n[0], n[1], n[2], n[3], n[4], n[5])) {
            Some(n) => out.push(n),
            None => {
                let text = format!("`{}`: nothing is left once `padding` cuts {} cells off each side", rule.shown, by(&padding));
                let blame = rule.blame_of("padding");
                rule.input_error(blame, text).help("use less padding, or a larger kernel");
                return Err(());
            }
        }
    }

    let mut weight = vec![in_channels.clone(), out_channels.div(&groups)];
    weight.extend(kernel.iter().cloned());
    let macs = Size::product(&weight).mul(&Size::product(space));
    let mut weights = vec![("weight", weight)];
    if rule.flag("bias") {
        weights.push(("bias", vec![out_channels]));
    }
    let config = vec![
        rule.field("in_channels", &in_channels),
        rule.pass("out_channels"),
        rule.pass("kernel_size"),
        rule.pass("stride"),
        rule.pass("padding"),
        rule.pass("output_padding"),
        rule.pass("groups"),
        rule.pass("bias"),
        rule.pass("dilation"),
    ];
    let checks = std::mem::take(&mut rule.checks);
    Ok(Built { config: Some(config), outputs: vec![out], weights, macs, checks, ..Built::keeps(rule, ty) })
}

/// What is added at the far end stays below the stride or the dilation.
fn added_below(rule: &mut Rule<'_>, added: &Size, stride: &Size, dilation: &Size) -> Result<(), ()> {
    if let (Some(a), Some(s), Some(d)) = (added.known(), stride.known(), dilation.known())
        && a >= s.max(d)
    {
        let text = format!("`{}`: `output_padding` must be smaller than `stride`, {s}, or `dilation`, {d}, but is {a}", rule.shown);
        let blame = rule.blame_of("output_padding");
        rule.error(blame, text).help(match s.max(d) {
            1 => "leave it out, or use a larger `stride`".to_string(),
            most => format!("use `output_padding = {}`, or a larger `stride`", most - 1),
        });
        return Err(());
    }
    Ok(())
}
