//! `GatedLIFNode`: a LIF whose leak, input and reset are learned blends, per channel.

mod device;

use snn_kernels::{Draw, GATED_LIF_CONSTANTS, GatedLif, GatedLifGradients};
use tch::nn::Init;
use tch::{Device, Kind, TchError, Tensor};

use super::firing::Firing;
use super::parallel::check_steps;
use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, opt_slice};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer, Record};
use crate::report::probe;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::state::{State, check_sizes, steps_of};
use crate::surrogate::Surrogate;
use crate::tap::Tap;
use crate::weights::{learnable, positive};

/// Arguments of [`GatedLIFNode`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct GatedLIFNodeConfig {
    /// Steps of a sequence.
    pub T: usize,
    /// Channels, each with parameters of its own; `None`: one set for the layer.
    pub inplane: Option<usize>,
    /// What is subtracted at every step, at first; `None`: `init_v_threshold` / (2 T).
    pub init_linear_decay: Option<f64>,
    /// What the soft reset subtracts, at first; `None`: `init_v_threshold`.
    pub init_v_subreset: Option<f64>,
    /// The share that an exponential leak keeps, at first.
    pub init_tau: f64,
    /// The potential at which it fires, at first.
    pub init_v_threshold: f64,
    /// The weight of the input at each step, at first.
    pub init_conduct: f64,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
}

impl GatedLIFNodeConfig {
    /// SpikingJelly's defaults for the rest.
    #[allow(non_snake_case, reason = "as the field")]
    pub fn new(T: usize) -> Self {
        GatedLIFNodeConfig {
            T,
            inplane: None,
            init_linear_decay: None,
            init_v_subreset: None,
            init_tau: 0.25,
            init_v_threshold: 0.5,
            init_conduct: 0.5,
            surrogate_function: Surrogate::default(),
        }
    }

    /// Name and start of the parameters that have one; all of them end up between 0 and 1.
    fn starts(&self) -> [(&'static str, f64); 5] {
        [
            ("init_tau", self.init_tau),
            ("init_v_threshold", self.init_v_threshold),
            ("init_linear_decay", self.init_linear_decay.unwrap_or(self.init_v_threshold / (2.0 * self.T as f64))),
            ("init_v_subreset", self.init_v_subreset.unwrap_or(self.init_v_threshold)),
            ("init_conduct", self.init_conduct),
        ]
    }
}

/// Gated leaky integrate and fire, from "GLIF: A Unified Gated Leaky Integrate-and-Fire Neuron for Spiking Neural Networks" (Yao et al.,
/// NeurIPS 2022): learned gates blend an exponential with a linear leak, a plain with a weighted input, and a reset in proportion to
/// the potential with one by a constant.
///
/// Every parameter p acts as sigmoid(p), written p here, and s' is the spike of the step before, none before the first:
/// v = (1 - alpha (1 - tau)) v - (1 - alpha) linear_decay + (1 - beta (1 - conduct\[t\])) x
/// - (1 - alpha (1 - tau)) v gamma s' - (1 - gamma) v_subreset s', and s = 1 where v >= v_threshold.
///
/// Whole sequences of T steps only, since each step has a `conduct` of its own; the potential goes on from one to the next.
/// SpikingJelly equivalent: `neuron.GatedLIFNode(..)`.
///
/// # Shapes
///
/// `[T, N, C, H, W]` to the same; the state `v` has the sizes of one step.
#[derive(Debug)]
pub struct GatedLIFNode {
    /// `[inplane]` or one number: exponential (1) or linear (0) leak. Starts near 0, which is half of each.
    pub alpha: Tensor,
    /// As `alpha`: weighted (1) or plain (0) input.
    pub beta: Tensor,
    /// As `alpha`: reset in proportion (1) or by a constant (0).
    pub gamma: Tensor,
    /// `[inplane]` or one number: the share that the exponential leak keeps.
    pub tau: Tensor,
    /// `[inplane]` or one number.
    pub v_threshold: Tensor,
    /// `[inplane]` or one number: what the linear leak takes.
    pub linear_decay: Tensor,
    /// `[inplane]` or one number: what the reset by a constant takes.
    pub v_subreset: Tensor,
    /// `[T, inplane]` or `[T]`: the weight of the input at each step.
    pub conduct: Tensor,
    config: GatedLIFNodeConfig,
    firing: Firing,
    name: String,
}

impl GatedLIFNode {
    /// What it was built with.
    pub fn config(&self) -> &GatedLIFNodeConfig {
        &self.config
    }

