//! `MPBNLIFNode`: a LIF whose charged potential is batch-normalised at every step.

use snn_kernels::{Draw, Mpbn, MpbnGradients, MpbnOut, Normalise, Refused, Statistics};
use tch::nn::Init;
use tch::{Kind, TchError, Tensor};

use super::firing::Firing;
use super::state::NeuronState;
use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::batchnorm::RunningStats;
use crate::checkpoint::recomputing;
use crate::elements::{Elements, Fresh, dense, in_its_kind, on_cpu};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer, Record};
use crate::report::probe;
use crate::scope::Scope;
use crate::state::{check_sizes, steps_of};
use crate::surrogate::Surrogate;
use crate::tap::Tap;
use crate::weights::{buffer, learnable, positive};

/// Of torch's batch normalisation.
const EPS: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Arguments of [`MPBNLIFNode`], in SpikingJelly's words. The default has SpikingJelly's values, and needs one of `out_features` and
/// `out_channels`.
#[derive(Clone, Debug, PartialEq)]
pub struct MPBNLIFNodeConfig {
    /// Membrane time constant in steps, greater than 1.
    pub tau: f64,
    /// Is the input divided by the time constant, too?
    pub decay_input: bool,
    /// The potential at which it fires; a learned threshold starts there, and it must be greater than 0.
    pub v_threshold: f64,
    /// The potential after a spike, to which it also leaks; `None`: the threshold is subtracted, and it leaks to 0.
    pub v_reset: Option<f64>,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
    /// Is the spike a constant in the reset, when gradients are taken?
    pub detach_reset: bool,
    /// Is the potential normalised? Else it is a plain LIF.
    pub mpbn: bool,
    /// Features, for `[N, features]`.
    pub out_features: Option<usize>,
    /// Channels, for `[N, channels, H, W]`.
    pub out_channels: Option<usize>,
    /// Is the threshold learned, one per feature or channel?
    pub learnable_vth: bool,
}

impl Default for MPBNLIFNodeConfig {
    fn default() -> Self {
        MPBNLIFNodeConfig {
            tau: 2.0,
            decay_input: false,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            surrogate_function: Surrogate::default(),
            detach_reset: false,
            mpbn: true,
            out_features: None,
            out_channels: None,
            learnable_vth: false,
        }
    }
}

/// LIF with membrane potential batch normalisation, from "Membrane Potential Batch Normalization for Spiking Neural Networks" (Guo et
/// al., ICCV 2023).
///
/// At every step: h = v - (v - v_reset) / tau + x, or with `decay_input` h = v + (x - (v - v_reset)) / tau; y = h normalised over the
/// batch, per feature or channel; s = 1 where y >= the threshold; v = y reset. In training the statistics are those of the step, and
/// the running ones move on once per step. A learned threshold is exp(a).
/// SpikingJelly equivalent: `neuron.MPBNLIFNode(..)`. There a soft reset subtracts `v_threshold` even where the threshold is learned;
/// here it subtracts the one that fires.
///
/// # Shapes
///
/// `[N, out_features]` or `[N, out_channels, H, W]` to the same; the state `v` has the same. In training a batch needs more than one
/// value per channel.
#[derive(Debug)]
pub struct MPBNLIFNode {
    /// What normalises; `None` without `mpbn`.
    pub vbn: Option<PotentialNorm>,
    /// One number per feature or channel: the logarithm of the threshold, starts at that of `v_threshold`; `None` if it is not learned.
    pub a: Option<Tensor>,
    config: MPBNLIFNodeConfig,
    firing: Firing,
    name: String,
}

/// The normalisation in an [`MPBNLIFNode`].
#[derive(Debug)]
pub struct PotentialNorm {
    /// One number per feature or channel, starts at 1.
    pub weight: Tensor,
    /// One number per feature or channel, starts at 0.
    pub bias: Tensor,
    /// Statistics for evaluation.
    pub running: RunningStats,
}

impl PotentialNorm {
    fn new(scope: &Scope<'_>, channels: usize) -> Result<Self> {
        let (sizes, kind) = ([channels], scope.path().kind());
        Ok(PotentialNorm {
            weight: learnable(scope, "weight", &sizes, Init::Const(1.0))?,
            bias: learnable(scope, "bias", &sizes, Init::Const(0.0))?,
            running: RunningStats {
                mean: buffer(scope, "running_mean", &sizes, 0, kind)?,
                var: buffer(scope, "running_var", &sizes, 1, kind)?,
                num_batches_tracked: buffer(scope, "num_batches_tracked", &[], 0, Kind::Int64)?,
            },
        })
    }

