//! Attention over whole sequences: `TemporalWiseAttention`, `MultiDimensionalAttention`. In: `[C, H, W]` (or features, for the first with
//! `dimension = 2`); out: the same shape, each element times its gates.

use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};
use crate::size::{Size, show};

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "TemporalWiseAttention",
        params: &[
            param("T", Kind::Inferred, Default::Required),
            param("reduction", Kind::Size, Default::Int(16)),
            param("dimension", Kind::Size, Default::Int(4)),
        ],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: false,
        rule: temporal_wise,
    },
    LayerSpec {
        name: "MultiDimensionalAttention",
        params: &[
            param("T", Kind::Inferred, Default::Required),
            param("C", Kind::Inferred, Default::Required),
            param("reduction_t", Kind::Size, Default::Int(16)),
            param("reduction_c", Kind::Size, Default::Int(16)),
            param("kernel_size", Kind::Size, Default::Int(3)),
            param("use_temporal", Kind::Bool, Default::Bool(true)),
            param("use_channel", Kind::Bool, Default::Bool(true)),
            param("use_spatial", Kind::Bool, Default::Bool(true)),
        ],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: false,
        rule: multi_dimensional,
    },
];

fn temporal_wise(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let (axes, other): (&[&str], _) = match one_of(rule, "dimension", [2, 4])? {
        2 => (&["features"], "`dimension = 4` takes [C, H, W]"),
        _ => (&["C", "H", "W"], "`dimension = 2` takes [features]"),
    };
    if rule.input.len() != axes.len() {
        let text = format!("{} needs a [{}] input, but gets {}", rule.subject(), axes.join(", "), show(rule.input, false));
        let blame = rule.blame_of("dimension");
        rule.input_error(blame, text).help(other);
        return Err(());
    }
    let steps = rule.inferred_steps("T");
    let hidden = reduced(rule, "T", &steps, "reduction", "time steps")?;
    let config = vec![rule.field("T", &steps), rule.pass("reduction"), rule.pass("dimension")];
    let weights = vec![("sharedMLP.0.weight", vec![hidden.clone(), steps.clone()]), ("sharedMLP.2.weight", vec![steps.clone(), hidden])];
    Ok(Built {
        config: Some(config),
        weights,
        macs: Size::product(rule.input),
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "TemporalWiseAttention")
    })
}

fn multi_dimensional(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let kernel = one_of(rule, "kernel_size", [3, 7])?;
    let stages = ["use_temporal", "use_channel", "use_spatial"];
    if !stages.iter().any(|stage| rule.flag(stage)) {
        let (blame, text) = (rule.blame, format!("{} has no stage left: all three are off", rule.subject()));
        rule.error(blame, text).help("leave one of `use_temporal`, `use_channel`, `use_spatial` on");
        return Err(());
    }
    rule.rank(&["C", "H", "W"])?;
    let steps = rule.inferred_steps("T");
    let channels = rule.inferred("C", &rule.input[0], "input channels");
    let mut weights = Vec::new();
    if rule.flag("use_temporal") {
        let hidden = reduced(rule, "T", &steps, "reduction_t", "time steps")?;
        weights.extend([("ta.sharedMLP.0.weight", pointwise(&hidden, &steps)), ("ta.sharedMLP.2.weight", pointwise(&steps, &hidden))]);
    }
    if rule.flag("use_channel") {
        let hidden = reduced(rule, "C", &channels, "reduction_c", "channels")?;
        weights
            .extend([("ca.sharedMLP.0.weight", pointwise(&hidden, &channels)), ("ca.sharedMLP.2.weight", pointwise(&channels, &hidden))]);
    }
    if rule.flag("use_spatial") {
        weights.push(("sa.conv.weight", vec![1.into(), 2.into(), kernel.into(), kernel.into()]));
    }
    let mut config = vec![rule.field("T", &steps), rule.field("C", &channels)];
    config.extend(["reduction_t", "reduction_c", "kernel_size"].iter().chain(&stages).map(|name| rule.pass(name)));
    Ok(Built {
        config: Some(config),
        weights,
        macs: Size::product(rule.input).mul(&3.into()),
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, "MultiDimensionalAttention")
    })
}

/// The weights of a layer of a perceptron, stored as those of a 3-D convolution of size 1.
fn pointwise(out: &Size, input: &Size) -> Vec<Size> {
    vec![out.clone(), input.clone(), 1.into(), 1.into(), 1.into()]
}

/// A size that has to be one of two, and is known here.
fn one_of(rule: &mut Rule<'_>, name: &str, [a, b]: [usize; 2]) -> Result<usize, ()> {
    match rule.size(name).known() {
        Some(n) if n == a || n == b => Ok(n),
        got => {
            let got = got.map_or_else(|| format!("`{}`", rule.size(name)), |n| n.to_string());
            let (blame, text) = (rule.blame_of(name), format!("`{}`: `{name}` must be {a} or {b}, but is {got}", rule.shown));
            rule.error(blame, text);
            Err(())
        }
    }
}

/// `size / by`, rounded down: the width of a gate's hidden layer.
fn reduced(rule: &mut Rule<'_>, of: &str, size: &Size, by: &str, what: &str) -> Result<Size, ()> {
    let divisor = rule.size(by);
    if let Some(hidden) = rule.formula("reduced", &[size.clone(), divisor.clone()], &[], |n| snn_shape::reduced(n[0], n[1])) {
        return Ok(hidden);
    }
    let text = format!("`{}`: `{by} = {divisor}` is more than its {size} {what}", rule.shown);
    let blame = if rule.arg(by).written { rule.blame_of(by) } else { rule.blame_of(of) };
    rule.error(blame, text).help(format!("give `{by}` a value of {size} or less"));
    Err(())
}
