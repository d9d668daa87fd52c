//! What a node makes of the sizes of its input. In: a node and the sizes of one step of one sample; out: the sizes it sends.

use crate::error::{Error, Result};
use crate::field::Padding;
use crate::node::Node;

/// How a window goes over one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Zeros before and behind.
    pub(crate) pad: (usize, usize),
}

impl Window {
    /// The cell of the input, padding counted from 0 on, that `tap` of the window sees for cell `out` of the output.
    pub(crate) fn cell(&self, out: usize, tap: usize, len: usize) -> Option<usize> {
        (out * self.stride + tap * self.dilation).checked_sub(self.pad.0).filter(|&cell| cell < len)
    }

    fn convolved(&self, len: usize) -> Option<usize> {
        snn_shape::conv(len, self.kernel, self.stride, self.pad.0 + self.pad.1, self.dilation)
    }

    fn pooled(&self, len: usize) -> Option<usize> {
        snn_shape::pool(len, self.kernel, self.stride, self.pad.0, self.dilation, false)
    }
}

fn conv_windows<const AXES: usize>(
    kernel: &[usize],
    stride: [usize; AXES],
    padding: Padding<AXES>,
    dilation: [usize; AXES],
) -> Vec<Window> {
    let window = |axis: usize| {
        let pad = match padding {
            Padding::Same => snn_shape::same_padding(kernel[axis], dilation[axis]),
            Padding::Valid => (0, 0),
            Padding::Each(each) => (each[axis], each[axis]),
        };
        Window { kernel: kernel[axis], stride: stride[axis], dilation: dilation[axis], pad }
    };
    (0..AXES).map(window).collect()
}

impl Node {
    /// The windows of a convolution or a pool, one for each axis of space. Fields are those of a checked node.
    pub(crate) fn windows(&self) -> Option<Vec<Window>> {
        let pool = |kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]| {
            (0..2).map(|n| Window { kernel: kernel[n], stride: stride[n], dilation: 1, pad: (padding[n], padding[n]) }).collect()
        };
        match self {
            Node::Conv1d(n) => Some(conv_windows(&n.weight.shape()[2..], n.stride, n.padding, n.dilation)),
            Node::Conv2d(n) => Some(conv_windows(&n.weight.shape()[2..], n.stride, n.padding, n.dilation)),
            Node::SumPool2d(n) => Some(pool(n.kernel_size, n.stride, n.padding)),
            Node::AvgPool2d(n) => Some(pool(n.kernel_size, n.stride, n.padding)),
            _ => None,
        }
    }

    /// The sizes of what it sends, when `input` arrives from the nodes `from`.
    pub(crate) fn output(&self, node: &str, input: &[usize], from: &[&str]) -> Result<Vec<usize>> {
        let wants = |wants: String| Error::Shape {
            node: node.into(),
            wants,
            got: input.to_vec(),
            from: from.iter().map(|&name| name.into()).collect(),
        };
        match self {
            Node::Input(n) => same(input, &n.shape).ok_or_else(|| wants(format!("{:?}", n.shape))),
            Node::Output(n) => {
                // Axes of size 1 in front are the time and batch of the framework that wrote the file.
                let shape: &[usize] = if n.shape.len() > input.len() { strip(&n.shape, input.len()) } else { &n.shape };
                same(input, shape).ok_or_else(|| wants(format!("{:?}", n.shape)))
            }
            Node::Affine(n) => linear(n.weight.shape(), input).ok_or_else(|| wants(format!("[{}]", n.weight.shape()[1]))),
            Node::Linear(n) => linear(n.weight.shape(), input).ok_or_else(|| wants(format!("[{}]", n.weight.shape()[1]))),
            Node::Conv1d(n) => {
                if n.padding == Padding::Same && n.stride != [1] {
                    return Err(Error::field(node, "stride", "1 beside the padding `same`", format!("{:?}", n.stride)));
                }
                let space = n.input_shape.map(|len| vec![len]);
                conv(self, n.weight.shape(), n.groups, space.as_deref(), input).ok_or_else(|| wants(self.conv_input(space.as_deref())))
            }
            Node::Conv2d(n) => {
                if n.padding == Padding::Same && n.stride != [1, 1] {
                    return Err(Error::field(node, "stride", "1 beside the padding `same`", format!("{:?}", n.stride)));
                }
                let space = n.input_shape.as_ref().map(<[usize; 2]>::as_slice);
                conv(self, n.weight.shape(), n.groups, space, input).ok_or_else(|| wants(self.conv_input(space)))
            }
            Node::SumPool2d(_) | Node::AvgPool2d(_) => {
                let windows = self.windows().unwrap_or_default();
                let [channels, space @ ..] = input else { return Err(wants("[C, H, W]".into())) };
                if space.len() != windows.len() {
                    return Err(wants("[C, H, W]".into()));
                }
                let cells = windows.iter().zip(space).map(|(window, &len)| window.pooled(len)).collect::<Option<Vec<usize>>>();
                let cells = cells.ok_or_else(|| wants(format!("[C, H, W] that the windows {windows:?} fit into")))?;
                Ok(std::iter::once(*channels).chain(cells).collect())
            }
            Node::Flatten(n) => {
                if n.input_type.as_ref().is_some_and(|shape| shape != input) {
                    return Err(wants(format!("{:?}", n.input_type.as_deref().unwrap_or_default())));
                }
                let Some((first, last)) = axes(n.start_dim, n.end_dim, input.len()) else {
                    return Err(wants(format!("more axes, to flatten those from {} to {}", n.start_dim, n.end_dim)));
                };
                let flat = snn_shape::product(&input[first..=last]);
                Ok(input[..first].iter().copied().chain([flat]).chain(input[last + 1..].iter().copied()).collect())
            }
            Node::Scale(n) => parameter(n.scale.shape(), input).ok_or_else(|| wants(format!("{:?}", n.scale.shape()))),
            Node::Delay(n) => parameter(n.delay.shape(), input).ok_or_else(|| wants(format!("{:?}", n.delay.shape()))),
            Node::Threshold(n) => parameter(n.threshold.shape(), input).ok_or_else(|| wants(format!("{:?}", n.threshold.shape()))),
            Node::NIRGraph(_) => Ok(input.to_vec()),
            Node::LIF(_) | Node::IF(_) | Node::LI(_) | Node::I(_) | Node::CubaLIF(_) | Node::CubaLI(_) => {
                let shape = self.neurons().unwrap_or_default();
                parameter(&shape, input).ok_or_else(|| wants(format!("{shape:?}")))
            }
        }
    }

    /// The sizes of a neuron's parameters, if one of them says them.
    pub(crate) fn neurons(&self) -> Option<Vec<usize>> {
        let dynamics = self.dynamics()?;
        let longest = dynamics.parameters().map(|(_, p)| p).max_by_key(|p| (p.data().len(), p.shape().len()))?;
        Some(longest.shape().to_vec())
    }

    fn conv_input(&self, space: Option<&[usize]>) -> String {
        let (weight, groups) = match self {
            Node::Conv1d(n) => (n.weight.shape(), n.groups),
            Node::Conv2d(n) => (n.weight.shape(), n.groups),
            _ => return String::new(),
        };
        let channels = weight[1].saturating_mul(groups);
        match space {
            Some(space) => format!("[{channels}{}]", space.iter().map(|len| format!(", {len}")).collect::<String>()),
            None => format!("[{channels}{}] that the kernel {:?} fits into", ", _".repeat(weight.len() - 2), &weight[2..]),
        }
    }
}

