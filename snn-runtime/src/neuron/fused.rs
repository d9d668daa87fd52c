//! A neuron over all its steps as one kernel and one node of the graph. In: input currents and the state; out: spikes, the
//! state moved on, and the tap filled.
//!
//! For the backward pass x and the first states are kept, and nothing else: the kernel replays the forward pass. What kind of
//! neuron it is is forgotten here, so that this is compiled once and not per neuron. Tensors on a CUDA device go to `device`.

use std::sync::{Arc, Once};

use snn_kernels::{BackwardOut, Channels, Compiled, Constants, Draw, ForwardOut, Learned, MAX_CONSTANTS, Per, Surrogate, Upstream};
use tch::nn::Init;
use tch::{Device, Kind, Tensor};

use super::device::{self, OnDevice};
use super::normalised::{Norm, Scaling};
use super::state::NeuronState;
use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::elements::{Elements, Fresh, defined, dense, on};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::state::check_sizes;
use crate::surrogate::FLOATS;
use crate::tap::Tap;
use crate::weights::{buffer, learnable};

/// What arrives.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// `[N, ..]`
    Step(&'a Tensor),
    /// `[T, N, ..]`
    Sequence(&'a Tensor),
    /// `[N, ..]`, shown that many times.
    Repeat(&'a Tensor, i64),
}

impl<'a> Input<'a> {
    fn tensor(self) -> &'a Tensor {
        match self {
            Input::Step(x) | Input::Sequence(x) | Input::Repeat(x, _) => x,
        }
    }
}

/// A neuron layer at work.
#[derive(Debug)]
pub(crate) struct Fused {
    /// `Csnn.sn1`
    layer: String,
    /// `IFNode`: the node's name in the graph.
    label: &'static str,
    states: &'static [&'static str],
    specs: &'static [Learned],
    /// One per spec.
    learned: Vec<Tensor>,
    kernels: Arc<dyn Compiled>,
    /// Of a surrogate function that draws at random.
    stream: Option<Arc<Stream>>,
    /// Said which kernel it has on a device?
    told: Once,
}

