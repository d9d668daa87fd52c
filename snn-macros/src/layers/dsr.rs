//! Neurons trained by differentiation on spike representation. In: a sequence of any shape; out: spikes as high as the threshold.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, param};

const STEPS: Param = param("T", Kind::Inferred, Default::Int(20));
const TRAINING: Param = param("v_threshold_training", Kind::Bool, Default::Bool(true));
const SCALING: Param = param("v_threshold_grad_scaling", Kind::Float, Default::Float(1.0));

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "DSRIFNode",
        params: &[
            STEPS,
            param("v_threshold", Kind::Float, Default::Float(6.0)),
            param("alpha", Kind::Float, Default::Float(0.5)),
            TRAINING,
            SCALING,
            param("v_threshold_lower_bound", Kind::Float, Default::Float(0.01)),
        ],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: false,
        rule: |rule| dsr(rule, "DSRIFNode", &[]),
    },
    LayerSpec {
        name: "DSRLIFNode",
        params: &[
            STEPS,
            param("v_threshold", Kind::Float, Default::Float(1.0)),
            param("tau", Kind::Float, Default::Float(2.0)),
            param("delta_t", Kind::Float, Default::Float(0.05)),
            param("alpha", Kind::Float, Default::Float(0.3)),
            TRAINING,
            SCALING,
            param("v_threshold_lower_bound", Kind::Float, Default::Float(0.1)),
        ],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: false,
        rule: |rule| dsr(rule, "DSRLIFNode", &["tau", "delta_t"]),
    },
];

fn literal(rule: &Rule<'_>, name: &str) -> Option<f64> {
    match rule.arg(name).value {
        ArgValue::Float(_, known) => known,
        _ => None,
    }
}

fn dsr(rule: &mut Rule<'_>, ty: &'static str, leak: &[&str]) -> Result<Built, ()> {
    for name in leak.iter().chain(&["v_threshold_lower_bound"]) {
        if let Some(value) = literal(rule, name)
            && value <= 0.0
        {
            let (blame, text) = (rule.arg(name).blame, format!("`{}`: `{name}` must be greater than 0, but is {value:?}", rule.shown));
            rule.error(blame, text);
            return Err(());
        }
    }
    if let Some(alpha) = literal(rule, "alpha")
        && !(alpha > 0.0 && alpha <= 1.0)
    {
        let (blame, text) = (rule.arg("alpha").blame, format!("`{}`: `alpha` must be above 0 and at most 1, but is {alpha:?}", rule.shown));
        rule.error(blame, text).help("it is the share of the threshold at which the neuron fires");
        return Err(());
    }
    if let (Some(threshold), Some(bound)) = (literal(rule, "v_threshold"), literal(rule, "v_threshold_lower_bound"))
        && threshold < bound
    {
        let text = format!("`{}`: `v_threshold` must be at least {bound:?}, but is {threshold:?}", rule.shown);
        let blame = rule.blame_of("v_threshold");
        rule.error(blame, text).help("`v_threshold_lower_bound` is its bound");
        return Err(());
    }
    let steps = rule.inferred_steps("T");
    let own = ["v_threshold", "alpha", "v_threshold_training", "v_threshold_grad_scaling", "v_threshold_lower_bound"];
    let fields = own.iter().chain(leak).map(|name| rule.pass(name));
    Ok(Built {
        config: Some([rule.field("T", &steps)].into_iter().chain(fields).collect()),
        weights: if rule.flag("v_threshold_training") { vec![("v_threshold", Vec::new())] } else { Vec::new() },
        checks: std::mem::take(&mut rule.checks),
        ..Built::keeps(rule, ty)
    })
}
