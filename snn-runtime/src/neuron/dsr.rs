//! `DSRIFNode` and `DSRLIFNode`: spikes forward, rates backward.

mod device;

use std::sync::Once;

use snn_kernels::{Dsr, DsrLeak};
use tch::nn::Init;
use tch::{Kind, TchError, Tensor};

use super::parallel::{check_steps, whole_sequences};
use crate::autograd::{Backward, Gradients, attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, in_its_kind};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::scope::Scope;
use crate::state::steps_of;
use crate::weights::{learnable, positive};

/// Arguments of [`DSRIFNode`], in SpikingJelly's words. The default has SpikingJelly's values.
#[derive(Clone, Debug, PartialEq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct DSRIFNodeConfig {
    /// Steps of a sequence.
    pub T: usize,
    /// Height of a spike.
    pub v_threshold: f64,
    /// It fires at this share of the threshold, from above 0 up to 1.
    pub alpha: f64,
    /// Is the threshold learned?
    pub v_threshold_training: bool,
    /// Multiplies the threshold's gradient.
    pub v_threshold_grad_scaling: f64,
    /// A learned threshold that has fallen below is set to it before a sequence.
    pub v_threshold_lower_bound: f64,
}

impl Default for DSRIFNodeConfig {
    fn default() -> Self {
        DSRIFNodeConfig {
            T: 20,
            v_threshold: 6.0,
            alpha: 0.5,
            v_threshold_training: true,
            v_threshold_grad_scaling: 1.0,
            v_threshold_lower_bound: 0.01,
        }
    }
}

/// Arguments of [`DSRLIFNode`], in SpikingJelly's words. The default has SpikingJelly's values.
#[derive(Clone, Debug, PartialEq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct DSRLIFNodeConfig {
    /// Steps of a sequence.
    pub T: usize,
    /// Height of a spike, times `delta_t`.
    pub v_threshold: f64,
    /// Membrane time constant, greater than 0.
    pub tau: f64,
    /// Length of a step in the units of `tau`.
    pub delta_t: f64,
    /// It fires at this share of the threshold, from above 0 up to 1.
    pub alpha: f64,
    /// Is the threshold learned?
    pub v_threshold_training: bool,
    /// Multiplies the threshold's gradient.
    pub v_threshold_grad_scaling: f64,
    /// A learned threshold that has fallen below is set to it before a sequence.
    pub v_threshold_lower_bound: f64,
}

impl Default for DSRLIFNodeConfig {
    fn default() -> Self {
        DSRLIFNodeConfig {
            T: 20,
            v_threshold: 1.0,
            tau: 2.0,
            delta_t: 0.05,
            alpha: 0.3,
            v_threshold_training: true,
            v_threshold_grad_scaling: 1.0,
            v_threshold_lower_bound: 0.1,
        }
    }
}

/// Integrate and fire, trained by differentiation on spike representation, from "Training High-Performance Low-Latency Spiking Neural
/// Networks by Differentiation on Spike Representation" (Meng et al., CVPR 2022).
///
/// v = v + x, s = v_threshold where v >= alpha v_threshold, v = v - s; v starts at 0 in every sequence. Backward only mean rates
/// count: the mean output is the mean input clamped to 0 .. v_threshold, and has that slope. A spike is as high as the threshold,
/// which is learned. SpikingJelly equivalent: `neuron.DSRIFNode(..)`.
///
/// # Shapes
///
/// `[T, N, ..]` to the same, with exactly the T it was built for.
#[derive(Debug)]
pub struct DSRIFNode {
    /// One number; `None` if it is not learned.
    pub v_threshold: Option<Tensor>,
    config: DSRIFNodeConfig,
    name: String,
    /// Said which kernel it has on a device?
    told: Once,
}

/// Leaky integrate and fire, trained by differentiation on spike representation, from "Training High-Performance Low-Latency Spiking
/// Neural Networks by Differentiation on Spike Representation" (Meng et al., CVPR 2022).
///
/// v = beta v + (1 - beta) x with beta = exp(-delta_t / tau), s = v_threshold where v >= alpha v_threshold, v = v - s; the output is
/// s / delta_t, and v starts at 0 in every sequence. Backward only rates count, in which late steps weigh more: the output's is the
/// input's over tau between 0 and the one that saturates it. The threshold is learned.
/// SpikingJelly equivalent: `neuron.DSRLIFNode(..)`.
///
/// # Shapes
///
/// `[T, N, ..]` to the same, with exactly the T it was built for.
#[derive(Debug)]
pub struct DSRLIFNode {
    /// One number; `None` if it is not learned.
    pub v_threshold: Option<Tensor>,
    config: DSRLIFNodeConfig,
    name: String,
    /// Said which kernel it has on a device?
    told: Once,
}

