//! What a planned graph runs on. In: the tensors of the trained net, or a file that has them folded; out: normalisations folded into weights,
//! and these packed, once; every other tensor by its name.

use std::collections::BTreeMap;

use snn_kernels::frozen::{Packed, Packer, Weights as Sizes};

use crate::error::Result;
use crate::graph::{Graph, Node, Normalise, Op, Project, Weight};
use crate::weights::Weights;

/// Reads a tensor by its name, and hands over its numbers in their order, so many at once or a multiple.
pub(crate) type ReadTensor<'a> = dyn FnMut(&str, usize, &mut dyn FnMut(&[f32])) -> Result<()> + 'a;

/// The tensors of a planned graph.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// Weights of convolutions and linear layers, which are most of it, by name. The program takes them.
    pub(crate) packed: BTreeMap<String, Packed>,
    /// All others.
    pub(crate) tensors: Weights,
}

impl Folded {
    /// From the trained tensors. Each layer's weights are rounded once, when they are packed.
    pub(crate) fn of(trained: &Weights, graph: &Graph) -> Folded {
        let mut folded = Folded::default();
        folded.fold(trained, graph);
        folded
    }

    fn fold(&mut self, trained: &Weights, graph: &Graph) {
        for node in &graph.nodes {
            match &node.op {
                Op::Project(p) => {
                    let (weight, bias) = trained.projected(p);
                    let (row, taps) = (p.row(), p.windows.taps());
                    let packed = Packed::new(
                        sizes(p),
                        |output, input, tap| weight[row(output, input) * taps + tap] as f32,
                        |output| bias[output] as f32,
                    );
                    let [to_weight, to_bias] = project_tensors(node, p);
                    self.packed.insert(to_weight.name, packed);
                    self.keep(to_bias, bias.into_iter().map(|b| b as f32).collect());
                    self.copy(trained, p.neuron.iter().flat_map(|fire| &fire.learned));
                }
                Op::Normalise(norm) => {
                    let (scale, shift) = trained.affine(norm);
                    for (to, values) in normalise_tensors(node, norm).into_iter().zip([scale, shift]) {
                        self.keep(to, values.into_iter().map(|v| v as f32).collect());
                    }
                }
                Op::Loop(body) => self.fold(trained, &body.graph),
                _ => self.copy(trained, node.weights()),
            }
        }
    }

    fn keep(&mut self, to: Weight, values: Vec<f32>) {
        self.tensors.0.insert(to.name, (to.shape, values));
    }

    /// Tensors that stay as they are. (A layer that is called twice gives its own twice.)
    fn copy<'a>(&mut self, trained: &Weights, weights: impl IntoIterator<Item = &'a Weight>) {
        weights.into_iter().for_each(|weight| self.keep(weight.clone(), trained.get(weight).to_vec()));
    }

    /// From a file of folded tensors, all of which it has.
    pub(crate) fn read(graph: &Graph, read: &mut ReadTensor) -> Result<Folded> {
        let mut folded = Folded::default();
        folded.read_into(graph, read)?;
        Ok(folded)
    }

    fn read_into(&mut self, graph: &Graph, read: &mut ReadTensor) -> Result<()> {
        for node in &graph.nodes {
            let plain = match &node.op {
                Op::Project(p) => {
                    let [weight, bias] = project_tensors(node, p);
                    let mut biases = Vec::with_capacity(p.out_channels);
                    read(&bias.name, 1, &mut |numbers| biases.extend_from_slice(numbers))?;
                    let mut packer = Packer::new(sizes(p), |output| biases[output]);
                    self.keep(bias, biases);
                    let (inputs, mut row) = (p.inputs(), 0);
                    read(&weight.name, p.out_channels, &mut |numbers| {
                        for weights in numbers.chunks_exact(p.out_channels) {
                            packer.row(row / inputs, row % inputs, weights);
                            row += 1;
                        }
                    })?;
                    self.packed.insert(weight.name, packer.finish());
                    p.neuron.iter().flat_map(|fire| fire.learned.clone()).collect()
                }
                Op::Loop(body) => {
                    self.read_into(&body.graph, read)?;
                    Vec::new()
                }
                _ => tensors(node),
            };
            for weight in plain {
                let mut values = Vec::with_capacity(snn_shape::product(&weight.shape));
                read(&weight.name, 1, &mut |numbers| values.extend_from_slice(numbers))?;
                self.keep(weight, values);
            }
        }
        Ok(())
    }
}

/// The tensors that a planned graph runs on: of a convolution or linear layer `weight` (`[taps, in / groups, out]`) and `bias` with everything
/// folded in, of a normalisation on its own `scale` and `shift`, of all others what they have learned.
pub(crate) fn wanted(graph: &Graph) -> Vec<Weight> {
    let of = |node: &Node| match &node.op {
        Op::Loop(body) => wanted(&body.graph),
        _ => tensors(node),
    };
    graph.nodes.iter().flat_map(of).collect()
}

/// Those of a layer that is no container.
fn tensors(node: &Node) -> Vec<Weight> {
    match &node.op {
        Op::Project(p) => {
            let learned = p.neuron.iter().flat_map(|fire| fire.learned.iter().cloned());
            project_tensors(node, p).into_iter().chain(learned).collect()
        }
        Op::Normalise(norm) => normalise_tensors(node, norm).to_vec(),
        _ => node.weights().into_iter().cloned().collect(),
    }
}

/// As they are packed.
fn sizes(p: &Project) -> Sizes {
    Sizes { outputs: p.out_channels, inputs: p.inputs() * p.groups, groups: p.groups, taps: p.windows.taps() }
}

/// `weight` and `bias`.
pub(crate) fn project_tensors(node: &Node, p: &Project) -> [Weight; 2] {
    let of = |name, shape| Weight { name: format!("{}.{name}", node.name), shape };
    [of("weight", vec![p.windows.taps(), p.inputs(), p.out_channels]), of("bias", vec![p.out_channels])]
}

/// `scale` and `shift`.
pub(crate) fn normalise_tensors(node: &Node, norm: &Normalise) -> [Weight; 2] {
    ["scale", "shift"].map(|name| Weight { name: format!("{}.{name}", node.name), shape: norm.mean.shape.clone() })
}
