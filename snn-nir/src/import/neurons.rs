//! Neurons of NIR in the language. In: a neuron's equations, and how long a step is; out: a built-in neuron that computes exactly the same, or a
//! definition with one buffer for each parameter and channel.

use super::layers::{Layer, float};
use crate::array::Array;
use crate::dynamics::Dynamics;
use crate::error::{Error, Result};
use crate::node::Node;
use crate::plan::Step;

/// The layer of a neuron.
pub(super) fn layer(step: &Step<'_>, dynamics: &Dynamics<'_>, dt: f64) -> Result<Layer> {
    match built_in(dynamics, dt) {
        Some((layer, threshold)) => {
            let comment = format!("NIR's {} fires strictly above {}: from the next `f32` on.", step.node.kind(), float(threshold));
            Ok(Layer { comment: Some(comment), ..Layer::plain(layer) })
        }
        None => own(step, dynamics.parameters(), dt),
    }
}

/// `Scale` and `Threshold`, which have no layer in the language but the formulas of a neuron.
pub(super) fn pointwise(step: &Step<'_>, parameter: (&'static str, &Array), dt: f64) -> Result<Layer> {
    own(step, std::iter::once(parameter), dt)
}

/// The built-in neuron with these equations in `f32`, and the threshold that NIR's has to exceed.
fn built_in(neuron: &Dynamics<'_>, dt: f64) -> Option<(String, f64)> {
    let fire = neuron.fire.as_ref()?;
    let (r, threshold) = (neuron.r.uniform()?, fire.threshold.uniform()?);
    let reset = fire.reset.map_or(Some(0.0), Array::uniform)?;
    let (kind, mut arguments) = match (&neuron.synapse, &neuron.leak) {
        (None, None) if (dt * r) as f32 == 1.0 => ("IFNode", vec![]),
        (None, Some(leak)) if r == 1.0 && leak.to.uniform()? == reset => {
            let tau = leak.tau.uniform()? / dt;
            if tau <= 1.0 {
                return None;
            }
            ("LIFNode", vec![format!("tau = {}", float(tau))])
        }
        _ => return None,
    };
    arguments.push(format!("v_threshold = {:?}", above(threshold)));
    // The potential of the one starts at its reset value, that of the other, as NIR's, at 0.
    let simple = if reset == 0.0 { "" } else { "Simple" };
    if reset != 0.0 {
        arguments.push(format!("v_reset = Some({})", float(reset)));
    }
    Some((format!("{simple}{kind}({})", arguments.join(", ")), threshold))
}

/// The smallest `f32` that is greater.
fn above(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near } else { near.next_up() }
}

fn own<'a>(step: &Step<'_>, parameters: impl Iterator<Item = (&'static str, &'a Array)>, dt: f64) -> Result<Layer> {
    let kind = step.node.kind();
    let channels = step.output.first().copied().unwrap_or(1);
    let buffer = |(name, values): (&'static str, &Array)| match values.per_channel(channels) {
        Some(values) => Ok((name.to_owned(), Array::vector(values))),
        None => Err(Error::Unmapped {
            node: step.name.clone(),
            problem: format!(
                "`{name}` differs within a channel of [{}]",
                step.output.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ),
            help: "one number for each channel, or a `Flatten` before it".into(),
        }),
    };
    let mut weights = parameters.map(buffer).collect::<Result<Vec<_>>>()?;
    // What a file may leave out has a buffer, too: one definition serves all nodes of its type.
    for (name, value) in optional(step.node) {
        if !weights.iter().any(|(there, _)| there == name) {
            weights.push(((*name).into(), Array::full([channels], *value)));
        }
    }
    Ok(Layer { weights, definition: Some((kind, definition(step.node, dt))), ..Layer::plain(format!("{}()", own_name(kind))) })
}

/// What files may leave out, and what then holds.
fn optional(node: &Node) -> &'static [(&'static str, f64)] {
    match node {
        Node::LIF(_) | Node::IF(_) => &[("v_reset", 0.0)],
        Node::CubaLIF(_) => &[("v_reset", 0.0), ("w_in", 1.0)],
        Node::CubaLI(_) => &[("w_in", 1.0)],
        _ => &[],
    }
}

