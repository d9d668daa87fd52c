//! The tensors of a net. In: the names and shapes that a graph asks for, and where they come from; out: each by its name, normalisations folded
//! in, or an error that lists by layer what is missing or has another shape.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Normalise, Op, Project, Standardise, Weight};

/// A tensor: its shape, and its elements row by row.
pub(crate) type Tensor = (Vec<usize>, Vec<f32>);

/// Tensors by name.
#[derive(Debug, Default)]
pub(crate) struct Weights(pub(crate) BTreeMap<String, Tensor>);

impl Weights {
    /// Asks `source` for all of `wanted`.
    pub(crate) fn collect<'a>(
        net: &str,
        wanted: impl Iterator<Item = &'a Weight>,
        mut source: impl FnMut(&str) -> Option<Tensor>,
    ) -> Result<Weights> {
        let (mut tensors, mut missing, mut shapes) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new(), Vec::new());
        for Weight { name, shape } in wanted {
            let (layer, tensor) = name.rsplit_once('.').unwrap_or(("", name));
            match source(name) {
                None => missing.entry(layer.to_string()).or_default().push(tensor),
                Some((got, values)) if got == *shape && values.len() == snn_shape::product(shape) => {
                    tensors.insert(name.clone(), (got, values));
                }
                Some((got, _)) => shapes.push(format!("{layer}: {tensor} wants {shape:?}, but gets {got:?}")),
            }
        }
        if missing.is_empty() && shapes.is_empty() {
            return Ok(Weights(tensors));
        }
        let missing = missing.into_iter().map(|(layer, names)| format!("{layer}: {}", names.join(", "))).collect();
        Err(Error::Weights { net: net.into(), missing, shapes })
    }

    /// A tensor that the graph asks for.
    pub(crate) fn get(&self, weight: &Weight) -> &[f32] {
        self.0.get(&weight.name).map_or(&[], |(_, values)| values.as_slice())
    }

    /// What a planned graph runs on, from the trained tensors: see [`folded`].
    pub(crate) fn fold(mut self, graph: &Graph) -> Weights {
        let mut made = Weights::default();
        self.fold_into(graph, &mut made);
        made
    }

    fn fold_into(&mut self, graph: &Graph, made: &mut Weights) {
        for node in &graph.nodes {
            match &node.op {
                Op::Project(p) => {
                    let (weight, bias) = self.project(p);
                    let [to_weight, to_bias] = project_tensors(node, p);
                    made.0.insert(to_weight.name, (to_weight.shape, weight));
                    made.0.insert(to_bias.name, (to_bias.shape, bias));
                    self.keep(p.neuron.iter().flat_map(|fire| &fire.learned), made);
                }
                Op::Normalise(norm) => {
                    let (scale, shift) = self.affine(norm);
                    for (to, values) in normalise_tensors(node, norm).into_iter().zip([scale, shift]) {
                        made.0.insert(to.name, (to.shape, values.into_iter().map(|v| v as f32).collect()));
                    }
                }
                Op::Loop(body) => self.fold_into(&body.graph, made),
                _ => self.keep(node.weights(), made),
            }
        }
    }

    /// Tensors that stay as they are. (A layer that is called twice gives its own twice.)
    fn keep<'a>(&self, weights: impl IntoIterator<Item = &'a Weight>, made: &mut Weights) {
        for weight in weights {
            made.0.insert(weight.name.clone(), (weight.shape.clone(), self.get(weight).to_vec()));
        }
    }

    /// y = a x + b of a normalisation, per channel.
    fn affine(&self, norm: &Normalise) -> (Vec<f64>, Vec<f64>) {
        let (mean, var) = (self.get(&norm.mean), self.get(&norm.var));
        let of = |weight: &Option<Weight>, c: usize, default: f64| weight.as_ref().map_or(default, |w| f64::from(self.get(w)[c]));
        let channel = |c: usize| {
            let a = of(&norm.weight, c, 1.0) / (f64::from(var[c]) + norm.eps).sqrt();
            (a, of(&norm.bias, c, 0.0) - f64::from(mean[c]) * a)
        };
        (0..mean.len()).map(channel).unzip()
    }

    /// Weights and bias of a layer, as they are packed: by tap and input, outputs side by side. Rounded once.
    fn project(&self, p: &Project) -> (Vec<f32>, Vec<f32>) {
        let (weight, bias) = self.projected(p);
        let (taps, inputs, outputs, place) = (p.windows.taps(), p.inputs(), p.out_channels, p.place());
        let mut packed = vec![0.0; weight.len()];
        for (row, weight) in weight.chunks_exact(taps).enumerate() {
            let (output, input) = place(row);
            for (tap, w) in weight.iter().enumerate() {
                packed[(tap * inputs + input) * outputs + output] = *w as f32;
            }
        }
        (packed, bias.into_iter().map(|b| b as f32).collect())
    }

    /// Weights and bias of a layer in torch's order, standardised first and normalised then, in `f64`.
    pub(crate) fn projected(&self, p: &Project) -> (Vec<f64>, Vec<f64>) {
        let (outputs, place) = (p.out_channels, p.place());
        let mut weight: Vec<f64> = self.get(&p.weight).iter().map(|w| f64::from(*w)).collect();
        if let Some(standardise) = &p.standardise {
            self.standardise(&mut weight, outputs, standardise);
        }
        let mut bias = p.bias.as_ref().map_or(vec![0.0; outputs], |b| self.get(b).iter().map(|b| f64::from(*b)).collect());
        for norm in &p.norms {
            let (a, b) = self.affine(norm);
            for (o, bias) in bias.iter_mut().enumerate() {
                *bias = *bias * a[o] + b[o];
            }
            for (row, weight) in weight.chunks_exact_mut(p.windows.taps()).enumerate() {
                weight.iter_mut().for_each(|w| *w *= a[place(row).0]);
            }
        }
        (weight, bias)
    }

    /// Weight standardisation, with the unbiased variance of the weights of each output.
    fn standardise(&self, weight: &mut [f64], outputs: usize, how: &Standardise) {
        let fan_in = weight.len() / outputs;
        for (o, weight) in weight.chunks_exact_mut(fan_in).enumerate() {
            let mean = weight.iter().sum::<f64>() / fan_in as f64;
            let var = weight.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (fan_in as f64 - 1.0);
            let gain = how.gain.as_ref().map_or(1.0, |gain| f64::from(self.get(gain)[o]));
            let factor = gain / (var * fan_in as f64 + how.eps).sqrt();
            weight.iter_mut().for_each(|w| *w = (*w - mean) * factor);
        }
    }
}