    /// Moves the running statistics on by some steps; `used` are their means and biased variances, of `values` numbers each.
    fn track(&self, used: &[Vec<[f64; 2]>], values: usize) -> Result<(), TchError> {
        if recomputing() {
            return Ok(());
        }
        let unbiased = values as f64 / (values as f64 - 1.0);
        let moved = |running: &Tensor, of_step: &dyn Fn(&[f64; 2]) -> f64| {
            let mut now = Vec::<f64>::try_from(running.f_to_kind(Kind::Double)?)?;
            for step in used {
                for (now, used) in now.iter_mut().zip(step) {
                    *now = (1.0 - MOMENTUM) * *now + MOMENTUM * of_step(used);
                }
            }
            running.shallow_clone().f_copy_(&Tensor::from_slice(&now))
        };
        tch::no_grad(|| {
            moved(&self.running.mean, &|used| used[0])?;
            moved(&self.running.var, &|used| used[1] * unbiased)?;
            let _counted = self.running.num_batches_tracked.shallow_clone().f_add_scalar_(used.len() as i64)?;
            Ok(())
        })
    }
}

impl MPBNLIFNode {
    fn new(scope: &Scope<'_>, config: MPBNLIFNodeConfig) -> Result<Self> {
        Refused::time_constant("tau", config.tau)
            .and_then(|()| Refused::threshold_and_reset(config.v_threshold, config.v_reset))
            .map_err(Error::refused(scope))?;
        if config.learnable_vth && !(config.v_threshold > 0.0 && config.v_threshold.is_finite()) {
            let problem = format!("must be greater than 0 and finite, but is {:?}", config.v_threshold);
            return Err(Error::argument(
                scope.name(),
                "v_threshold",
                problem,
                "a learned threshold is exp(a), and starts at `v_threshold`",
            ));
        }
        let firing = Firing::new(scope, config.surrogate_function)?;
        let channels = match (config.out_features, config.out_channels) {
            (Some(n), None) | (None, Some(n)) => n,
            (both, _) => {
                let (problem, help) = match both {
                    Some(_) => ("is given beside `out_features`", "give one of the two"),
                    None => ("is missing, and so is `out_features`", "give one: features of `[N, F]`, channels of `[N, C, H, W]`"),
                };
                return Err(Error::argument(scope.name(), "out_channels", problem, help));
            }
        };
        positive(scope, &[("out_features", config.out_features.unwrap_or(1)), ("out_channels", config.out_channels.unwrap_or(1))])?;
        let vbn = if config.mpbn { Some(PotentialNorm::new(&scope.child("vbn"), channels)?) } else { None };
        let a = match config.learnable_vth {
            true => Some(learnable(scope, "a", &[channels], Init::Const(config.v_threshold.ln()))?),
            false => None,
        };
        Ok(MPBNLIFNode { vbn, a, config, firing, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &MPBNLIFNodeConfig {
        &self.config
    }

    /// Samples, channels and neurons of a channel in one step.
    fn sizes(&self, step: &[i64]) -> Result<[usize; 3]> {
        match (step, self.config.out_features, self.config.out_channels) {
            ([n, f], Some(want), _) if *f == want as i64 => Ok([*n as usize, want, 1]),
            ([n, c, h, w], _, Some(want)) if *c == want as i64 => Ok([*n as usize, want, (h * w) as usize]),
            (_, features, channels) => {
                let wants = match (features, channels) {
                    (Some(f), _) => format!("[N, {f}]"),
                    (_, c) => format!("[N, {}, H, W]", c.unwrap_or(0)),
                };
                Err(Error::shape(&self.name, wants, step, "`out_features` is for [N, F], `out_channels` for [N, C, H, W]"))
            }
        }
    }

    fn run(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx, tap: Option<&mut Tap>) -> Result<Tensor> {
        on_cpu(&self.name, x)?;
        in_its_kind!(self.name, x, F => self.run_in::<F>(x, s, cx, tap))
    }

    /// `x` is `[T, N, ..]`.
    fn run_in<F: Elements>(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx, tap: Option<&mut Tap>) -> Result<Tensor> {
        let torch = Error::in_layer;
        let layer = self.name.as_str();
        let all = x.size();
        let (steps, step) = steps_of(layer, &all)?;
        let sizes = self.sizes(step)?;
        let values = sizes[0] * sizes[2];
        let of_batch = cx.train && self.vbn.is_some();
        if of_batch && values < 2 {
            let help = "use a larger batch, or `forward`, which evaluates with running statistics";
            return Err(Error::shape(layer, "more than one value per channel to take statistics of", step, help));
        }
        if let Some(v) = &s.v {
            check_sizes(layer, v, step)?;
        }
        let inputs = self.inputs::<F>(x, s, of_batch).map_err(torch(layer))?;
        let kept = inputs.map(|t| t.map(|t| dense(layer, t)).transpose())?;
        let call = Call { layer: layer.to_string(), steps, sizes, config: self.config.clone(), draw: self.firing.draw() };

        let (mut spikes, mut v) = (Fresh::<F>::new(layer, &all)?, Fresh::<F>::new(layer, step)?);
        let mut v_seq = tap.as_ref().is_some_and(|t| t.wants_voltage()).then(|| Fresh::<F>::new(layer, &all)).transpose()?;
        let out = MpbnOut { spikes: spikes.elements(), v: v.elements(), v_seq: v_seq.as_mut().map(Fresh::elements) };
        let used = call.with(&kept, |mpbn| mpbn.forward(out))?;
        let (spikes, v) = (spikes.into_tensor(), v.into_tensor());
        probe::fired(layer, &spikes, 1).map_err(torch(layer))?;

        let present: Vec<&Tensor> = inputs.0.iter().take(Inputs::GRADIENTS).flatten().collect();
        let (spikes, v) = if recorded(&present) {
            let save: Vec<Save<'_>> = kept.0.iter().map(|t| t.as_ref().map_or(Save::Nothing, Save::Tensor)).collect();
            let outputs = attach("MPBNLIFNode", &present, vec![spikes, v], &save, move |b| call.backward::<F>(b)).map_err(torch(layer))?;
            <[Tensor; 2]>::try_from(outputs).map_err(|_| Error::bug(layer, "the graph lost an output"))?.into()
        } else {
            (spikes, v)
        };
        if let (true, Some(vbn)) = (of_batch, &self.vbn) {
            vbn.track(&used, values).map_err(torch(layer))?;
        }
        if let Some(tap) = tap {
            let v_seq = v_seq.map(Fresh::into_tensor);
            tap.push_sequence(&spikes, v_seq.as_ref().unwrap_or(&v))?;
        }
        s.v = Some(v);
        Ok(spikes)
    }

    /// Everything that the kernel reads, in the element type of `x`.
    fn inputs<F: Elements>(&self, x: &Tensor, s: &NeuronState, of_batch: bool) -> Result<Inputs, TchError> {
        let threshold = match &self.a {
            Some(a) => a.f_exp()?,
            None => Tensor::from_slice(&[self.config.v_threshold]),
        };
        let of = |t: &Tensor| t.f_to_kind(F::KIND).map(Some);
        let vbn = |get: fn(&PotentialNorm) -> &Tensor| self.vbn.as_ref().map_or(Ok(None), |vbn| of(get(vbn)));
        // Copies: training may move the statistics on before a backward of this pass.
        let given = self.vbn.as_ref().filter(|_| !of_batch).map(|vbn| &vbn.running);
        let given = |get: fn(&RunningStats) -> &Tensor| given.map_or(Ok(None), |stats| of(&get(stats).f_detach_copy()?));
        Ok(Inputs([
            of(x)?,
            s.v.as_ref().map_or(Ok(None), of)?,
            of(&threshold)?,
            vbn(|n| &n.weight)?,
            vbn(|n| &n.bias)?,
            given(|stats| &stats.mean)?,
            given(|stats| &stats.var)?,
        ]))
    }
}

/// x, the first potential, the threshold, weight and bias, and the running mean and variance where those of the batch do not count.
struct Inputs([Option<Tensor>; 7]);

impl Inputs {
    /// So many of them can have a gradient.
    const GRADIENTS: usize = 5;

    fn map(&self, mut f: impl FnMut(Option<&Tensor>) -> Result<Option<Tensor>>) -> Result<Inputs> {
        let mut mapped = Inputs(Default::default());
        for (to, from) in mapped.0.iter_mut().zip(&self.0) {
            *to = f(from.as_ref())?;
        }
        Ok(mapped)
    }
}

/// The arguments of one call that are no tensors.
struct Call {
    layer: String,
    steps: usize,
    sizes: [usize; 3],
    config: MPBNLIFNodeConfig,
    draw: Draw,
}

impl Call {
    fn with<F: Elements, R>(&self, inputs: &Inputs, kernel: impl FnOnce(&Mpbn<'_, F>) -> Result<R, snn_kernels::Error>) -> Result<R> {
        let layer = self.layer.as_str();
        let slice = |i: usize| inputs.0[i].as_ref().map(|t| F::slice(layer, t)).transpose();
        let missing = || Error::bug(layer, "a kernel misses an argument");
        let statistics = match (slice(5)?, slice(6)?) {
            (Some(mean), Some(var)) => Statistics::Running { mean, var },
            _ => Statistics::Batch,
        };
        let normalise = match (slice(3)?, slice(4)?) {
            (Some(weight), Some(bias)) => Some(Normalise { statistics, eps: EPS, weight, bias }),
            _ => None,
        };
        let mpbn = Mpbn {
            steps: self.steps,
            sizes: self.sizes,
            x: slice(0)?.ok_or_else(missing)?,
            v0: slice(1)?,
            tau: F::of(self.config.tau),
            decay_input: self.config.decay_input,
            normalise,
            v_threshold: slice(2)?.ok_or_else(missing)?,
            v_reset: self.config.v_reset.map(F::of),
            detach_reset: self.config.detach_reset,
            surrogate: self.config.surrogate_function,
            draw: self.draw,
        };
        kernel(&mpbn).map_err(|e| Error::bug(layer, e))
    }

    fn backward<F: Elements>(&self, b: Backward<'_>) -> Gradients {
        let layer = self.layer.as_str();
        let Backward { grads, saved, needs } = b;
        let saved = Inputs(saved.try_into().map_err(|_| "what it saved is gone")?);
        let gradient = |g: &Option<Tensor>| g.as_ref().map(|g| dense(layer, &g.f_to_kind(F::KIND)?)).transpose();
        let (grad_spikes, grad_v) = (gradient(&grads[0])?, gradient(&grads[1])?);
        let fresh = |i: usize| saved.0[i].as_ref().map(|t| Fresh::<F>::new(layer, &t.size())).transpose();
        let (mut grad_x, mut grad_v0) = (fresh(0)?, fresh(1)?);
        let out = MpbnGradients { x: grad_x.as_mut().map(Fresh::elements), v0: grad_v0.as_mut().map(Fresh::elements) };
        let grad_spikes = grad_spikes.as_ref().map(|g| F::slice(layer, g)).transpose()?;
        let grad_v = grad_v.as_ref().map(|g| F::slice(layer, g)).transpose()?;
        let parameters = self.with(&saved, |mpbn| mpbn.backward(grad_spikes, grad_v, out))?;

        let row = |values: &[f64]| Tensor::from_slice(values).f_to_kind(F::KIND).map(Some);
        let all = [
            grad_x.map(Fresh::into_tensor),
            grad_v0.map(Fresh::into_tensor),
            row(&parameters.v_threshold)?,
            row(&parameters.weight)?,
            row(&parameters.bias)?,
        ];
        // One for each input that there was, in order.
        let given: Vec<Option<Tensor>> = all.into_iter().zip(&saved.0).filter(|(_, input)| input.is_some()).map(|(g, _)| g).collect();
        Ok(given.into_iter().zip(needs).map(|(g, &needed)| g.filter(|_| needed)).collect())
    }
}

impl Layer for MPBNLIFNode {
    type Config = MPBNLIFNodeConfig;
    type State = NeuronState;

    fn build(scope: &Scope<'_>, config: MPBNLIFNodeConfig) -> Result<Self> {
        MPBNLIFNode::new(scope, config)
    }

    fn state(&self) -> NeuronState {
        NeuronState::default()
    }

    fn step(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx) -> Result<Tensor> {
        let x = x.f_unsqueeze(0).map_err(Error::in_layer(&self.name))?;
        self.run(&x, s, cx, None)?.f_squeeze_dim(0).map_err(Error::in_layer(&self.name))
    }

    fn sequence(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx) -> Result<Tensor> {
        self.run(x, s, cx, None)
    }
}

impl Record for MPBNLIFNode {
    fn step_recorded(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx, tap: &mut Tap) -> Result<Tensor> {
        let spikes = self.step(x, s, cx)?;
        if let Some(v) = &s.v {
            tap.push_step(&spikes, v)?;
        }
        Ok(spikes)
    }

    fn sequence_recorded(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.run(x, s, cx, Some(tap))
    }

    fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut NeuronState, cx: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.run(&crate::ops::at_every_step(x, steps)?, s, cx, Some(tap))
    }
}
