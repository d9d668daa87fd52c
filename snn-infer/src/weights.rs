//! The tensors of a net that was trained. In: the names and shapes that a graph asks for, and where they come from; out: each by its name, or an
//! error that lists by layer what is missing or has another shape; and what they come to with normalisations folded in.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::graph::{Normalise, Project, Standardise, Weight};

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
        let mut tensors = BTreeMap::new();
        fit(net, wanted, |name| {
            let (shape, values) = source(name)?;
            // Numbers that are not as many as the shape says.
            let shape = if values.len() == snn_shape::product(&shape) { shape } else { vec![values.len()] };
            tensors.insert(name.to_string(), (shape.clone(), values));
            Some(shape)
        })?;
        Ok(Weights(tensors))
    }

    /// A tensor that the graph asks for.
    pub(crate) fn get(&self, weight: &Weight) -> &[f32] {
        self.0.get(&weight.name).map_or(&[], |(_, values)| values.as_slice())
    }

    /// [`affine`] of a normalisation.
    pub(crate) fn affine(&self, norm: &Normalise) -> (Vec<f64>, Vec<f64>) {
        let of = |weight: &Weight| self.get(weight).iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let [weight, bias] = [&norm.weight, &norm.bias].map(|weight| weight.as_ref().map(of));
        affine(&of(&norm.mean), &of(&norm.var), weight.as_deref(), bias.as_deref(), norm.eps)
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

/// What a batch normalisation does once it is trained, per channel: y = a x + b with a = weight / sqrt(var + eps) and b = bias - mean a. Without
/// a weight that is 1, without a bias 0. Behind a layer with weights these become a W, and the bias a bias + b.
pub fn affine(mean: &[f64], var: &[f64], weight: Option<&[f64]>, bias: Option<&[f64]>, eps: f64) -> (Vec<f64>, Vec<f64>) {
    let channel = |c: usize| {
        let a = weight.map_or(1.0, |w| w[c]) / (var[c] + eps).sqrt();
        (a, bias.map_or(0.0, |b| b[c]) - mean[c] * a)
    };
    (0..mean.len()).map(channel).unzip()
}

/// Does `shape` know all of `wanted`, and are they of these shapes?
///
/// # Errors
///
/// [`Error::Weights`]
pub(crate) fn fit<'a>(
    net: &str,
    wanted: impl Iterator<Item = &'a Weight>,
    mut shape: impl FnMut(&str) -> Option<Vec<usize>>,
) -> Result<()> {
    let (mut missing, mut shapes) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for Weight { name, shape: want } in wanted {
        let (layer, tensor) = name.rsplit_once('.').unwrap_or(("", name));
        match shape(name) {
            None => missing.entry(layer.to_string()).or_default().push(tensor),
            Some(got) if got == *want => {}
            Some(got) => shapes.push(format!("{layer}: {tensor} wants {want:?}, but gets {got:?}")),
        }
    }
    if missing.is_empty() && shapes.is_empty() {
        return Ok(());
    }
    let missing = missing.into_iter().map(|(layer, names)| format!("{layer}: {}", names.join(", "))).collect();
    Err(Error::Weights { net: net.into(), missing, shapes })
}

impl Project {
    /// Inputs of an output, in its group.
    pub(crate) fn inputs(&self) -> usize {
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

    /// The row of torch's weight that is for an output and an input in its group.
    pub(crate) fn row(&self) -> impl Fn(usize, usize) -> usize {
        let (inputs, of_group, transposed) = (self.inputs(), self.out_channels / self.groups, self.transposed);
        move |output, input| match transposed {
            false => output * inputs + input,
            true => (output / of_group * inputs + input) * of_group + output % of_group,
        }
    }
}