impl DSRIFNode {
    fn new(scope: &Scope<'_>, config: DSRIFNodeConfig) -> Result<Self> {
        let threshold = Threshold::of_if(&config);
        check(scope, config.T, config.alpha, &threshold)?;
        let v_threshold = threshold.register(scope, config.v_threshold_training)?;
        Ok(DSRIFNode { v_threshold, config, name: scope.name().to_string(), told: Once::new() })
    }

    /// What it was built with.
    pub fn config(&self) -> &DSRIFNodeConfig {
        &self.config
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        check_steps(&self.name, self.config.T, x)?;
        let (alpha, threshold, learned) = (self.config.alpha, Threshold::of_if(&self.config), self.v_threshold.as_ref());
        Rates { layer: &self.name, label: "DSRIFNode", told: &self.told, leak: None, alpha, threshold, learned }.run(x)
    }
}

impl DSRLIFNode {
    fn new(scope: &Scope<'_>, config: DSRLIFNodeConfig) -> Result<Self> {
        let threshold = Threshold::of_lif(&config);
        check(scope, config.T, config.alpha, &threshold)?;
        for (argument, value) in [("tau", config.tau), ("delta_t", config.delta_t)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::argument(scope.name(), argument, format!("must be greater than 0, but is {value:?}"), ""));
            }
        }
        let v_threshold = threshold.register(scope, config.v_threshold_training)?;
        Ok(DSRLIFNode { v_threshold, config, name: scope.name().to_string(), told: Once::new() })
    }

    /// What it was built with.
    pub fn config(&self) -> &DSRLIFNodeConfig {
        &self.config
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        check_steps(&self.name, self.config.T, x)?;
        let (alpha, threshold, learned) = (self.config.alpha, Threshold::of_lif(&self.config), self.v_threshold.as_ref());
        let leak = Some(DsrLeak { tau: self.config.tau, delta_t: self.config.delta_t });
        Rates { layer: &self.name, label: "DSRLIFNode", told: &self.told, leak, alpha, threshold, learned }.run(x)
    }
}

whole_sequences!(DSRIFNode, DSRIFNodeConfig);
whole_sequences!(DSRLIFNode, DSRLIFNodeConfig);

/// What both say of their threshold.
#[derive(Clone, Copy)]
struct Threshold {
    start: f64,
    lower_bound: f64,
    grad_scaling: f64,
}

impl Threshold {
    fn of_if(c: &DSRIFNodeConfig) -> Threshold {
        Threshold { start: c.v_threshold, lower_bound: c.v_threshold_lower_bound, grad_scaling: c.v_threshold_grad_scaling }
    }

    fn of_lif(c: &DSRLIFNodeConfig) -> Threshold {
        Threshold { start: c.v_threshold, lower_bound: c.v_threshold_lower_bound, grad_scaling: c.v_threshold_grad_scaling }
    }

    fn register(&self, scope: &Scope<'_>, learned: bool) -> Result<Option<Tensor>> {
        match learned {
            true => learnable(scope, "v_threshold", &[], Init::Const(self.start)).map(Some),
            false => Ok(None),
        }
    }
}

#[allow(non_snake_case, reason = "SpikingJelly's name")]
fn check(scope: &Scope<'_>, T: usize, alpha: f64, threshold: &Threshold) -> Result<()> {
    positive(scope, &[("T", T)])?;
    let argument = |name, problem: String, help| Err(Error::argument(scope.name(), name, problem, help));
    if !(alpha > 0.0 && alpha <= 1.0) {
        return argument(
            "alpha",
            format!("must be above 0 and at most 1, but is {alpha:?}"),
            "it is the share of the threshold at which it fires",
        );
    }
    let Threshold { start, lower_bound, .. } = *threshold;
    if !(lower_bound > 0.0 && lower_bound.is_finite()) {
        return argument("v_threshold_lower_bound", format!("must be greater than 0, but is {lower_bound:?}"), "");
    }
    if !(start >= lower_bound && start.is_finite()) {
        return argument(
            "v_threshold",
            format!("must be at least {lower_bound:?}, but is {start:?}"),
            "`v_threshold_lower_bound` is its bound",
        );
    }
    Ok(())
}

