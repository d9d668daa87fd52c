//! One node as one layer of the language. In: a node at its place; out: the layer as it is written, and its weights.

use super::neurons;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::field::Padding;
use crate::node::Node;
use crate::plan::Step;
use crate::run::delay_steps;

/// A layer of the net.
#[derive(Debug)]
pub(super) struct Layer {
    /// As it is written: `Linear(_, 10)`.
    pub(super) text: String,
    /// What stands above it.
    pub(super) comment: Option<String>,
    /// Its weights by their names inside the layer.
    pub(super) weights: Vec<(String, Array)>,
    /// The type of NIR's whose definition it needs, and the definition.
    pub(super) definition: Option<(&'static str, String)>,
}

impl Layer {
    pub(super) fn plain(text: String) -> Layer {
        Layer { text, comment: None, weights: Vec::new(), definition: None }
    }
}

/// The layer of a node; `None` for the ports, which pass on what they get.
pub(super) fn layer(step: &Step<'_>, dt: f64) -> Result<Option<Layer>> {
    let weighted = |text: String, weight: &Array, bias: Option<&Array>| {
        let weights = [("weight", Some(weight)), ("bias", bias)].into_iter().filter_map(|(name, x)| Some((name.to_owned(), x?.clone())));
        Layer { weights: weights.collect(), ..Layer::plain(text) }
    };
    let layer = match step.node {
        Node::Input(_) | Node::Output(_) | Node::NIRGraph(_) => return Ok(None),
        Node::Affine(n) => weighted(format!("Linear(_, {})", n.weight.shape()[0]), &n.weight, Some(&n.bias)),
        Node::Linear(n) => weighted(format!("Linear(_, {}, bias = false)", n.weight.shape()[0]), &n.weight, None),
        Node::Conv1d(n) => {
            let text = conv("Conv1d", n.weight.shape(), n.stride, n.padding, n.dilation, n.groups);
            weighted(text, &n.weight, Some(&n.bias))
        }
        Node::Conv2d(n) => {
            let text = conv("Conv2d", n.weight.shape(), n.stride, n.padding, n.dilation, n.groups);
            weighted(text, &n.weight, Some(&n.bias))
        }
        Node::SumPool2d(n) => {
            let comment = Some("NIR's SumPool2d: a mean over one.".into());
            Layer { comment, ..Layer::plain(pool(n.kernel_size, n.stride, n.padding, ", divisor_override = 1")) }
        }
        Node::AvgPool2d(n) => Layer::plain(pool(n.kernel_size, n.stride, n.padding, "")),
        Node::Flatten(n) => {
            // Axes of the language are counted with the batch.
            let axis = |axis: i64| if axis < 0 { axis } else { axis + 1 };
            match (axis(n.start_dim), axis(n.end_dim)) {
                (1, -1) => Layer::plain("Flatten()".into()),
                (start, end) => Layer::plain(format!("Flatten(start_dim = {start}, end_dim = {end})")),
            }
        }
        Node::Delay(n) => delay(step, &n.delay, dt)?,
        Node::Scale(n) => neurons::pointwise(step, ("scale", &n.scale), dt)?,
        Node::Threshold(n) => neurons::pointwise(step, ("threshold", &n.threshold), dt)?,
        Node::LIF(_) | Node::IF(_) | Node::LI(_) | Node::I(_) | Node::CubaLIF(_) | Node::CubaLI(_) => match step.node.dynamics() {
            Some(dynamics) => neurons::layer(step, &dynamics, dt)?,
            None => return Ok(None),
        },
    };
    Ok(Some(layer))
}

/// A number as Rust writes floats.
pub(super) fn float(x: f64) -> String {
    format!("{x:?}")
}

fn delay(step: &Step<'_>, delay: &Array, dt: f64) -> Result<Layer> {
    let Some(seconds) = delay.uniform() else {
        let problem = "delays that differ within a layer".into();
        return Err(Error::Unmapped { node: step.name.clone(), problem, help: "one delay for all of it".into() });
    };
    Ok(Layer::plain(match delay_steps(&step.name, seconds, dt)? {
        0 => "Identity()".into(),
        steps => format!("Delay({steps})"),
    }))
}

/// `3`, or `(3, 5)` where the axes differ.
fn each(sizes: &[usize]) -> String {
    match sizes {
        [first, rest @ ..] if rest.iter().all(|size| size == first) => first.to_string(),
        _ => format!("({})", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn conv<const AXES: usize>(
    name: &str,
    weight: &[usize],
    stride: [usize; AXES],
    padding: Padding<AXES>,
    dilation: [usize; AXES],
    groups: usize,
) -> String {
    let padding = match padding {
        Padding::Same => "\"same\"".into(),
        Padding::Valid => "0".into(),
        Padding::Each(each_side) => each(&each_side),
    };
    let mut text = format!("{name}(_, {}, {}", weight[0], each(&weight[2..]));
    for (argument, value, default) in
        [("stride", each(&stride), "1"), ("padding", padding, "0"), ("dilation", each(&dilation), "1"), ("groups", groups.to_string(), "1")]
    {
        if value != default {
            text += &format!(", {argument} = {value}");
        }
    }
    text + ")"
}

fn pool(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], more: &str) -> String {
    let stride = if stride == kernel { String::new() } else { format!(", stride = {}", each(&stride)) };
    let padding = if padding == [0, 0] { String::new() } else { format!(", padding = {}", each(&padding)) };
    format!("AvgPool2d({}{stride}{padding}{more})", each(&kernel))
}
