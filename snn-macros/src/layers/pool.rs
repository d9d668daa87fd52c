//! Pools over one to three axes of space. In: `[C, ..]`; out: `[C, ..]` by `snn_shape::pool`; `return_indices = true` gives the
//! indices of the maxima as well.

use quote::quote;

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::Size;

macro_rules! max_rows {
    ($($name:literal $with_indices:literal over $axes:literal),+ $(,)?) => {
        &[$(LayerSpec {
            name: $name,
            params: &[
                param("kernel_size", Kind::Sizes($axes), Default::Required),
                param("stride", Kind::OptSizes($axes), Default::None),
                param("padding", Kind::Zeros($axes), Default::Int(0)),
                param("dilation", Kind::Sizes($axes), Default::Int(1)),
                param("return_indices", Kind::Bool, Default::Bool(false)),
                param("ceil_mode", Kind::Bool, Default::Bool(false)),
            ],
            modes: Modes::Both,
            state: None,
            reduces: None,
            frozen: true,
            rule: |rule| max_pool(rule, [$name, $with_indices], $axes),
        }),+]
    };
}

/// What `divisor_override` adds to the parameters: torch's `AvgPool1d` has none.
macro_rules! avg_row {
    ($name:literal over $axes:literal $(, $more:expr)?) => {
        LayerSpec {
            name: $name,
            params: &[
                param("kernel_size", Kind::Sizes($axes), Default::Required),
                param("stride", Kind::OptSizes($axes), Default::None),
                param("padding", Kind::Zeros($axes), Default::Int(0)),
                param("ceil_mode", Kind::Bool, Default::Bool(false)),
                param("count_include_pad", Kind::Bool, Default::Bool(true)),
                $($more,)?
            ],
            modes: Modes::Both,
            state: None,
            reduces: None,
            frozen: true,
            rule: |rule| avg_pool(rule, $name, $axes),
        }
    };
}

pub(super) const MAX: &[LayerSpec] = max_rows![
    "MaxPool1d" "MaxPool1dWithIndices" over 1,
    "MaxPool2d" "MaxPool2dWithIndices" over 2,
    "MaxPool3d" "MaxPool3dWithIndices" over 3,
];

pub(super) const AVG: &[LayerSpec] = &[
    avg_row!("AvgPool1d" over 1),
    avg_row!("AvgPool2d" over 2, param("divisor_override", Kind::OptSize, Default::None)),
    avg_row!("AvgPool3d" over 3, param("divisor_override", Kind::OptSize, Default::None)),
];

/// The pool's window, settled: `stride = None` means the kernel's own size.
pub(super) struct Window {
    pub(super) kernel: Vec<Size>,
    pub(super) stride: Vec<Size>,
    pub(super) padding: Vec<Size>,
}

impl Window {
    pub(super) fn of(rule: &Rule<'_>) -> Window {
        let kernel = rule.sizes("kernel_size");
        let stride = match &rule.arg("stride").value {
            ArgValue::Sizes(s) => s.clone(),
            _ => kernel.clone(),
        };
        Window { kernel, stride, padding: rule.sizes("padding") }
    }
}

/// The length after one axis of `w`, or `None` where the window does not fit.
type Length = fn(&mut Rule<'_>, &Window, usize, &Size) -> Option<Size>;

fn pooled(rule: &mut Rule<'_>, w: &Window, axes: usize, length: Length) -> Result<Vec<Size>, ()> {
    rule.space(axes)?;
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
    for (axis, len) in rule.input[1..].iter().enumerate() {
        match length(rule, w, axis, len) {
            Some(n) => out.push(n),
            None => {
                let text = rule.does_not_fit("window", &w.kernel, &dilation(rule, w));
                let blame = rule.arg("kernel_size").blame;
                let uncounted = rule.spec.name == "AvgPool3d" && w.padding.iter().any(|p| p.known() != Some(0));
                let more = if uncounted { "; `AvgPool3d` does not count its padding" } else { "" };
                rule.input_error(blame, text).help(format!("use a smaller window{more}"));
                return Err(());
            }
        }
    }
    Ok(out)
}

fn length(rule: &mut Rule<'_>, w: &Window, axis: usize, len: &Size) -> Option<Size> {
    let ceil = rule.flag("ceil_mode");
    let dilation = dilation(rule, w)[axis].clone();
    let sizes = [len.clone(), w.kernel[axis].clone(), w.stride[axis].clone(), w.padding[axis].clone(), dilation];
    rule.formula("pool", &sizes, &[ceil], |n| snn_shape::pool(n[0], n[1], n[2], n[3], n[4], ceil))
}

/// Averages have no gaps.
fn dilation(rule: &Rule<'_>, w: &Window) -> Vec<Size> {
    rule.args.find("dilation").map_or_else(|| vec![Size::Known(1); w.kernel.len()], |_| rule.sizes("dilation"))
}

/// torch's `AvgPool3d` asks for more than its kin.
fn length_of_avg3d(rule: &mut Rule<'_>, w: &Window, axis: usize, len: &Size) -> Option<Size> {
    let ceil = rule.flag("ceil_mode");
    let sizes = [len.clone(), w.kernel[axis].clone(), w.stride[axis].clone(), w.padding[axis].clone()];
    rule.formula("avg_pool3d", &sizes, &[ceil], |n| snn_shape::avg_pool3d(n[0], n[1], n[2], n[3], ceil))
}

fn max_pool(rule: &mut Rule<'_>, [plain, with_indices]: [&'static str; 2], axes: usize) -> Result<Built, ()> {
    let w = Window::of(rule);
    let out = pooled(rule, &w, axes, length)?;
    let config = vec![
        rule.pass("kernel_size"),
        rule.field("stride", list(&w.stride)),
        rule.pass("padding"),
        rule.pass("dilation"),
        rule.pass("ceil_mode"),
    ];
    let (ty, outputs, only_libtorch) = match rule.flag("return_indices") {
        true => (with_indices, vec![out.clone(), out], Some("return_indices = true")),
        false => (plain, vec![out], None),
    };
    Ok(Built { config: Some(config), outputs, only_libtorch, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}

fn avg_pool(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    let w = Window::of(rule);
    let out = pooled(rule, &w, axes, if axes == 3 { length_of_avg3d } else { length })?;
    let divisor = match rule.args.find("divisor_override").map(|a| &a.value) {
        Some(ArgValue::Size(n)) => quote!(::core::option::Option::Some(#n)),
        _ => quote!(::core::option::Option::None),
    };
    let config = vec![
        rule.pass("kernel_size"),
        rule.field("stride", list(&w.stride)),
        rule.pass("padding"),
        rule.pass("ceil_mode"),
        rule.pass("count_include_pad"),
        match axes {
            1 => (quote::format_ident!("divisor_override"), divisor),
            _ => rule.field("divisor_override", divisor),
        },
    ];
    let macs = Size::product(&out).mul(&Size::product(&w.kernel));
    Ok(Built { config: Some(config), outputs: vec![out], macs, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}

pub(super) fn list(sizes: &[Size]) -> proc_macro2::TokenStream {
    quote!([#(#sizes),*])
}