    /// The kernel's constants, a part of the graph: `[5 + T, channels]`.
    fn constants(&self) -> Result<Tensor, TchError> {
        let row = |t: &Tensor, rows: i64| t.f_sigmoid()?.f_reshape([rows, -1]);
        let rest = |t: &Tensor| t.f_neg()?.f_add_scalar(1.0);
        let (alpha, beta, gamma) = (row(&self.alpha, 1)?, row(&self.beta, 1)?, row(&self.gamma, 1)?);
        let (tau, threshold) = (row(&self.tau, 1)?, row(&self.v_threshold, 1)?);
        let keep = rest(&alpha.f_mul(&rest(&tau)?)?)?;
        let decay = rest(&alpha)?.f_mul(&row(&self.linear_decay, 1)?)?;
        let drop = rest(&gamma)?.f_mul(&row(&self.v_subreset, 1)?)?;
        let gain = rest(&beta.f_mul(&rest(&row(&self.conduct, self.config.T as i64)?)?)?)?;
        Tensor::f_cat(&[keep, decay, gamma, drop, threshold, gain], 0)
    }

    /// Neurons of a channel that lie next to each other in `x`.
    fn plane(&self, x: &Tensor) -> Result<usize> {
        let sizes = x.size();
        match (sizes.as_slice(), self.config.inplane) {
            ([_, _, c, h, w], Some(want)) if *c == want as i64 => Ok((h * w) as usize),
            ([_, n, c, h, w], None) => Ok((n * c * h * w) as usize),
            (_, inplane) => {
                let channels = inplane.map_or_else(|| "C".to_string(), |c| c.to_string());
                let wants = format!("[{}, N, {channels}, H, W]", self.config.T);
                Err(Error::shape(&self.name, wants, &sizes, "its parameters are per channel of an image"))
            }
        }
    }