impl Fused {
    pub(crate) fn new(
        scope: &Scope<'_>,
        label: &'static str,
        states: &'static [&'static str],
        specs: &'static [Learned],
        start: &[f64],
        surrogate: Surrogate,
        kernels: Arc<dyn Compiled>,
    ) -> Result<Fused> {
        let parameter = |(spec, &start): (&Learned, &f64)| {
            let sizes = match (spec.per, scope.input().first()) {
                (Per::Layer, _) => Vec::new(),
                (Per::Channel, Some(&channels)) => vec![channels],
                (Per::Channel, None) => {
                    let problem = "is one number per channel, but the number of channels is not known";
                    return Err(Error::argument(scope.name(), spec.name, problem, "build it in a net, or `with_input` of the scope"));
                }
            };
            match spec.trained {
                true => learnable(scope, spec.name, &sizes, Init::Const(start)),
                false => buffer(scope, spec.name, &sizes, start, scope.path().kind()),
            }
        };
        let learned = specs.iter().zip(start).map(parameter).collect::<Result<_>>()?;
        let stream = surrogate.draws().then(|| Arc::new(Stream::new(scope)));
        Ok(Fused { layer: scope.name().to_string(), label, states, specs, learned, kernels, stream, told: Once::new() })
    }

    /// The same layer, its parameters shared, with other kernels around its neuron.
    pub(super) fn around(&self, label: &'static str, states: &'static [&'static str], kernels: Arc<dyn Compiled>) -> Fused {
        let learned = self.learned.iter().map(Tensor::shallow_clone).collect();
        let (layer, stream) = (self.layer.clone(), self.stream.clone());
        Fused { layer, label, states, specs: self.specs, learned, kernels, stream, told: Once::new() }
    }

    pub(crate) fn learned(&self) -> &[Tensor] {
        &self.learned
    }

    /// Runs all steps on the input, normalised first if there is a norm; `s` is taken and replaced.
    pub(crate) fn run(&self, input: Input<'_>, norm: Option<Norm>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let x = input.tensor();
        defined(&self.layer, x)?;
        let on_cuda = matches!(x.device(), Device::Cuda(_));
        if !on_cuda {
            on(&self.layer, x, Device::Cpu)?;
        }
        match x.kind() {
            Kind::Float => self.run_in::<f32>(input, norm, s, tap),
            Kind::Double => self.run_in::<f64>(input, norm, s, tap),
            // States and arithmetic are in `f32`.
            Kind::Half | Kind::BFloat16 if on_cuda => self.run_in::<f32>(input, norm, s, tap),
            got => Err(Error::Kind { layer: self.layer.clone(), wants: FLOATS, got }),
        }
    }

    fn run_in<F: Elements>(&self, input: Input<'_>, norm: Option<Norm>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let layer = self.layer.as_str();
        let plan = self.plan::<F>(input, norm)?;
        let stored = self.states.iter().map(|name| {
            let Some(state) = s.get(name) else { return Ok(None) };
            check_sizes(layer, state, plan.step())?;
            on(layer, state, input.tensor().device())?;
            state.f_to_kind(F::KIND).map(Some).map_err(Error::in_layer(layer))
        });
        let start: Vec<Option<Tensor>> = stored.collect::<Result<_>>()?;
        let x_dense = dense(layer, input.tensor())?;
        let start_dense = start.iter().map(|state| state.as_ref().map(|state| dense(layer, state)).transpose());
        let start_dense: Vec<Option<Tensor>> = start_dense.collect::<Result<_>>()?;

        let voltage = self.states.iter().position(|name| *name == "v").unwrap_or(0);
        let wanted = tap.as_ref().is_some_and(|t| t.wants_voltage()).then_some(voltage);
        let (y, states, series) = self.forward(&plan, &x_dense, &start_dense, wanted)?;
        if self.kernels.fires() {
            probe::fired(layer, &y, plan.leading).map_err(Error::in_layer(layer))?;
        }
        let (y, states) = self.attach(plan, input.tensor(), &start, &x_dense, &start_dense, y, states)?;
        if let Some(tap) = tap {
            match input {
                Input::Step(_) => tap.push_step(&y, &states[voltage])?,
                _ => tap.push_sequence(&y, series.as_ref().unwrap_or(&states[voltage]))?,
            }
        }
        for (name, state) in self.states.iter().zip(states) {
            s.set(name, state);
        }
        Ok(y)
    }

    fn plan<F: Elements>(&self, input: Input<'_>, norm: Option<Norm>) -> Result<Plan<F>> {
        let layer = self.layer.as_str();
        let sizes = input.tensor().size();
        let (steps, out, leading, fixed) = match input {
            Input::Step(_) => (1, sizes, 0, false),
            Input::Sequence(_) => (sizes.first().copied().unwrap_or(0), sizes, 1, false),
            Input::Repeat(_, steps) => (steps, [vec![steps], sizes].concat(), 1, true),
        };
        let steps = match usize::try_from(steps) {
            Ok(steps) if steps > 0 => steps,
            _ => return Err(Error::Steps { layer: layer.into(), problem: format!("there is no step in {out:?}") }),
        };
        let channels = self.channels(&out[leading..])?;
        let learned = tch::no_grad(|| self.learned.iter().map(values).collect::<Result<Vec<_>, _>>()).map_err(Error::in_layer(layer))?;
        let constants = F::constants(&*self.kernels, &slices(&learned), channels).map_err(|e| Error::bug(layer, e))?;
        let draw = self.stream.as_ref().map(|stream| stream.draw()).unwrap_or_default();
        let scaling = norm.as_ref().map(Norm::scaling).transpose().map_err(Error::in_layer(layer))?;
        Ok(Plan { steps, out, leading, fixed, norm, scaling, learned, channels, constants, draw })
    }

    /// The channels of a step `[N, C, ..]`, where a parameter has one number for each.
    fn channels(&self, step: &[i64]) -> Result<Channels> {
        let Some(at) = self.specs.iter().position(|spec| spec.per == Per::Channel) else { return Ok(Channels::ONE) };
        let want = self.learned[at].numel();
        match step {
            [_, channels, inner @ ..] if *channels as usize == want => {
                Ok(Channels { count: want, inner: inner.iter().product::<i64>() as usize })
            }
            _ => Err(Error::shape(&self.layer, format!("[N, {want}, ..]"), step, "")),
        }
    }

    /// The output, the last states, and state number `wanted` after each step.
    fn forward<F: Elements>(
        &self,
        plan: &Plan<F>,
        x: &Tensor,
        start: &[Option<Tensor>],
        wanted: Option<usize>,
    ) -> Result<(Tensor, Vec<Tensor>, Option<Tensor>)> {
        let layer = self.layer.as_str();
        if let Device::Cuda(_) = x.device() {
            let on_device = OnDevice::new(layer, &*self.kernels, plan, x)?;
            on_device.tell(&self.told);
            return on_device.forward(x, start, wanted);
        }
        let mut y = Fresh::<F>::new(layer, &plan.out)?;
        let mut states = self.states.iter().map(|_| Fresh::<F>::new(layer, plan.step())).collect::<Result<Vec<_>>>()?;
        let mut series = wanted.map(|_| Fresh::<F>::new(layer, &plan.out)).transpose()?;
        let mut sequences: Vec<Option<&mut [F]>> = Vec::new();
        if let (Some(wanted), Some(series)) = (wanted, &mut series) {
            sequences.extend(self.states.iter().map(|_| None));
            sequences[wanted] = Some(series.elements());
        }
        let out = ForwardOut { y: y.elements(), states: states.iter_mut().map(Fresh::elements).collect(), sequences };
        let start = elements(layer, start)?;
        F::forward(&*self.kernels, plan.pass(F::slice(layer, x)?, &start), out).map_err(|e| Error::bug(layer, e))?;
        Ok((y.into_tensor(), states.into_iter().map(Fresh::into_tensor).collect(), series.map(Fresh::into_tensor)))
    }

    /// Makes one node behind output and states, if anything wants a gradient.
    fn attach<F: Elements>(
        &self,
        plan: Plan<F>,
        x: &Tensor,
        start: &[Option<Tensor>],
        x_dense: &Tensor,
        start_dense: &[Option<Tensor>],
        y: Tensor,
        states: Vec<Tensor>,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let norm: Vec<Tensor> = plan.norm.iter().flat_map(Norm::learned).map(Tensor::shallow_clone).collect();
        let inputs: Vec<&Tensor> = [x].into_iter().chain(start.iter().flatten()).chain(&self.learned).chain(&norm).collect();
        if !recorded(&inputs) {
            return Ok((y, states));
        }
        let kept = start_dense.iter().map(|state| state.as_ref().map_or(Save::Nothing, Save::Tensor));
        let save: Vec<Save<'_>> = [Save::Tensor(x_dense)].into_iter().chain(kept).collect();
        let replay = Replay {
            layer: self.layer.clone(),
            plan,
            kernels: self.kernels.clone(),
            start: start.iter().map(Option::is_some).collect(),
            learned: self.learned.iter().map(|w| (w.size(), w.kind(), w.device())).collect(),
        };
        let outputs = [y].into_iter().chain(states).collect();
        let mut outputs =
            attach(self.label, &inputs, outputs, &save, move |b| replay.backward(&b)).map_err(Error::in_layer(&self.layer))?;
        match outputs.len() {
            n if n == 1 + self.states.len() => Ok((outputs.remove(0), outputs)),
            _ => Err(Error::bug(&self.layer, "the graph lost an output")),
        }
    }
}

