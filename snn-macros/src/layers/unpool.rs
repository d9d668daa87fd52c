//! `MaxUnpool1d`, `MaxUnpool2d`, `MaxUnpool3d`, which take two values: `unpool(y, indices)`. In: maxima and indices of a
//! `MaxPool`, `[C, ..]` each; out: `[C, ..]` with each maximum back in its place, and zeros.

use super::args::ArgValue;
use super::pool::{Window, list};
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, sized};

macro_rules! rows {
    ($($name:literal over $axes:literal),+ $(,)?) => {
        &[$(LayerSpec {
            name: $name,
            params: &[
                param("kernel_size", Kind::Sizes($axes), Default::Required),
                param("stride", Kind::OptSizes($axes), Default::None),
                param("padding", Kind::Zeros($axes), Default::Int(0)),
                // An argument of the call in SpikingJelly.
                param("output_size", Kind::OptSizes($axes), Default::None),
            ],
            modes: Modes::Both,
            state: None,
            reduces: None,
            frozen: false,
            rule: |rule| unpool(rule, $name, $axes),
        }),+]
    };
}

pub(super) const LAYERS: &[LayerSpec] = rows!["MaxUnpool1d" over 1, "MaxUnpool2d" over 2, "MaxUnpool3d" over 3];

fn unpool(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    rule.space(axes)?;
    let w = Window::of(rule);
    let wanted = match &rule.arg("output_size").value {
        ArgValue::Sizes(sizes) => Some(sizes.clone()),
        _ => None,
    };
    let mut plain = Vec::new();
    for (i, len) in rule.input[1..].iter().enumerate() {
        // The shape of a transposed convolution.
        let sizes = [len.clone(), w.kernel[i].clone(), w.stride[i].clone(), w.padding[i].add(&w.padding[i])];
        let sizes = [&sizes[..], &[Size::Known(1), Size::Known(0)]].concat();
        match rule.formula("conv_transpose", &sizes, &[], |n| snn_shape::conv_transpose(n[0], n[1], n[2], n[3], n[4], n[5])) {
            Some(n) => plain.push(n),
            None => {
                let text = format!("`{}`: nothing is left of the {} without `padding`", rule.shown, sized("input", &rule.input[1..]));
                let blame = rule.blame_of("padding");
                rule.input_error(blame, text).help("use the arguments of the `MaxPool` that is undone");
                return Err(());
            }
        }
    }
    let space = match wanted {
        None => plain,
        Some(wanted) => {
            // A pool cuts off less than a stride, on either side of what comes back.
            let near = |i: usize| match (wanted[i].known(), plain[i].known(), w.stride[i].known()) {
                (Some(n), Some(p), Some(s)) => n.abs_diff(p) < s,
                _ => true,
            };
            if !(0..axes).all(near) {
                let (gives, asked) = (sized("output", &plain), sized("one", &wanted));
                let text =
                    format!("`{}` gives a {gives}, give or take less than a stride, but `output_size` asks for a {asked}", rule.shown);
                let blame = rule.arg("output_size").blame;
                rule.input_error(blame, text).help("write the size that went into the `MaxPool`");
                return Err(());
            }
            wanted
        }
    };
    let sizes = list(&space);
    let config = vec![
        rule.pass("kernel_size"),
        rule.field("stride", list(&w.stride)),
        rule.pass("padding"),
        rule.field("output_size", quote::quote!(::core::option::Option::Some(#sizes))),
    ];
    let out = [&rule.input[..1], &space[..]].concat();
    Ok(Built { config: Some(config), outputs: vec![out], checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}
