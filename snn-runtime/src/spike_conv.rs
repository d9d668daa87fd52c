//! A convolution whose input is spikes, as one node of the graph. In: `[N, in, ..]` of zeros and ones, weight and bias; out: `[N, out, ..]`, or
//! nothing where libtorch's convolution does as well.
//!
//! As for `Linear` (`spikes.rs`), what arrives decides, call by call. Where spikes are rare, the output and the weight's gradient are sums of those
//! weights, or gradients, that a one stands for, and a bit is kept of each input. The gradient of x is a dense convolution, libtorch's.

use snn_kernels::{SpikeConv, SpikeMatrix};
use tch::{Device, Kind, TchError, Tensor};

use crate::elements::{Elements, Fresh, dense, opt_slice};
use crate::error::{Error, Result};
use crate::spikes::{FEWEST_OUTPUTS, FEWEST_PRODUCTS, attached};
use crate::weights::dims;

/// The largest share of ones at which sums are faster than libtorch's convolution, forward and backward: docs/performance.md.
const MOST_ONES: f64 = 0.5;

/// The convolution of x, with steps of one cell and `padding` zeros on either side of each axis, if x is spikes and they are rare.
pub(crate) fn convolution<const D: usize>(
    layer: &str,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    padding: [usize; D],
    dilation: [usize; D],
) -> Result<Option<Tensor>> {
    let alike = |t: &Tensor| t.device() == Device::Cpu && t.kind() == Kind::Float && !t.is_sparse();
    if D > 2 || ![x, weight].into_iter().chain(bias).all(alike) {
        return Ok(None);
    }
    let (x_size, w_size) = (x.size(), weight.size());
    if x_size.len() != D + 2 || w_size.len() != D + 2 {
        return Ok(None);
    }
    let taps: i64 = w_size[2..].iter().product();
    let products = (x.numel() as i64).saturating_mul(w_size[0]).saturating_mul(taps);
    if w_size[0] < FEWEST_OUTPUTS || products < FEWEST_PRODUCTS {
        return Ok(None);
    }
    // Weights that somebody has put in their place: libtorch says what is wrong with them.
    if x_size[1] != w_size[1] || bias.is_some_and(|bias| bias.size() != [w_size[0]]) {
        return Ok(None);
    }
    // A series is a plane of one row.
    let plane = |of: &dyn Fn(usize) -> usize, one: usize| if D == 2 { [of(0), of(1)] } else { [one, of(0)] };
    let sizes = SpikeConv {
        samples: x_size[0] as usize,
        inputs: x_size[1] as usize,
        outputs: w_size[0] as usize,
        plane: plane(&|i| x_size[2 + i] as usize, 1),
        kernel: plane(&|i| w_size[2 + i] as usize, 1),
        padding: plane(&|i| padding[i], 0).map(|pad| [pad, pad]),
        dilation: plane(&|i| dilation[i], 1),
    };
    if !sizes.is_local() {
        return Ok(None);
    }
    Map { layer: layer.to_string(), sizes, padding: dims(&padding), dilation: dims(&dilation) }.run(x, weight, bias)
}

/// A convolution at work.
struct Map {
    layer: String,
    sizes: SpikeConv,
    padding: Vec<i64>,
    dilation: Vec<i64>,
}

impl Map {
    fn run(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Option<Tensor>> {
        let (layer, sizes) = (self.layer.clone(), self.sizes);
        let bug = |e| Error::bug(&layer, e);
        let x_dense = dense(&layer, x)?;
        let [height, width] = sizes.plane;
        let spikes = SpikeMatrix::pack(f32::slice(&layer, &x_dense)?, sizes.samples * sizes.inputs, height * width).map_err(bug)?;
        let Some(spikes) = spikes.filter(|spikes| spikes.rate() <= MOST_ONES) else { return Ok(None) };
        let Some(plane) = sizes.output() else { return Ok(None) };
        tracing::trace!(layer, rate = spikes.rate(), "sums of the weights that spikes stand for");
        let (weight_dense, bias_dense) = (dense(&layer, weight)?, bias.map(|bias| dense(&layer, bias)).transpose()?);
        let axes = x.dim() - 2;
        let plane = plane.map(|n| n as i64);
        let mut y = Fresh::<f32>::new(&layer, &[&[sizes.samples as i64, sizes.outputs as i64], &plane[2 - axes..]].concat())?;
        sizes.forward(&spikes, f32::slice(&layer, &weight_dense)?, opt_slice(&layer, bias_dense.as_ref())?, y.elements()).map_err(bug)?;
        let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
        let made = attached::<f32>("SpikesConvolution", &layer, &inputs, y.into_tensor(), 1, move |grad, weight, needs| {
            let of_x = needs[0].then(|| self.gradient_of_x(grad, weight)).transpose()?;
            let of_weight = needs[1].then(|| self.gradient_of_weight(&spikes, grad, weight)).transpose()?;
            Ok([of_x, of_weight])
        });
        made.map(Some)
    }

    fn gradient_of_x(&self, grad: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
        let none = vec![0; self.padding.len()];
        let one = vec![1; self.padding.len()];
        grad.f_convolution(weight, None::<&Tensor>, one, &self.padding[..], &self.dilation[..], true, none, 1)
    }

    fn gradient_of_weight(&self, spikes: &SpikeMatrix, grad: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let mut out = Fresh::<f32>::new(&self.layer, &weight.size())?;
        self.sizes.gradient_of_weight(spikes, f32::slice(&self.layer, grad)?, out.elements()).map_err(|e| Error::bug(&self.layer, e))?;
        Ok(out.into_tensor())
    }
}