/// The axes from `start` to `end`, both counted from the end when negative.
pub(crate) fn axes(start: i64, end: i64, rank: usize) -> Option<(usize, usize)> {
    let rank = i64::try_from(rank).ok()?;
    let at = |axis: i64| if axis < 0 { axis.checked_add(rank) } else { Some(axis) }.filter(|axis| (0..rank).contains(axis));
    let (first, last) = (at(start)?, at(end)?);
    (first <= last).then_some((usize::try_from(first).ok()?, usize::try_from(last).ok()?))
}

fn same(input: &[usize], shape: &[usize]) -> Option<Vec<usize>> {
    (input == shape).then(|| input.to_vec())
}

/// Without axes of size 1 in front, as long as more than `rank` are there.
fn strip(shape: &[usize], rank: usize) -> &[usize] {
    match shape {
        [1, rest @ ..] if shape.len() > rank => strip(rest, rank),
        _ => shape,
    }
}

/// A single parameter holds for whatever arrives.
fn parameter(shape: &[usize], input: &[usize]) -> Option<Vec<usize>> {
    if shape.iter().product::<usize>() == 1 && shape.len() <= 1 { Some(input.to_vec()) } else { same(input, shape) }
}

fn linear(weight: &[usize], input: &[usize]) -> Option<Vec<usize>> {
    (input == [weight[1]]).then(|| vec![weight[0]])
}

fn conv(node: &Node, weight: &[usize], groups: usize, declared: Option<&[usize]>, input: &[usize]) -> Option<Vec<usize>> {
    let windows = node.windows()?;
    let [channels, space @ ..] = input else { return None };
    if Some(*channels) != weight[1].checked_mul(groups) || space.len() != windows.len() || declared.is_some_and(|shape| shape != space) {
        return None;
    }
    let cells = windows.iter().zip(space).map(|(window, &len)| window.convolved(len)).collect::<Option<Vec<usize>>>()?;
    Some(std::iter::once(weight[0]).chain(cells).collect())
}