    fn run(&self, x: &Tensor, s: &mut GatedLIFState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let torch = Error::in_layer;
        let layer = self.name.as_str();
        let on = Launcher::of(layer, x)?;
        check_steps(layer, self.config.T, x)?;
        let plane = self.plane(x)?;
        let sizes = x.size();
        let (steps, step) = steps_of(layer, &sizes)?;
        let neurons = step.iter().product::<i64>() as usize;
        if let Some(v) = &s.v {
            check_sizes(layer, v, step)?;
        }
        let kind = on.as_ref().map_or(x.kind(), Launcher::compute);
        let v0 = s.v.as_ref().map(|v| v.f_to_kind(kind)).transpose().map_err(torch(layer))?;
        let constants = self.constants().and_then(|c| c.f_to_kind(kind)).map_err(torch(layer))?;
        // The weights are public: anyone can put others in their place.
        let want = [GATED_LIF_CONSTANTS + steps, self.config.inplane.unwrap_or(1)].map(|n| n as i64);
        if constants.size() != want {
            let wants = format!("parameters of {} channels, {want:?} together", want[1]);
            return Err(Error::shape(layer, wants, &constants.size(), "see the sizes of its weights"));
        }
        let (surrogate, draw) = (self.firing.surrogate, self.firing.draw());
        let call = Call { layer: layer.to_string(), kind: x.kind(), steps, neurons, plane, surrogate, draw };

        let kept = [dense(layer, x)?, dense(layer, &constants)?];
        let v0_kept = v0.as_ref().map(|v0| dense(layer, v0)).transpose()?;
        let wants_seq = tap.as_ref().is_some_and(|t| t.wants_voltage());
        let Run { spikes, v, v_seq } = match &on {
            Some(on) => {
                on.tell(&self.firing.told, "GatedLIFNode");
                call.forward_on(on, &kept, v0_kept.as_ref(), wants_seq)?
            }
            None => in_its_kind!(layer, x, F => call.forward::<F>(&kept, v0_kept.as_ref(), wants_seq))?,
        };
        probe::fired(layer, &spikes, 1).map_err(torch(layer))?;

        let inputs: Vec<&Tensor> = [Some(x), Some(&constants), v0.as_ref()].into_iter().flatten().collect();
        let (spikes, v) = if recorded(&inputs) {
            let save = [Save::Tensor(&kept[0]), Save::Tensor(&kept[1]), v0_kept.as_ref().map_or(Save::Nothing, Save::Tensor)];
            let outputs = attach("GatedLIFNode", &inputs, vec![spikes, v], &save, move |b| call.backward(&b)).map_err(torch(layer))?;
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
}

/// What the forward pass gives.
struct Run {
    spikes: Tensor,
    v: Tensor,
    /// The potential after each step, if it was wanted.
    v_seq: Option<Tensor>,
}

/// What [`GatedLIFNode`] remembers.
#[derive(Debug, Default)]
pub struct GatedLIFState {
    /// `[N, C, H, W]`: the potential after the last step; `None` at 0, before the first step.
    pub v: Option<Tensor>,
}

impl State for GatedLIFState {
    fn reset(&mut self) {
        self.v = None;
    }

    fn detach(&mut self) {
        self.v = self.v.take().map(|t| t.detach());
    }

    /// SpikingJelly has the potential under two names.
    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        for (name, t) in ["v", "u"].into_iter().zip(self.v.iter().cycle()) {
            f(name, t);
        }
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.v.visit_mut(f);
    }

    fn shallow_clone(&self) -> Self {
        GatedLIFState { v: self.v.shallow_clone() }
    }
}

/// The arguments of one call that are no tensors.
struct Call {
    layer: String,
    /// Of x.
    kind: Kind,
    steps: usize,
    neurons: usize,
    plane: usize,
    surrogate: Surrogate,
    draw: Draw,
}

impl Call {
    fn with<F: Elements, R>(
        &self,
        x: &Tensor,
        constants: &Tensor,
        v0: Option<&Tensor>,
        kernel: impl FnOnce(&GatedLif<'_, F>) -> Result<R, snn_kernels::Error>,
    ) -> Result<R> {
        let layer = self.layer.as_str();
        let gated = GatedLif {
            steps: self.steps,
            neurons: self.neurons,
            channels: constants.size()[1] as usize,
            plane: self.plane,
            constants: F::slice(layer, constants)?,
            x: F::slice(layer, x)?,
            v0: v0.map(|v0| F::slice(layer, v0)).transpose()?,
            surrogate: self.surrogate,
            draw: self.draw,
        };
        kernel(&gated).map_err(|e| Error::bug(layer, e))
    }

    fn forward<F: Elements>(&self, kept: &[Tensor; 2], v0: Option<&Tensor>, wants_seq: bool) -> Result<Run> {
        let (layer, sizes) = (self.layer.as_str(), kept[0].size());
        let (mut spikes, mut v) = (Fresh::<F>::new(layer, &sizes)?, Fresh::<F>::new(layer, &sizes[1..])?);
        let mut v_seq = wants_seq.then(|| Fresh::<F>::new(layer, &sizes)).transpose()?;
        self.with(&kept[0], &kept[1], v0, |gated| gated.forward(spikes.elements(), v.elements(), v_seq.as_mut().map(Fresh::elements)))?;
        Ok(Run { spikes: spikes.into_tensor(), v: v.into_tensor(), v_seq: v_seq.map(Fresh::into_tensor) })
    }

    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let [Some(x), Some(constants), v0] = b.saved.as_slice() else { return Err("what it saved is gone".into()) };
        let [grad_x, grad_constants, grad_v0] = match x.device() {
            Device::Cpu => in_its_kind!(self.layer, x, F => self.backward_in::<F>(b, x, constants, v0.as_ref()))?,
            _ => self.backward_on(&Launcher::at(&self.layer, x, self.kind)?, b, x, constants, v0.as_ref())?,
        };
        Ok([grad_x, grad_constants].into_iter().chain(v0.is_some().then_some(grad_v0)).collect())
    }

