//! Adaptive pools over one to three axes of space. In: `[C, ..]`; out: `[C, ..]` with the sizes asked for.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::Size;

macro_rules! rows {
    ($($name:literal over $axes:literal),+ $(,)?) => {
        &[$(LayerSpec {
            name: $name,
            params: &[param("output_size", Kind::SizesOrNone($axes), Default::Required)],
            modes: Modes::Both,
            state: None,
            reduces: None,
            frozen: true,
            rule: |rule| adaptive_pool(rule, $name, $axes),
        }),+]
    };
}

pub(super) const LAYERS: &[LayerSpec] = rows!["AdaptiveAvgPool1d" over 1, "AdaptiveAvgPool2d" over 2, "AdaptiveAvgPool3d" over 3];

fn adaptive_pool(rule: &mut Rule<'_>, ty: &'static str, axes: usize) -> Result<Built, ()> {
    rule.space(axes)?;
    let ArgValue::SizesOrNone(wanted) = rule.arg("output_size").value.clone() else {
        unreachable!("`bind` made `output_size` sizes or `None`");
    };
    let mut out = vec![rule.input[0].clone()];
    for (len, wanted) in rule.input[1..].iter().zip(&wanted) {
        let size = match wanted {
            None => Some(len.clone()),
            Some(n) => rule.formula("adaptive_pool", &[len.clone(), n.clone()], &[], |n| snn_shape::adaptive_pool(n[0], n[1])),
        };
        match size {
            Some(n) => out.push(n),
            None => {
                let (blame, text) = (rule.blame, format!("`{}` has no cell to average", rule.shown));
                rule.input_error(blame, text);
                return Err(());
            }
        }
    }
    let config = vec![rule.pass("output_size")];
    // Each cell is read about once.
    let macs = Size::product(rule.input);
    Ok(Built { config: Some(config), outputs: vec![out], macs, checks: std::mem::take(&mut rule.checks), ..Built::keeps(rule, ty) })
}
