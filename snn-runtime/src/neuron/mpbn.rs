//! `MPBNLIFNode`: a LIF whose charged potential is batch-normalised at every step.

mod device;

use snn_kernels::{Draw, Mpbn, MpbnGradients, MpbnOut, Normalise, Refused, Statistics};
use tch::nn::Init;
use tch::{Device, Kind, TchError, Tensor};

use super::firing::Firing;
use super::state::NeuronState;
use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::batchnorm::RunningStats;
use crate::checkpoint::recomputing;
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, opt_slice};
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

    /// Moves the running statistics on by some steps; `used` (`[steps, channels, 2]`, in `f64`) are their means and biased variances, of
    /// `values` numbers each. Nothing is read back from a device.
    fn track(&self, used: &Tensor, values: usize) -> Result<(), TchError> {
        if recomputing() {
            return Ok(());
        }
        let unbiased = values as f64 / (values as f64 - 1.0);
        let moved = |running: &Tensor, which: i64, scale: f64| {
            let mut now = running.f_to_kind(Kind::Double)?;
            for step in 0..used.size()[0] {
                let used = used.f_get(step)?.f_select(1, which)?.f_mul_scalar(scale)?;
                now = now.f_mul_scalar(1.0 - MOMENTUM)?.f_add(&used.f_mul_scalar(MOMENTUM)?)?;
            }
            running.shallow_clone().f_copy_(&now)
        };
        tch::no_grad(|| {
            moved(&self.running.mean, 0, 1.0)?;
            moved(&self.running.var, 1, unbiased)?;
            let _counted = self.running.num_batches_tracked.shallow_clone().f_add_scalar_(used.size()[0])?;
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

    /// `x` is `[T, N, ..]`.
    fn run(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx, tap: Option<&mut Tap>) -> Result<Tensor> {
        let torch = Error::in_layer;
        let layer = self.name.as_str();
        let on = Launcher::of(layer, x)?;
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
        let inputs = self.inputs(x, on.as_ref().map_or(x.kind(), Launcher::compute), s, of_batch).map_err(torch(layer))?;
        let kept = inputs.map(|t| t.map(|t| dense(layer, t)).transpose())?;
        let call = Call { layer: layer.to_string(), kind: x.kind(), steps, sizes, config: self.config.clone(), draw: self.firing.draw() };

        let wants_seq = tap.as_ref().is_some_and(|t| t.wants_voltage());
        let Run { spikes, v, v_seq, used } = match &on {
            Some(on) => {
                on.tell(&self.firing.told, "MPBNLIFNode");
                call.forward_on(on, &kept, wants_seq)?
            }
            None => in_its_kind!(layer, x, F => call.forward::<F>(&kept, wants_seq))?,
        };
        probe::fired(layer, &spikes, 1).map_err(torch(layer))?;

        let present: Vec<&Tensor> = inputs.0.iter().take(Inputs::GRADIENTS).flatten().collect();
        if let (true, Some(vbn), Some(used)) = (of_batch, &self.vbn, &used) {
            vbn.track(used, values).map_err(torch(layer))?;
        }
        let (spikes, v) = if recorded(&present) {
            // The statistics of the batch are saved for a device, where they are expensive.
            let of_device = on.as_ref().and(used.as_ref());
            let save = kept.0.iter().map(Option::as_ref).chain([of_device]).map(|t| t.map_or(Save::Nothing, Save::Tensor));
            let save: Vec<Save<'_>> = save.collect();
            let outputs = attach("MPBNLIFNode", &present, vec![spikes, v], &save, move |b| call.backward(b)).map_err(torch(layer))?;
            <[Tensor; 2]>::try_from(outputs).map_err(|_| Error::bug(layer, "the graph lost an output"))?.into()
        } else {
            (spikes, v)
        };
        if let Some(tap) = tap {
            tap.push_sequence(&spikes, v_seq.as_ref().unwrap_or(&v))?;
        }
        s.v = Some(v);
        Ok(spikes)
    }

    /// Everything that the kernel reads: x as it is, the rest in that kind.
    fn inputs(&self, x: &Tensor, kind: Kind, s: &NeuronState, of_batch: bool) -> Result<Inputs, TchError> {
        let threshold = match &self.a {
            Some(a) => a.f_exp()?,
            // Made where it is needed: nothing is sent to a device.
            None => Tensor::f_full([1], self.config.v_threshold, (kind, x.device()))?,
        };
        let of = |t: &Tensor| t.f_to_kind(kind).map(Some);
        let vbn = |get: fn(&PotentialNorm) -> &Tensor| self.vbn.as_ref().map_or(Ok(None), |vbn| of(get(vbn)));
        // Copies: training may move the statistics on before a backward of this pass.
        let given = self.vbn.as_ref().filter(|_| !of_batch).map(|vbn| &vbn.running);
        let given = |get: fn(&RunningStats) -> &Tensor| given.map_or(Ok(None), |stats| of(&get(stats).f_detach_copy()?));
        Ok(Inputs([
            Some(x.shallow_clone()),
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

    fn x(&self, layer: &str) -> Result<&Tensor> {
        self.0[0].as_ref().ok_or_else(|| Error::bug(layer, "its input is gone"))
    }

    fn map(&self, mut f: impl FnMut(Option<&Tensor>) -> Result<Option<Tensor>>) -> Result<Inputs> {
        let mut mapped = Inputs(Default::default());
        for (to, from) in mapped.0.iter_mut().zip(&self.0) {
            *to = f(from.as_ref())?;
        }
        Ok(mapped)
    }
}

/// What the forward pass gives.
struct Run {
    spikes: Tensor,
    v: Tensor,
    /// The potential after each step, if it was wanted.
    v_seq: Option<Tensor>,
    /// `[steps, channels, 2]`, in `f64`: mean and biased variance that were used; `None` without normalisation.
    used: Option<Tensor>,
}

/// The arguments of one call that are no tensors.
struct Call {
    layer: String,
    /// Of x.
    kind: Kind,
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

    fn forward<F: Elements>(&self, kept: &Inputs, wants_seq: bool) -> Result<Run> {
        let (layer, all) = (self.layer.as_str(), kept.x(&self.layer)?.size());
        let (mut spikes, mut v) = (Fresh::<F>::new(layer, &all)?, Fresh::<F>::new(layer, &all[1..])?);
        let mut v_seq = wants_seq.then(|| Fresh::<F>::new(layer, &all)).transpose()?;
        let out = MpbnOut { spikes: spikes.elements(), v: v.elements(), v_seq: v_seq.as_mut().map(Fresh::elements) };
        let used = self.with(kept, |mpbn| mpbn.forward(out))?;
        let sizes = [used.len() as i64, self.sizes[1] as i64, 2];
        let used = (!used.is_empty()).then(|| Tensor::f_from_slice(&used.concat().concat()).and_then(|used| used.f_reshape(sizes)));
        let used = used.transpose().map_err(Error::in_layer(layer))?;
        Ok(Run { spikes: spikes.into_tensor(), v: v.into_tensor(), v_seq: v_seq.map(Fresh::into_tensor), used })
    }

    fn backward(&self, b: Backward<'_>) -> Gradients {
        let Backward { grads, mut saved, needs } = b;
        let used = saved.pop().flatten();
        let saved = Inputs(saved.try_into().map_err(|_| "what it saved is gone")?);
        let x = saved.x(&self.layer)?;
        let all = match x.device() {
            Device::Cpu => in_its_kind!(self.layer, x, F => self.backward_in::<F>(&grads, &saved))?,
            _ => self.backward_on(&Launcher::at(&self.layer, x, self.kind)?, &grads, &saved, used.as_ref())?,
        };
        // One for each input that there was, in order.
        let given: Vec<Option<Tensor>> = all.into_iter().zip(&saved.0).filter(|(_, input)| input.is_some()).map(|(g, _)| g).collect();
        Ok(given.into_iter().zip(needs).map(|(g, &needed)| g.filter(|_| needed)).collect())
    }

    /// Gradients of all [`Inputs`] that can have one.
    fn backward_in<F: Elements>(&self, grads: &[Option<Tensor>], saved: &Inputs) -> Result<[Option<Tensor>; Inputs::GRADIENTS]> {
        let layer = self.layer.as_str();
        let (grad_spikes, grad_v) = (dense_as::<F>(layer, grads[0].as_ref())?, dense_as::<F>(layer, grads[1].as_ref())?);
        let fresh = |i: usize| saved.0[i].as_ref().map(|t| Fresh::<F>::new(layer, &t.size())).transpose();
        let (mut grad_x, mut grad_v0) = (fresh(0)?, fresh(1)?);
        let out = MpbnGradients { x: grad_x.as_mut().map(Fresh::elements), v0: grad_v0.as_mut().map(Fresh::elements) };
        let (of_spikes, of_v) = (opt_slice(layer, grad_spikes.as_ref())?, opt_slice(layer, grad_v.as_ref())?);
        let parameters = self.with::<F, _>(saved, |mpbn| mpbn.backward(of_spikes, of_v, out))?;
        let row = |values: &[f64]| Tensor::f_from_slice(values)?.f_to_kind(F::KIND);
        let [v_threshold, weight, bias] =
            [&parameters.v_threshold, &parameters.weight, &parameters.bias].map(|values| row(values).map_err(Error::in_layer(layer)));
        Ok([grad_x.map(Fresh::into_tensor), grad_v0.map(Fresh::into_tensor), Some(v_threshold?), Some(weight?), Some(bias?)])
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