/// What the definition for a type of NIR's is called.
pub(super) fn own_name(kind: &str) -> String {
    format!("Nir{kind}")
}

/// The definition of a type in the language.
fn definition(node: &Node, dt: f64) -> String {
    let kind = node.kind();
    let (says, buffers, step): (&str, Vec<&str>, Vec<&str>) = match node {
        Node::Scale(_) => ("y = scale x", vec!["scale"], vec!["v = scale * x;", "v"]),
        Node::Threshold(_) => ("1 where x > threshold", vec!["threshold"], vec!["v = x;", "1.0 - spike(threshold - x)"]),
        _ => of_dynamics(node),
    };
    let steps_in_time = node.dynamics().is_some();
    let fires = step.iter().any(|line| line.contains("spike("));
    let mut lines = vec![format!("/// NIR's `{kind}`{}: {says}.", if steps_in_time { " by Euler's method, from 0 on" } else { "" })];
    lines.push(format!("pub neuron {} {{", own_name(kind)));
    let mut inside = |line: String| lines.push(format!("    {line}"));
    if steps_in_time {
        inside("/// The length of a step in seconds.".into());
        inside(format!("dt: f64 = {} where dt > 0.0;", float(dt)));
    }
    if fires {
        inside("base soft;".into());
    }
    for buffer in buffers {
        inside(format!("buffer per channel {buffer} = 1.0;"));
    }
    if node.dynamics().is_some_and(|d| d.synapse.is_some()) {
        inside("state i = 0.0;".into());
    }
    inside(String::new());
    inside("step(x) {".into());
    for line in step {
        inside(format!("    {line}"));
    }
    inside("}".into());
    lines.push("}".into());
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// What a neuron's documentation says, its buffers, and its step. The formula is that of [`Dynamics::step`], which the tests compare it with.
fn of_dynamics(node: &Node) -> (&'static str, Vec<&'static str>, Vec<&'static str>) {
    const FIRE: [&str; 4] = [
        "let s = 1.0 - spike(v_threshold - h); // strictly above",
        "let fired = if detach_reset { detach(s) } else { s };",
        "v = fired * v_reset + (1.0 - fired) * h;",
        "s",
    ];
    const SYNAPSE: &str = "i = i + dt / tau_syn * (w_in * x - i);";
    const FIRES: [&str; 2] = ["v_threshold", "v_reset"];
    match node {
        Node::LIF(_) => (
            "tau dv/dt = (v_leak - v) + r x; a spike where v > v_threshold, then v = v_reset",
            [&["tau", "r", "v_leak"], &FIRES[..]].concat(),
            [&["let h = v + dt / tau * (v_leak - v + r * x);"], &FIRE[..]].concat(),
        ),
        Node::IF(_) => (
            "dv/dt = r x; a spike where v > v_threshold, then v = v_reset",
            [&["r"], &FIRES[..]].concat(),
            [&["let h = v + dt * r * x;"], &FIRE[..]].concat(),
        ),
        Node::LI(_) => (
            "tau dv/dt = (v_leak - v) + r x; it sends v",
            vec!["tau", "r", "v_leak"],
            vec!["v = v + dt / tau * (v_leak - v + r * x);", "v"],
        ),
        Node::CubaLIF(_) => (
            "tau_syn di/dt = -i + w_in x,\n/// tau_mem dv/dt = (v_leak - v) + r i; a spike where v > v_threshold, then v = v_reset",
            [&["tau_syn", "w_in", "tau_mem", "r", "v_leak"], &FIRES[..]].concat(),
            [&[SYNAPSE, "let h = v + dt / tau_mem * (v_leak - v + r * i);"], &FIRE[..]].concat(),
        ),
        Node::CubaLI(_) => (
            "tau_syn di/dt = -i + w_in x,\n/// tau_mem dv/dt = (v_leak - v) + r i; it sends v",
            vec!["tau_syn", "w_in", "tau_mem", "r", "v_leak"],
            vec![SYNAPSE, "v = v + dt / tau_mem * (v_leak - v + r * i);", "v"],
        ),
        _ => ("dv/dt = r x; it sends v", vec!["r"], vec!["v = v + dt * r * x;", "v"]),
    }
}
