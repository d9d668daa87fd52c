//! Pools. In: `[C, H, W]`; out: `[C, H', W']` by `snn_shape::pool`; `MaxPool2d(return_indices = true)` gives the indices as well.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::Size;

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "MaxPool2d",
        params: &[
            param("kernel_size", Kind::Sizes(2), Default::Required),
            param("stride", Kind::OptSizes(2), Default::None),
            param("padding", Kind::Zeros(2), Default::Int(0)),
            param("dilation", Kind::Sizes(2), Default::Int(1)),
            param("return_indices", Kind::Bool, Default::Bool(false)),
            param("ceil_mode", Kind::Bool, Default::Bool(false)),
        ],
        modes: Modes::Both,
        state: None,
        reduces: None,
        rule: |rule| max_pool(rule, ["MaxPool2d", "MaxPool2dWithIndices"], &["C", "H", "W"]),
    },
    LayerSpec {
        name: "AvgPool2d",
        params: &[
            param("kernel_size", Kind::Sizes(2), Default::Required),
            param("stride", Kind::OptSizes(2), Default::None),
            param("padding", Kind::Zeros(2), Default::Int(0)),
            param("ceil_mode", Kind::Bool, Default::Bool(false)),
            param("count_include_pad", Kind::Bool, Default::Bool(true)),
            param("divisor_override", Kind::OptSize, Default::None),
        ],
        modes: Modes::Both,
        state: None,
        reduces: None,
        rule: |rule| avg_pool(rule, "AvgPool2d", &["C", "H", "W"]),
    },
];

/// The pool's window, settled: `stride = None` means the kernel's own size.
struct Window {
    kernel: Vec<Size>,
    stride: Vec<Size>,
    padding: Vec<Size>,
}

fn window(rule: &Rule<'_>) -> Window {
    let kernel = rule.sizes("kernel_size");
    let stride = match &rule.arg("stride").value {
        ArgValue::Sizes(s) => s.clone(),
        _ => kernel.clone(),
    };
    Window { kernel, stride, padding: rule.sizes("padding") }
}

fn pooled(rule: &mut Rule<'_>, w: &Window, dilation: &[Size], axes: &[&str]) -> Result<Vec<Size>, ()> {
    rule.rank(axes)?;
    let ceil = rule.flag("ceil_mode");
    for (k, p) in w.kernel.iter().zip(&w.padding) {
        if let (Some(k), Some(p)) = (k.known(), p.known())
            && p > k / 2
        {
            let text = format!("`{}`: `padding` must be at most half the window, but is {p} for a window of {k}", rule.shown);
            let blame = rule.arg("padding").blame;
            rule.error(blame, text).help(format!("use `padding = {}`, or a larger window", k / 2));
            return Err(());
        }
    }
    let mut out = vec![rule.input[0].clone()];
    for (i, len) in rule.input[1..].iter().enumerate() {
        let sizes = [len.clone(), w.kernel[i].clone(), w.stride[i].clone(), w.padding[i].clone(), dilation[i].clone()];
        match rule.formula("pool", &sizes, &[ceil], |n| snn_shape::pool(n[0], n[1], n[2], n[3], n[4], ceil)) {
            Some(n) => out.push(n),
            None => {
                let by = |s: &[Size]| s.iter().map(Size::to_string).collect::<Vec<_>>().join("x");
                let text = format!("`{}`: a {} window does not fit the {} input", rule.shown, by(&w.kernel), by(&rule.input[1..]));
                let blame = rule.arg("kernel_size").blame;
                rule.input_error(blame, text).help("use a smaller window");
                return Err(());
            }
        }
    }
    Ok(out)
}

fn max_pool(rule: &mut Rule<'_>, [plain, with_indices]: [&'static str; 2], axes: &[&str]) -> Result<Built, ()> {
    let w = window(rule);
    let dilation = rule.sizes("dilation");
    let out = pooled(rule, &w, &dilation, axes)?;
    let config = vec![
        rule.pass("kernel_size"),
        rule.field("stride", list(&w.stride)),
        rule.pass("padding"),
        rule.pass("dilation"),
        rule.pass("ceil_mode"),
    ];
    let (ty, outputs) = if rule.flag("return_indices") { (with_indices, vec![out.clone(), out]) } else { (plain, vec![out]) };
    Ok(Built { config: Some(config), outputs, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}

fn avg_pool(rule: &mut Rule<'_>, ty: &'static str, axes: &[&str]) -> Result<Built, ()> {
    let w = window(rule);
    let out = pooled(rule, &w, &vec![Size::Known(1); w.kernel.len()], axes)?;
    let divisor = match &rule.arg("divisor_override").value {
        ArgValue::Size(n) => quote::quote!(::core::option::Option::Some(#n)),
        _ => quote::quote!(::core::option::Option::None),
    };
    let config = vec![
        rule.pass("kernel_size"),
        rule.field("stride", list(&w.stride)),
        rule.pass("padding"),
        rule.pass("ceil_mode"),
        rule.pass("count_include_pad"),
        rule.field("divisor_override", divisor),
    ];
    let macs = Size::product(&out).mul(&Size::product(&w.kernel));
    Ok(Built { config: Some(config), outputs: vec![out], macs, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}

fn list(sizes: &[Size]) -> proc_macro2::TokenStream {
    quote::quote!([#(#sizes),*])
}