/// The numbers of a parameter.
fn values(parameter: &Tensor) -> Result<Vec<f64>, tch::TchError> {
    Vec::try_from(parameter.f_to_kind(Kind::Double)?.f_reshape([-1])?)
}

fn slices(learned: &[Vec<f64>]) -> Vec<&[f64]> {
    learned.iter().map(Vec::as_slice).collect()
}

fn elements<'a, F: Elements>(layer: &str, tensors: &'a [Option<Tensor>]) -> Result<Vec<Option<&'a [F]>>> {
    tensors.iter().map(|t| t.as_ref().map(|t| F::slice(layer, t)).transpose()).collect()
}

/// How many steps of how many neurons, and with which numbers.
pub(super) struct Plan<F> {
    pub(super) steps: usize,
    /// Sizes of the output: `[T, N, ..]`, or `[N, ..]` for a step.
    pub(super) out: Vec<i64>,
    /// Axes before the batch in `out`.
    leading: usize,
    /// Is the input the same at every step?
    pub(super) fixed: bool,
    /// The batch normalisation in front of the neurons.
    norm: Option<Norm>,
    pub(super) scaling: Option<Scaling<F>>,
    learned: Vec<Vec<f64>>,
    channels: Channels,
    pub(super) constants: Constants<F>,
    pub(super) draw: Draw,
}

impl<F: Elements> Plan<F> {
    /// Sizes of one step.
    pub(super) fn step(&self) -> &[i64] {
        &self.out[self.leading..]
    }

    /// Neurons of one step.
    pub(super) fn neurons(&self) -> usize {
        self.step().iter().product::<i64>() as usize
    }

    fn pass<'a>(&'a self, x: &'a [F], start: &'a [Option<&'a [F]>]) -> snn_kernels::Pass<'a, F> {
        let neurons = self.neurons();
        let x = if self.fixed { snn_kernels::Input::Static(x) } else { snn_kernels::Input::Sequence(x) };
        let scale = self.scaling.as_ref().map(Scaling::view);
        snn_kernels::Pass { steps: self.steps, neurons, x, scale, start, constants: &self.constants, draw: self.draw }
    }
}

/// The backward pass of one node.
struct Replay<F> {
    layer: String,
    plan: Plan<F>,
    kernels: Arc<dyn Compiled>,
    /// Which first states were among the inputs?
    start: Vec<bool>,
    /// Sizes, kinds and devices of the parameters.
    learned: Vec<(Vec<i64>, Kind, Device)>,
}

/// What the kernels say on the way back.
pub(super) struct Sums {
    pub(super) grad_x: Option<Tensor>,
    /// One per state.
    pub(super) grad_start: Vec<Option<Tensor>>,
    /// Per channel of the normalisation: of scale and shift.
    pub(super) of_scale: Option<Vec<[f64; 2]>>,
    /// Per channel of the neurons.
    pub(super) of_constants: Vec<[f64; MAX_CONSTANTS]>,
}

impl<F: Elements> Replay<F> {
    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let plan = &self.plan;
        let x = b.saved[0].as_ref().ok_or("its input was not saved")?;
        let mut needs = b.needs.iter().copied();
        let mut next = || needs.next().unwrap_or(false);
        let needs_x = next();
        let needs_start: Vec<bool> = self.start.iter().map(|given| *given && next()).collect();
        let sums = match x.device() {
            Device::Cuda(_) => {
                OnDevice::new(&self.layer, &*self.kernels, plan, x)?.backward(x, &b.saved[1..], &b.grads, needs_x, &needs_start)?
            }
            _ => self.on_cpu(x, b, needs_x, &needs_start)?,
        };
        let mut grad_x = sums.grad_x;

