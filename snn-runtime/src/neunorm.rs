//! `NeuNorm`. In: spikes `[N, C, H, W]`; out: the same less what their neighbours in other channels fired; state: that trace.

mod device;

use std::sync::Once;

use snn_kernels::{NeuNormGrads, NeuNormOut, NeuNormSizes, neunorm, neunorm_backward};
use tch::{Device, Kind, Tensor};

use crate::autograd::{Backward, Save, attach, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, opt_slice};
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
    /// Said which kernel it has on a device?
    told: Once,
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
        let (steps, samples) = match leading {
            0 => (1, sizes[0]),
            _ => steps_of(&self.name, &sizes).map(|(steps, step)| (steps, step[0]))?,
        };
        let trace = [samples, 1, want[1], want[2]];
        if let Some(u0) = &s.x {
            check_sizes(&self.name, u0, &trace)?;
        }
        let node = Node {
            layer: self.name.clone(),
            k: c.k,
            sizes: NeuNormSizes { steps, samples: samples as usize, channels: c.in_channels, pixels: c.height * c.width },
            x: sizes,
            kind: x.kind(),
            w: self.w.size(),
            trace,
        };
        let inputs: Vec<&Tensor> = [Some(x), Some(&self.w), s.x.as_ref()].into_iter().flatten().collect();
        let record = recorded(&inputs);
        let Run { y, u, u_seq, w } = match Launcher::of(&self.name, x)? {
            Some(on) => {
                on.tell(&self.told, "NeuNorm");
                node.forward_on(&on, x, &self.w, s.x.as_ref(), record)?
            }
            None => in_its_kind!(self.name, x, F => node.forward::<F>(x, &self.w, s.x.as_ref(), record))?,
        };

        let mut outputs = vec![y, u];
        if let Some(u_seq) = u_seq {
            let (kind, from_state) = (self.w.kind(), s.x.is_some());
            outputs = attach("NeuNorm", &inputs, outputs, &[Save::Tensor(&u_seq), Save::Tensor(&w)], move |b| {
                let [Some(u_seq), Some(w)] = &b.saved[..] else { return Err("its traces were not saved".into()) };
                let [grad_x, grad_w, grad_u0] = match u_seq.device() {
                    Device::Cuda(_) => node.backward_on(&Launcher::at(&node.layer, u_seq, node.kind)?, &b, u_seq, w)?,
                    _ => in_its_kind!(node.layer, u_seq, F => node.backward::<F>(&b, u_seq, w))?,
                };
                let mut gradients = vec![grad_x, grad_w.map(|g| g.f_to_kind(kind)).transpose()?];
                gradients.extend(from_state.then_some(grad_u0));
                Ok(gradients)
            })
            .map_err(Error::in_layer(&self.name))?;
        }
        s.x = outputs.pop();
        outputs.pop().ok_or_else(|| Error::bug(&self.name, "the graph lost an output"))
    }
}

/// What the forward pass gives.
struct Run {
    y: Tensor,
    u: Tensor,
    /// For the backward pass: the trace of each step, and the weights as the kernels read them.
    u_seq: Option<Tensor>,
    w: Tensor,
}

/// What the backward pass knows besides tensors: the trace of each step and the weights are saved, x is not needed.
struct Node {
    layer: String,
    k: f64,
    sizes: NeuNormSizes,
    /// Sizes of x, of the weights, of the state.
    x: Vec<i64>,
    kind: Kind,
    w: Vec<i64>,
    trace: [i64; 4],
}

impl Node {
    /// Sizes of the traces after each step.
    fn traces(&self) -> [i64; 4] {
        let [samples, _, height, width] = self.trace;
        [self.sizes.steps as i64, samples, height, width]
    }

    fn forward<F: Elements>(&self, x: &Tensor, w: &Tensor, u0: Option<&Tensor>, record: bool) -> Result<Run> {
        let layer = self.layer.as_str();
        let (x, u0, w) = (dense(layer, x)?, dense_as::<F>(layer, u0)?, dense_as::<F>(layer, Some(w))?);
        let w = w.ok_or_else(|| Error::bug(layer, "its weight is gone"))?;
        let (mut y, mut u) = (Fresh::<F>::new(layer, &self.x)?, Fresh::<F>::new(layer, &self.trace)?);
        let mut u_seq = if record { Some(Fresh::<F>::new(layer, &self.traces())?) } else { None };
        let norm = snn_kernels::NeuNorm { k: self.k, w: F::slice(layer, &w)? };
        let out = NeuNormOut { y: y.elements(), u: u.elements(), u_seq: u_seq.as_mut().map(Fresh::elements) };
        neunorm(&norm, self.sizes, F::slice(layer, &x)?, opt_slice(layer, u0.as_ref())?, out).map_err(|e| Error::bug(layer, e))?;
        Ok(Run { y: y.into_tensor(), u: u.into_tensor(), u_seq: u_seq.map(Fresh::into_tensor), w })
    }

    /// Gradients of x, of the weights and of the first trace.
    fn backward<F: Elements>(&self, b: &Backward<'_>, u_seq: &Tensor, w: &Tensor) -> Result<[Option<Tensor>; 3]> {
        let layer = self.layer.as_str();
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
        )
        .map_err(|e| Error::bug(layer, e))?;
        Ok([grad_x, grad_w, grad_u0].map(|g| g.map(Fresh::into_tensor)))
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
        Ok(NeuNorm { w, config: c, name: scope.name().to_string(), told: Once::new() })
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
