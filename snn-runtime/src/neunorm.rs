//! `NeuNorm`. In: spikes `[N, C, H, W]`; out: the same less what their neighbours in other channels fired; state: that trace.

use snn_kernels::{NeuNormGrads, NeuNormOut, NeuNormSizes, neunorm, neunorm_backward};
use tch::Tensor;

use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, on_cpu, opt_slice};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::state::{NeuNormState, check_sizes, steps_of};
use crate::weights::{positive, uniform};

/// Arguments of [`NeuNorm`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuNormConfig {
    /// Channels that come in.
    pub in_channels: usize,
    /// Rows that come in.
    pub height: usize,
    /// Columns that come in.
    pub width: usize,
    /// The share of the trace that a step keeps.
    pub k: f64,
    /// Do all channels share one weight per pixel?
    pub shared_across_channels: bool,
}

impl NeuNormConfig {
    /// With SpikingJelly's k = 0.9 and weights for each channel.
    pub fn new(in_channels: usize, height: usize, width: usize) -> Self {
        NeuNormConfig { in_channels, height, width, k: 0.9, shared_across_channels: false }
    }
}

/// Weakens a pixel by what all its channels fired lately: u\[t\] = k u\[t-1\] + (1 - k) / C^2 sum_c x\[t, c\] from u = 0, and
/// y\[t, c\] = x\[t, c\] - w\[c\] u\[t\].
///
/// From "Direct Training for Spiking Neural Networks: Faster, Larger, Better" (Wu et al., AAAI 2019).
/// SpikingJelly equivalent: `layer.NeuNorm(..)`, which lets weights and traces of other sizes broadcast; here they are errors.
///
/// # Shapes
///
/// `[N, C, H, W]` to the same; the state `x` is the trace, `[N, 1, H, W]`. Weights from U(-b, b) with b = 1 / sqrt(H W).
#[derive(Debug)]
pub struct NeuNorm {
    /// `[in_channels, height, width]`, or `[1, height, width]` if shared.
    pub w: Tensor,
    config: NeuNormConfig,
    name: String,
}

impl NeuNorm {
    /// What it was built with.
    pub fn config(&self) -> &NeuNormConfig {
        &self.config
    }

    /// `leading`: axes before the batch.
    fn run(&self, x: &Tensor, leading: usize, s: &mut NeuNormState) -> Result<Tensor> {
        let (sizes, c) = (x.size(), &self.config);
        let want = [c.in_channels, c.height, c.width].map(|n| n as i64);
        if sizes.len() != leading + 4 || sizes[leading + 1..] != want {
            let lead = if leading == 1 { "T, N" } else { "N" };
            let wants = format!("[{lead}, {}, {}, {}]", c.in_channels, c.height, c.width);
            return Err(Error::shape(&self.name, wants, &sizes, ""));
        }
        on_cpu(&self.name, x)?;
        in_its_kind!(self.name, x, F => self.run_in::<F>(x, leading, s))
    }

    fn run_in<F: Elements>(&self, x: &Tensor, leading: usize, s: &mut NeuNormState) -> Result<Tensor> {
        let (layer, sizes, c) = (self.name.as_str(), x.size(), &self.config);
        let (steps, samples) = match leading {
            0 => (1, sizes[0]),
            _ => steps_of(layer, &sizes).map(|(steps, step)| (steps, step[0]))?,
        };
        let trace = [samples, 1, c.height as i64, c.width as i64];
        if let Some(u0) = &s.x {
            check_sizes(layer, u0, &trace)?;
        }
        let sizes_of = NeuNormSizes { steps, samples: samples as usize, channels: c.in_channels, pixels: c.height * c.width };
        let inputs: Vec<&Tensor> = [Some(x), Some(&self.w), s.x.as_ref()].into_iter().flatten().collect();
        let record = recorded(&inputs);

        let (x_dense, u0, w) = (dense(layer, x)?, dense_as::<F>(layer, s.x.as_ref())?, dense_as::<F>(layer, Some(&self.w))?);
        let w = w.ok_or_else(|| Error::bug(layer, "its weight is gone"))?;
        let (mut y, mut u) = (Fresh::<F>::new(layer, &sizes)?, Fresh::<F>::new(layer, &trace)?);
        let mut u_seq = if record { Some(Fresh::<F>::new(layer, &[steps as i64, samples, trace[2], trace[3]])?) } else { None };
        let norm = snn_kernels::NeuNorm { k: c.k, w: F::slice(layer, &w)? };
        let out = NeuNormOut { y: y.elements(), u: u.elements(), u_seq: u_seq.as_mut().map(Fresh::elements) };
        neunorm(&norm, sizes_of, F::slice(layer, &x_dense)?, opt_slice(layer, u0.as_ref())?, out).map_err(|e| Error::bug(layer, e))?;

        let mut outputs = vec![y.into_tensor(), u.into_tensor()];
        if let Some(u_seq) = u_seq {
            let u_seq = u_seq.into_tensor();
            let node = Node { layer: layer.to_string(), k: c.k, sizes: sizes_of, x: sizes, w: self.w.size(), trace };
            let (kind, from_state) = (self.w.kind(), s.x.is_some());
            outputs = attach("NeuNorm", &inputs, outputs, &[Save::Tensor(&u_seq), Save::Tensor(&w)], move |b| {
                let mut gradients = node.backward::<F>(&b)?;
                gradients[1] = gradients[1].take().map(|g| g.f_to_kind(kind)).transpose()?;
                gradients.truncate(if from_state { 3 } else { 2 });
                Ok(gradients)
            })
            .map_err(Error::in_layer(layer))?;
        }
        s.x = outputs.pop();
        outputs.pop().ok_or_else(|| Error::bug(layer, "the graph lost an output"))
    }
}