        let of_norm = match (&plan.norm, &plan.scaling, sums.of_scale) {
            (Some(norm), Some(scaling), Some(sums)) => {
                let (weight, bias) = norm.gradients(&sums);
                if let (Some(grad_x), Some(by)) = (&mut grad_x, norm.through_statistics(scaling, &weight, &bias)) {
                    self.add_scaled(&by, x, grad_x)?;
                }
                Some((norm, weight, bias))
            }
            _ => None,
        };

        let mut gradients = vec![grad_x];
        let given = self.start.iter().zip(sums.grad_start).filter(|(given, _)| **given);
        gradients.extend(given.map(|(_, g)| g));
        let learned = self.kernels.gradient_of_learned(&slices(&plan.learned), plan.channels, &sums.of_constants)?;
        let tensor = |g: &[f64], kind, device| Tensor::f_from_slice(g)?.f_to_kind(kind)?.f_to_device(device);
        for ((sizes, kind, device), g) in self.learned.iter().zip(learned) {
            gradients.push(if next() { Some(tensor(&g, *kind, *device)?.f_reshape(sizes)?) } else { None });
        }
        if let Some((norm, weight, bias)) = of_norm {
            for (parameter, g) in [(&norm.weight, weight), (&norm.bias, bias)] {
                let Some(parameter) = parameter else { continue };
                gradients.push(if next() { Some(tensor(&g, parameter.kind(), parameter.device())?) } else { None });
            }
        }
        Ok(gradients)
    }

    fn on_cpu(&self, x: &Tensor, b: &Backward<'_>, needs_x: bool, needs_start: &[bool]) -> Result<Sums, Box<dyn std::error::Error>> {
        let (layer, plan) = (self.layer.as_str(), &self.plan);
        let gradient = |g: &Option<Tensor>| g.as_ref().map(|g| dense(layer, &g.f_to_kind(F::KIND)?)).transpose();
        let grads = b.grads.iter().map(gradient).collect::<Result<Vec<_>>>()?;
        let grads = elements(layer, &grads)?;
        let start = elements(layer, &b.saved[1..])?;
        let sizes = if plan.fixed { plan.step() } else { &plan.out };
        let mut grad_x = needs_x.then(|| Fresh::<F>::new(layer, sizes)).transpose()?;
        let fresh = |wanted: &bool| wanted.then(|| Fresh::<F>::new(layer, plan.step())).transpose();
        let mut grad_start = needs_start.iter().map(fresh).collect::<Result<Vec<_>>>()?;
        let upstream = Upstream { y: grads[0], states: &grads[1..] };
        let mut of_scale = plan.scaling.as_ref().map(|scaling| vec![[0.0; 2]; scaling.view().channels.count]);
        let out = BackwardOut {
            x: grad_x.as_mut().map(Fresh::elements),
            start: grad_start.iter_mut().map(|g| g.as_mut().map(Fresh::elements)).collect(),
            scale: of_scale.as_deref_mut(),
        };
        let of_constants = F::backward(&*self.kernels, plan.pass(F::slice(layer, x)?, &start), upstream, out)?;
        let tensor = |g: Option<Fresh<F>>| g.map(Fresh::into_tensor);
        Ok(Sums { grad_x: tensor(grad_x), grad_start: grad_start.into_iter().map(tensor).collect(), of_scale, of_constants })
    }

    /// `grad_x += x scale + shift`; nothing else shares the storage of `grad_x`.
    fn add_scaled(&self, by: &Scaling<F>, x: &Tensor, grad_x: &mut Tensor) -> Result<(), Box<dyn std::error::Error>> {
        match x.device() {
            Device::Cuda(_) => device::add_scaled(&self.layer, by, x, grad_x)?,
            _ => snn_kernels::add_scaled(by.view(), F::slice(&self.layer, x)?, F::slice_mut(&self.layer, grad_x)?)?,
        }
        Ok(())
    }
}
