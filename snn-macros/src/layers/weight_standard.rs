//! `WSConv2d` and `WSLinear`: the weight of each output is standardised. In and out: as of `Conv2d` and `Linear`.

use proc_macro2::Ident;
use quote::{format_ident, quote};

use super::batchnorm::not_negative;
use super::conv::conv;
use super::linear::linear;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, param};
use crate::size::Size;

const GAIN: Param = param("gain", Kind::Bool, Default::Bool(true));
const EPS: Param = param("eps", Kind::Float, Default::Float(1e-4));

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "WSConv2d",
        params: &[
            param("in_channels", Kind::Inferred, Default::Required),
            param("out_channels", Kind::Size, Default::Required),
            param("kernel_size", Kind::Sizes(2), Default::Required),
            param("stride", Kind::Sizes(2), Default::Int(1)),
            param("padding", Kind::Padding(2), Default::Int(0)),
            param("dilation", Kind::Sizes(2), Default::Int(1)),
            param("groups", Kind::Size, Default::Int(1)),
            param("bias", Kind::Bool, Default::Bool(true)),
            // SpikingJelly takes others, and ignores them.
            param("padding_mode", Kind::Choice(&["zeros"]), Default::Text("zeros")),
            GAIN,
            EPS,
        ],
        modes: Modes::Both,
        state: None,
        reduces: None,
        frozen: true,
        rule: |rule| conv(rule, "WSConv2d", 2).and_then(|built| standardised(rule, built, "conv", "Conv2d")),
    },
    LayerSpec {
        name: "WSLinear",
        params: &[
            param("in_features", Kind::Inferred, Default::Required),
            param("out_features", Kind::Size, Default::Required),
            param("bias", Kind::Bool, Default::Bool(true)),
            GAIN,
            EPS,
        ],
        modes: Modes::Both,
        state: None,
        reduces: None,
        frozen: true,
        rule: |rule| linear(rule, "WSLinear").and_then(|built| standardised(rule, built, "linear", "Linear")),
    },
];

/// The layer with standardised weights: its config holds that of the plain one.
fn standardised(rule: &mut Rule<'_>, plain: Built, field: &str, name: &str) -> Result<Built, ()> {
    let Some((_, weight)) = plain.weights.first() else { return Ok(plain) };
    not_negative(rule, "eps")?;
    let (outputs, per_output) = (weight[0].clone(), Size::product(&weight[1..]));
    if per_output.known().is_some_and(|n| n < 2) {
        let text = format!("`{}` standardises the weights of each output, but there is one weight per output", rule.shown);
        let blame = rule.blame;
        rule.error(blame, text).help(format!("use `{name}`"));
        return Err(());
    }
    let mut gain = vec![outputs];
    gain.resize(weight.len(), Size::Known(1));
    let (root, config) = (rule.root, format_ident!("{name}Config"));
    let fields = plain.config.iter().flatten().map(|(name, value)| quote!(#name: #value));
    let inner: (Ident, _) = (format_ident!("{field}"), quote!(#root::#config { #(#fields),* }));
    let mut weights = plain.weights;
    if rule.flag("gain") {
        weights.push(("gain", gain));
    }
    Ok(Built { config: Some(vec![inner, rule.pass("gain"), rule.pass("eps")]), weights, ..plain })
}