/// What the backward pass knows besides tensors: the trace of each step and the weights are saved, x is not needed.
struct Node {
    layer: String,
    k: f64,
    sizes: NeuNormSizes,
    /// Sizes of x, of the weights, of the state.
    x: Vec<i64>,
    w: Vec<i64>,
    trace: [i64; 4],
}

impl Node {
    /// Gradients of x, of the weights and of the first trace.
    fn backward<F: Elements>(&self, b: &Backward<'_>) -> Gradients {
        let layer = self.layer.as_str();
        let [Some(u_seq), Some(w)] = &b.saved[..] else { return Err("its traces were not saved".into()) };
        let (grad_y, grad_u) = (dense_as::<F>(layer, b.grads[0].as_ref())?, dense_as::<F>(layer, b.grads[1].as_ref())?);
        let fresh = |i: usize, sizes: &[i64]| match b.needs.get(i) {
            Some(true) => Fresh::<F>::new(layer, sizes).map(Some),
            _ => Ok(None),
        };
        let (mut grad_x, mut grad_w, mut grad_u0) = (fresh(0, &self.x)?, fresh(1, &self.w)?, fresh(2, &self.trace)?);
        neunorm_backward(
            &snn_kernels::NeuNorm { k: self.k, w: F::slice(layer, w)? },
            self.sizes,
            F::slice(layer, u_seq)?,
            opt_slice(layer, grad_y.as_ref())?,
            opt_slice(layer, grad_u.as_ref())?,
            NeuNormGrads {
                x: grad_x.as_mut().map(Fresh::elements),
                w: grad_w.as_mut().map(Fresh::elements),
                u0: grad_u0.as_mut().map(Fresh::elements),
            },
        )?;
        Ok([grad_x, grad_w, grad_u0].map(|g| g.map(Fresh::into_tensor)).into())
    }
}

impl Layer for NeuNorm {
    type Config = NeuNormConfig;
    type State = NeuNormState;

    fn build(scope: &Scope<'_>, c: NeuNormConfig) -> Result<Self> {
        positive(scope, &[("in_channels", c.in_channels), ("height", c.height), ("width", c.width)])?;
        if !c.k.is_finite() {
            return Err(Error::argument(scope.name(), "k", format!("must be a number, but is {:?}", c.k), ""));
        }
        let channels = if c.shared_across_channels { 1 } else { c.in_channels };
        let w = uniform(scope, "w", &[channels, c.height, c.width], c.height * c.width)?;
        Ok(NeuNorm { w, config: c, name: scope.name().to_string() })
    }

    fn state(&self) -> NeuNormState {
        NeuNormState::default()
    }

    fn step(&self, x: &Tensor, s: &mut NeuNormState, _: &Cx) -> Result<Tensor> {
        self.run(x, 0, s)
    }

    fn sequence(&self, x: &Tensor, s: &mut NeuNormState, _: &Cx) -> Result<Tensor> {
        self.run(x, 1, s)
    }
}