impl Project {
    /// Inputs of an output, in its group.
    fn inputs(&self) -> usize {
        snn_shape::product(&self.weight.shape) / self.windows.taps() / self.out_channels
    }

    /// The output and the input in its group that a row of torch's weight is for: `[out, in / groups, taps]`, or of a transposed convolution
    /// `[in, out / groups, taps]`.
    fn place(&self) -> impl Fn(usize) -> (usize, usize) {
        let (inputs, of_group, transposed) = (self.inputs(), self.out_channels / self.groups, self.transposed);
        move |row| match transposed {
            false => (row / inputs, row % inputs),
            true => (row / of_group / inputs * of_group + row % of_group, row / of_group % inputs),
        }
    }
}

/// The tensors that a planned graph runs on: of a convolution or linear layer `weight` (`[taps, in / groups, out]`) and `bias` with everything
/// folded in, of a normalisation
/// on its own `scale` and `shift`, of all others what they have learned.
pub(crate) fn folded(graph: &Graph) -> Vec<Weight> {
    let of = |node: &Node| match &node.op {
        Op::Project(p) => {
            let learned = p.neuron.iter().flat_map(|fire| fire.learned.iter().cloned());
            project_tensors(node, p).into_iter().chain(learned).collect()
        }
        Op::Normalise(norm) => normalise_tensors(node, norm).to_vec(),
        Op::Loop(body) => folded(&body.graph),
        _ => node.weights().into_iter().cloned().collect(),
    };
    graph.nodes.iter().flat_map(of).collect()
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