/// Either of the two at work.
struct Rates<'a> {
    layer: &'a str,
    label: &'static str,
    told: &'a Once,
    leak: Option<DsrLeak>,
    alpha: f64,
    threshold: Threshold,
    learned: Option<&'a Tensor>,
}

impl Rates<'_> {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        match Launcher::of(self.layer, x)? {
            Some(on) if on.compute() == Kind::Double => self.run_on::<f64>(&on, x),
            Some(on) => self.run_on::<f32>(&on, x),
            None => in_its_kind!(self.layer, x, F => self.run_in::<F>(x)),
        }
    }

    /// With the threshold as it is now, which may be lifted.
    fn kernel<F: Elements>(&self) -> Result<Dsr<F>> {
        let threshold = match self.learned {
            Some(v) => lifted(v, self.threshold.lower_bound).map_err(Error::in_layer(self.layer))?,
            None => self.threshold.start,
        };
        Ok(Dsr { v_threshold: F::of(threshold), alpha: F::of(self.alpha), leak: self.leak })
    }

    fn run_in<F: Elements>(&self, x: &Tensor) -> Result<Tensor> {
        let sizes = x.size();
        let (steps, step) = steps_of(self.layer, &sizes)?;
        let neurons = step.iter().product::<i64>() as usize;
        let kernel = self.kernel::<F>()?;
        let dense_x = dense(self.layer, x)?;
        let mut spikes = Fresh::<F>::new(self.layer, &sizes)?;
        let mut regime = vec![0; neurons];
        kernel.forward(steps, F::slice(self.layer, &dense_x)?, spikes.elements(), &mut regime).map_err(|e| Error::bug(self.layer, e))?;
        let spikes = spikes.into_tensor();
        probe::fired(self.layer, &spikes, 1).map_err(Error::in_layer(self.layer))?;
        let inputs: Vec<&Tensor> = [Some(x), self.learned].into_iter().flatten().collect();
        if !recorded(&inputs) {
            return Ok(spikes);
        }
        let scaling = self.threshold.grad_scaling;
        let backward = Replay { layer: self.layer.to_string(), kernel, regime, sizes, scaling, learned: self.learned.map(Tensor::kind) };
        attach_one(self.layer, self.label, &inputs, spikes, &[], move |b| backward.run(&b))
    }
}

/// A learned threshold, set to its bound if it has fallen below. SpikingJelly does the same, and leaves its gradient alone: from
/// the bound it may rise again.
fn lifted(v_threshold: &Tensor, bound: f64) -> Result<f64, TchError> {
    tch::no_grad(|| {
        // In the kind of the threshold, which may round it.
        let bound = v_threshold.f_full_like(bound)?.f_double_value(&[])?;
        if v_threshold.f_double_value(&[])? < bound {
            let _lifted = v_threshold.shallow_clone().f_fill_(bound)?;
        }
        v_threshold.f_double_value(&[])
    })
}

/// The backward pass of one node.
struct Replay<F> {
    layer: String,
    kernel: Dsr<F>,
    /// Where the input's rate lies, one byte per neuron.
    regime: Vec<u8>,
    sizes: Vec<i64>,
    scaling: f64,
    /// The kind of the threshold, if it is learned.
    learned: Option<Kind>,
}

impl<F: Elements> Replay<F> {
    fn run(&self, b: &Backward<'_>) -> Gradients {
        let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let grad = dense(&self.layer, &grad.f_to_kind(F::KIND)?)?;
        let mut grad_x = Fresh::<F>::new(&self.layer, &self.sizes[1..])?;
        let steps = self.sizes[0] as usize;
        let of_threshold = self.kernel.backward(steps, F::slice(&self.layer, &grad)?, &self.regime, grad_x.elements())?;
        // The same at every step: one row, seen T times.
        let mut gradients = vec![Some(grad_x.into_tensor().f_unsqueeze(0)?.f_expand(&self.sizes, false)?)];
        if let Some(kind) = self.learned {
            gradients.push(Some(Tensor::from(of_threshold * self.scaling).f_to_kind(kind)?));
        }
        Ok(gradients)
    }
}
