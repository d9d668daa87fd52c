//! `Upsample`. In: `[C, ..]` with one to three axes of space; out: `[C, ..]` with the sizes asked for, or so many times as many.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, show, sized};

/// `mode`'s words, the variant of the runtime's `UpsampleMode`, and the axes of space it works on.
const MODES: &[(&str, &str, std::ops::RangeInclusive<usize>)] = &[
    ("nearest", "Nearest", 1..=3),
    ("linear", "Linear", 1..=1),
    ("bilinear", "Bilinear", 2..=2),
    ("bicubic", "Bicubic", 2..=2),
    ("trilinear", "Trilinear", 3..=3),
];

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "Upsample",
    params: &[
        param("size", Kind::OptSpace, Default::None),
        param("scale_factor", Kind::OptFactors, Default::None),
        param("mode", Kind::Choice(&["nearest", "linear", "bilinear", "bicubic", "trilinear"]), Default::Text("nearest")),
        param("align_corners", Kind::OptBool, Default::None),
        param("recompute_scale_factor", Kind::OptBool, Default::None),
    ],
    modes: Modes::Both,
    state: None,
    reduces: None,
    frozen: true,
    rule: upsample,
}];

fn upsample(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let axes = rule.input.len().saturating_sub(1);
    let mode = mode(rule, axes)?;
    let mut out = vec![rule.input[0].clone()];
    match (&rule.arg("size").value, &rule.arg("scale_factor").value) {
        (ArgValue::Sizes(sizes), ArgValue::None) => {
            one_for_each(rule, "size", sizes.len(), axes)?;
            out.extend((0..axes).map(|i| sizes[i % sizes.len()].clone()));
        }
        (ArgValue::None, ArgValue::Factors(factors)) => {
            one_for_each(rule, "scale_factor", factors.len(), axes)?;
            for (i, len) in rule.input[1..].iter().enumerate() {
                out.push(scaled(rule, len, &factors[i % factors.len()])?);
            }
        }
        (sizes, _) => {
            let beside = !matches!(sizes, ArgValue::None);
            let (blame, text) = match beside {
                true => (rule.arg("scale_factor").blame, format!("`{}` gets both `size` and `scale_factor`", rule.shown)),
                false => (rule.blame, format!("`{}` needs `size` or `scale_factor`", rule.shown)),
            };
            let help = if beside { "give one of the two" } else { "`Upsample(scale_factor = 2)` doubles each axis" };
            rule.error(blame, text).help(help);
            return Err(());
        }
    }
    let root = rule.root;
    let option = |value: &ArgValue| match value {
        ArgValue::None => quote!(::core::option::Option::None),
        ArgValue::Bool(b) => quote!(::core::option::Option::Some(#b)),
        ArgValue::Sizes(s) => quote!(::core::option::Option::Some(::std::vec![#(#s),*])),
        ArgValue::Factors(f) => {
            let f = f.iter().map(|(f, _)| f);
            quote!(::core::option::Option::Some(::std::vec![#(#f),*]))
        }
        _ => unreachable!("`bind` made `Upsample`'s arguments sizes, factors and flags"),
    };
    let mut config: Vec<_> = ["size", "scale_factor", "align_corners", "recompute_scale_factor"]
        .map(|name| rule.field(name, option(&rule.arg(name).value)))
        .into();
    config.push(rule.field("mode", quote!(#root::UpsampleMode::#mode)));
    let macs = Size::product(&out);
    Ok(Built { config: Some(config), outputs: vec![out], macs, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, "Upsample") })
}

/// The variant of `mode`, which works on so many axes.
fn mode(rule: &mut Rule<'_>, axes: usize) -> Result<Ident, ()> {
    let ArgValue::Text(word) = &rule.arg("mode").value else { unreachable!("`bind` made `mode` one of its words") };
    let Some((_, variant, works_on)) = MODES.iter().find(|(w, ..)| w == word) else { unreachable!("`bind` knows the words") };
    if !works_on.contains(&axes) {
        let shapes = match works_on.clone() {
            r if r == (1..=1) => "[C, L]",
            r if r == (2..=2) => "[C, H, W]",
            r if r == (3..=3) => "[C, D, H, W]",
            _ => "[C, L], [C, H, W] or [C, D, H, W]",
        };
        let text = format!("`{}`: `mode = {word:?}` needs a {shapes} input, but gets {}", rule.shown, show(rule.input, false));
        let near = MODES.iter().find(|(w, _, on)| on.contains(&axes) && (*w != "nearest" || word == "nearest"));
        let blame = rule.blame_of("mode");
        let d = rule.input_error(blame, text);
        match near {
            Some((near, ..)) => d.help(format!("`mode = {near:?}` works on it")),
            None => d.help("put it before `Flatten()`"),
        };
        return Err(());
    }
    let without_meaning = match () {
        () if word == "nearest" && !matches!(rule.arg("align_corners").value, ArgValue::None) => {
            Some(("align_corners", "for the nearest cell"))
        }
        () if matches!(rule.arg("size").value, ArgValue::Sizes(_)) && rule.flag("recompute_scale_factor") => {
            Some(("recompute_scale_factor", "where `size` is given"))
        }
        () => None,
    };
    if let Some((name, why)) = without_meaning {
        let (blame, text) = (rule.arg(name).blame, format!("`{}`: `{name}` has no meaning {why}", rule.shown));
        rule.error(blame, text).help("remove it");
        return Err(());
    }
    Ok(Ident::new(variant, Span::call_site()))
}

fn one_for_each(rule: &mut Rule<'_>, name: &str, given: usize, axes: usize) -> Result<(), ()> {
    if given == 1 || given == axes {
        return Ok(());
    }
    let axes = if axes == 1 { "one axis".to_string() } else { format!("{axes} axes") };
    let text = format!("`{}`: `{name}` has {given} values for {axes} of space", rule.shown);
    let blame = rule.arg(name).blame;
    rule.input_error(blame, text).help("give one for each axis, or one for all of them");
    Err(())
}

/// `floor(len * factor)`
fn scaled(rule: &mut Rule<'_>, len: &Size, (factor, value): &(TokenStream, Option<f64>)) -> Result<Size, ()> {
    let (Some(n), Some(f)) = (len.known(), *value) else {
        return Ok(rule.later("upsample", &[quote!(#len), factor.clone()]));
    };
    if let Some(n) = snn_shape::upsample(n, f) {
        return Ok(Size::Known(n));
    }
    let blame = rule.arg("scale_factor").blame;
    let text = format!("`{}`: `scale_factor = {f:?}` leaves nothing of the {}", rule.shown, sized("input", &rule.input[1..]));
    rule.input_error(blame, text).help("use a larger factor");
    Err(())
}