    /// Gradients of x, the constants and the first potential.
    fn backward_in<F: Elements>(
        &self,
        b: &Backward<'_>,
        x: &Tensor,
        constants: &Tensor,
        v0: Option<&Tensor>,
    ) -> Result<[Option<Tensor>; 3]> {
        let layer = self.layer.as_str();
        let (grad_spikes, grad_v) = (dense_as::<F>(layer, b.grads[0].as_ref())?, dense_as::<F>(layer, b.grads[1].as_ref())?);
        let fresh = |needed: bool, like: &Tensor| needed.then(|| Fresh::<F>::new(layer, &like.size())).transpose();
        let mut grad_x = fresh(b.needs[0], x)?;
        let mut grad_v0 = match v0 {
            Some(v0) => fresh(b.needs[2], v0)?,
            None => None,
        };
        let out = GatedLifGradients { x: grad_x.as_mut().map(Fresh::elements), v0: grad_v0.as_mut().map(Fresh::elements) };
        let (of_spikes, of_v) = (opt_slice(layer, grad_spikes.as_ref())?, opt_slice(layer, grad_v.as_ref())?);
        let sums = self.with::<F, _>(x, constants, v0, |gated| gated.backward(of_spikes, of_v, out))?;
        let sums = Tensor::f_from_slice(&sums).and_then(|sums| sums.f_to_kind(F::KIND)?.f_reshape(constants.size()));
        let sums = sums.map_err(Error::in_layer(layer))?;
        Ok([grad_x.map(Fresh::into_tensor), Some(sums), grad_v0.map(Fresh::into_tensor)])
    }
}

impl Layer for GatedLIFNode {
    type Config = GatedLIFNodeConfig;
    type State = GatedLIFState;

    fn build(scope: &Scope<'_>, config: GatedLIFNodeConfig) -> Result<Self> {
        positive(scope, &[("T", config.T), ("inplane", config.inplane.unwrap_or(1))])?;
        let firing = Firing::new(scope, config.surrogate_function)?;
        let starts = config.starts();
        if let Some((argument, value)) = starts.into_iter().find(|(_, value)| !(*value > 0.0 && *value < 1.0)) {
            let help = "the parameter is a sigmoid, which never gets to 0 or 1";
            return Err(Error::argument(scope.name(), argument, format!("must be between 0 and 1, but is {value:?}"), help));
        }
        let [tau, v_threshold, linear_decay, v_subreset, conduct] = starts.map(|(_, value)| -(1.0 / value - 1.0).ln());
        let channels: Vec<usize> = config.inplane.into_iter().collect();
        let stream = Stream::new(scope);
        let gate = |name| -> Result<Tensor> {
            let gate = learnable(scope, name, &channels, Init::Const(0.0))?;
            let start: Vec<f64> = stream.uniform(config.inplane.unwrap_or(1)).iter().map(|u| 0.2 * (u - 0.5)).collect();
            let start = Tensor::from_slice(&start).f_reshape(gate.size()).map_err(Error::in_layer(scope.name()))?;
            tch::no_grad(|| gate.shallow_clone().f_copy_(&start)).map_err(Error::in_layer(scope.name()))?;
            Ok(gate)
        };
        let constant = |name, value| learnable(scope, name, &channels, Init::Const(value));
        let by_step: Vec<usize> = [config.T].into_iter().chain(config.inplane).collect();
        Ok(GatedLIFNode {
            alpha: gate("alpha")?,
            beta: gate("beta")?,
            gamma: gate("gamma")?,
            tau: constant("tau", tau)?,
            v_threshold: constant("v_threshold", v_threshold)?,
            linear_decay: constant("linear_decay", linear_decay)?,
            v_subreset: constant("v_subreset", v_subreset)?,
            conduct: learnable(scope, "conduct", &by_step, Init::Const(conduct))?,
            config,
            firing,
            name: scope.name().to_string(),
        })
    }

    fn state(&self) -> GatedLIFState {
        GatedLIFState::default()
    }

    /// There is no single step.
    fn step(&self, _: &Tensor, _: &mut GatedLIFState, _: &Cx) -> Result<Tensor> {
        Err(Error::WholeSequence { layer: self.name.clone() })
    }

    fn sequence(&self, x: &Tensor, s: &mut GatedLIFState, _: &Cx) -> Result<Tensor> {
        self.run(x, s, None)
    }
}

impl Record for GatedLIFNode {
    fn step_recorded(&self, x: &Tensor, s: &mut GatedLIFState, cx: &Cx, _: &mut Tap) -> Result<Tensor> {
        self.step(x, s, cx)
    }

    fn sequence_recorded(&self, x: &Tensor, s: &mut GatedLIFState, _: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.run(x, s, Some(tap))
    }

    fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut GatedLIFState, cx: &Cx, tap: &mut Tap) -> Result<Tensor> {
        self.sequence_recorded(&crate::ops::at_every_step(x, steps)?, s, cx, tap)
    }
}
