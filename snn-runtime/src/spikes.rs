//! Layers whose input is spikes, as one node of the graph. In: `[.., in]` of zeros and ones, weight and bias; out: `[.., out]`, or nothing where
//! a dense product does as well.
//!
//! Which it is, is decided call by call, by what arrives. Where few elements are ones, sums of those rows of the weight replace the dense
//! products of the output and of the weight's gradient; and a bit is kept of each element for the backward pass, not the element.

mod device;

use snn_kernels::SpikeMatrix;
use tch::{Device, Kind, Tensor};

pub(crate) use self::device::{Pick, read_again};
use crate::autograd::{Save, attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, opt_slice};
use crate::error::{Error, Result};

/// The largest share of ones at which sums of rows are faster than a dense product, forward and backward: docs/performance.md.
const MOST_ONES: f64 = 0.35;

/// Below so many multiplications, or so few outputs, a dense product is as fast as looking at what arrives.
pub(crate) const FEWEST_PRODUCTS: i64 = 1 << 20;
pub(crate) const FEWEST_OUTPUTS: i64 = 32;

/// x W^T + b by sums of rows of W, if x is spikes and they are rare.
pub(crate) fn linear(layer: &str, pick: &Pick, train: bool, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Option<Tensor>> {
    let [outputs, inputs] = weight.size()[..] else { return Ok(None) };
    let alike = |t: &Tensor| t.device() == x.device() && t.kind() == x.kind() && !t.is_sparse();
    let large = outputs >= FEWEST_OUTPUTS && (x.numel() as i64).saturating_mul(outputs) >= FEWEST_PRODUCTS;
    // Where sizes do not fit, libtorch says so.
    let fits = x.size().last() == Some(&inputs) && bias.is_none_or(|bias| bias.size() == [outputs]);
    if !large || !fits || ![x, weight].into_iter().chain(bias).all(alike) {
        return Ok(None);
    }
    let rows = x.numel() as i64 / inputs;
    let map = Map { layer: layer.to_string(), rows, inputs, outputs };
    match (x.device(), x.kind()) {
        (Device::Cuda(_), Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) => {
            map.run_on(&Launcher::at(layer, x, x.kind())?, pick, train, x, weight, bias)
        }
        (Device::Cpu, Kind::Float | Kind::Double) => in_its_kind!(layer, x, F => map.run::<F>(x, weight, bias)),
        _ => Ok(None),
    }
}

/// y as a node of the graph behind x, a weight and perhaps a bias, all dense numbers. `of` gives the gradients of x and of the weight that are needed, from that of y
/// and the weight; the bias's is the sum over all axes but the `axis` of outputs.
pub(crate) fn attached<F: Elements>(
    node: &str,
    layer: &str,
    inputs: &[&Tensor],
    y: Tensor,
    axis: usize,
    of: impl Fn(&Tensor, &Tensor, [bool; 2]) -> std::result::Result<[Option<Tensor>; 2], Box<dyn std::error::Error>> + Send + 'static,
) -> Result<Tensor> {
    if !recorded(inputs) {
        return Ok(y);
    }
    let name = layer.to_string();
    attach_one(layer, node, inputs, y, &[Save::Tensor(inputs[1])], move |b| {
        let Some(grad) = dense_as::<F>(&name, b.grads[0].as_ref())? else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let weight = b.saved[0].as_ref().ok_or("its weight was not saved")?;
        let gradients = of(&grad, weight, [b.needs[0], b.needs[1]])?;
        let others: Vec<i64> = (0..grad.dim()).filter(|other| *other != axis).map(|other| other as i64).collect();
        // A sum over no axis would be libtorch's sum over all.
        let sum = || if others.is_empty() { Ok(grad.shallow_clone()) } else { grad.f_sum_dim_intlist(&others[..], false, None) };
        let of_bias = b.needs.get(2).map(|needed| needed.then(sum).transpose()).transpose()?;
        Ok(gradients.into_iter().chain(of_bias).collect())
    })
}

/// A linear map at work.
struct Map {
    layer: String,
    rows: i64,
    inputs: i64,
    outputs: i64,
}

impl Map {
    fn run<F: Elements>(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Option<Tensor>> {
        let (layer, outputs) = (self.layer.clone(), self.outputs as usize);
        let bug = |e| Error::bug(&layer, e);
        let x_dense = dense(&layer, x)?;
        let spikes = SpikeMatrix::pack(F::slice(&layer, &x_dense)?, self.rows as usize, self.inputs as usize).map_err(bug)?;
        let Some(spikes) = spikes.filter(|spikes| spikes.rate() <= MOST_ONES) else { return Ok(None) };
        tracing::trace!(layer, rate = spikes.rate(), "sums of the rows that spike");
        let (weight_dense, bias_dense) = (dense(&layer, weight)?, bias.map(|bias| dense(&layer, bias)).transpose()?);
        let mut y = Fresh::<F>::new(&layer, &[&x.size()[..x.dim() - 1], &[self.outputs]].concat())?;
        spikes.times(F::slice(&layer, &weight_dense)?, outputs, opt_slice(&layer, bias_dense.as_ref())?, y.elements()).map_err(bug)?;
        let sizes = x.size();
        let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
        let axis = x.dim() - 1;
        let made = attached::<F>("SpikesLinear", &layer, &inputs, y.into_tensor(), axis, move |grad, weight, needs| {
            let grad = grad.f_view([self.rows, self.outputs])?;
            let of_x = needs[0].then(|| grad.f_matmul(weight)?.f_view(&sizes[..])).transpose()?;
            let of_weight = needs[1].then(|| self.gradient_of_weight::<F>(&spikes, &grad)).transpose()?;
            Ok([of_x, of_weight])
        });
        made.map(Some)
    }

    fn gradient_of_weight<F: Elements>(&self, spikes: &SpikeMatrix, grad: &Tensor) -> Result<Tensor> {
        let mut out = Fresh::<F>::new(&self.layer, &[self.outputs, self.inputs])?;
        spikes
            .transposed_times(F::slice(&self.layer, grad)?, self.outputs as usize, out.elements())
            .map_err(|e| Error::bug(&self.layer, e))?;
        Ok(out.into_tensor())
    }
}
