//! One kernel call and one autograd node for all steps of a neuron. In: currents and the potential before; out: spikes, the
//! potential after, and gradients by replaying the forward.

use snn_kernels::{BackwardOut, Charge, Fire, ForwardOut, If, Lif, Plif, Reset};
use tch::{Kind, TchError, Tensor};

use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::buffer::{Float, check_kernel_input, slice, slice_mut};
use crate::error::{Error, Result};
use crate::record::Tap;
use crate::scope::Scope;
use crate::state::{NeuronState, check_stored};
use crate::surrogate::Surrogate;

/// Threshold, reset and surrogate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Firing {
    pub(super) v_threshold: f64,
    pub(super) v_reset: Option<f64>,
    pub(super) surrogate: Surrogate,
    pub(super) detach_reset: bool,
}

/// How the potential is charged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Charging {
    If,
    Lif { tau: f64, decay_input: bool },
    ParametricLif { decay_input: bool },
}

/// The currents of a call.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// `[N, ..]`
    Step(&'a Tensor),
    /// `[T, N, ..]`
    Sequence(&'a Tensor),
    /// `[N, ..]`, the same at each of so many steps; read once.
    Static(&'a Tensor, i64),
}

impl Input<'_> {
    fn tensor(&self) -> &Tensor {
        match self {
            Input::Step(x) | Input::Sequence(x) | Input::Static(x, _) => x,
        }
    }

    /// Steps, and the sizes of one.
    fn sizes(&self) -> (i64, Vec<i64>) {
        let size = self.tensor().size();
        match self {
            Input::Step(_) => (1, size),
            Input::Sequence(_) => (size.first().copied().unwrap_or(0), size.get(1..).unwrap_or_default().to_vec()),
            Input::Static(_, steps) => (*steps, size),
        }
    }
}

/// A neuron layer behind its kernel.
#[derive(Debug)]
pub(super) struct Fused {
    name: String,
    charging: Charging,
    firing: Firing,
}

/// What forward and backward share: plain numbers.
#[derive(Clone, Copy)]
struct Plan {
    charging: Charging,
    firing: Firing,
    steps: usize,
    is_static: bool,
}

impl Fused {
    pub(super) fn new(scope: &Scope<'_>, charging: Charging, firing: Firing) -> Result<Fused> {
        for (name, value) in [("v_threshold", firing.v_threshold), ("v_reset", firing.v_reset.unwrap_or(0.0))] {
            if value.is_nan() {
                return Err(Error::argument(scope.name(), name, "is not a number", ""));
            }
        }
        Ok(Fused { name: scope.name().to_string(), charging, firing })
    }

    /// Runs all steps; the potential in `s` moves on, with its gradient.
    pub(super) fn run(&self, input: Input<'_>, weight: Option<&Tensor>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let x = input.tensor();
        check_kernel_input(&self.name, x)?;
        let (steps, step) = input.sizes();
        if steps < 1 {
            return Err(Error::Steps { layer: self.name.clone(), problem: format!("asked to run {steps} steps") });
        }
        if let Some(v) = &s.v {
            check_stored(&self.name, v, &step)?;
        }
        let plan =
            Plan { charging: self.charging, firing: self.firing, steps: steps as usize, is_static: matches!(input, Input::Static(..)) };
        let mut out_size = step.clone();
        if !matches!(input, Input::Step(_)) {
            out_size.insert(0, steps);
        }
        let v0 = match &s.v {
            Some(v) if v.kind() != x.kind() => Some(v.f_to_kind(x.kind())?),
            Some(v) => Some(v.shallow_clone()),
            None => None,
        };
        let wants_voltage = tap.as_ref().is_some_and(|t| t.wants_voltage());
        let (spikes, v, v_seq) = match x.kind() {
            Kind::Double => self.forward::<f64>(plan, x, v0.as_ref(), weight, &out_size, &step, wants_voltage)?,
            _ => self.forward::<f32>(plan, x, v0.as_ref(), weight, &out_size, &step, wants_voltage)?,
        };
        let (spikes, v) = self.record(plan, x, v0.as_ref(), weight, spikes, v)?;
        if let Some(tap) = tap {
            let as_sequence = |t: &Tensor| if matches!(input, Input::Step(_)) { t.f_unsqueeze(0) } else { Ok(t.shallow_clone()) };
            let voltage = v_seq.as_ref().map(as_sequence).transpose()?;
            tap.push(&as_sequence(&spikes)?, voltage.as_ref());
        }
        s.v = Some(v);
        Ok(spikes)
    }

    fn forward<F: Float>(
        &self,
        plan: Plan,
        x: &Tensor,
        v0: Option<&Tensor>,
        weight: Option<&Tensor>,
        out_size: &[i64],
        step: &[i64],
        wants_voltage: bool,
    ) -> Result<(Tensor, Tensor, Option<Tensor>)> {
        tch::no_grad(|| {
            let prepared = || -> Result<_, TchError> {
                let place = (F::KIND, tch::Device::Cpu);
                let v_seq = if wants_voltage { Some(Tensor::f_empty(out_size, place)?) } else { None };
                let v0 = v0.map(Tensor::f_contiguous).transpose()?;
                Ok((x.f_contiguous()?, v0, Tensor::f_empty(out_size, place)?, Tensor::f_empty(step, place)?, v_seq, q::<F>(weight)?))
            };
            let (x, v0, mut spikes, mut v, mut v_seq, q) = prepared().map_err(Error::in_layer(&self.name))?;
            let out =
                ForwardOut { spikes: slice_mut::<F>(&mut spikes), v: slice_mut::<F>(&mut v), v_seq: v_seq.as_mut().map(slice_mut::<F>) };
            plan.forward(q, slice::<F>(&x), v0.as_ref().map(slice::<F>), out)
                .map_err(|source| Error::Kernel { layer: self.name.clone(), source })?;
            Ok((spikes, v, v_seq))
        })
    }

    /// Puts the call into the autograd graph, if it is being recorded.
    fn record(
        &self,
        plan: Plan,
        x: &Tensor,
        v0: Option<&Tensor>,
        weight: Option<&Tensor>,
        spikes: Tensor,
        v: Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let inputs: Vec<&Tensor> = [Some(x), v0, weight].into_iter().flatten().collect();
        if !recorded(&inputs) {
            return Ok((spikes, v));
        }
        let saved: Vec<Save<'_>> = [Some(x), v0, weight].into_iter().map(|t| t.map_or(Save::Nothing, Save::Tensor)).collect();
        let double = x.kind() == Kind::Double;
        let present = [true, v0.is_some(), weight.is_some()];
        let mut outs = attach(&self.name, &inputs, vec![spikes, v], &saved, move |b| {
            if double { plan.backward::<f64>(b, present) } else { plan.backward::<f32>(b, present) }
        })
        .map_err(Error::in_layer(&self.name))?;
        let v = outs.remove(1);
        Ok((outs.remove(0), v))
    }
}

/// `sigmoid(w)` in the precision of the kernel.
fn q<F: Float>(weight: Option<&Tensor>) -> Result<F, TchError> {
    match weight {
        Some(w) => Ok(F::from_f64(w.f_to_kind(F::KIND)?.f_sigmoid()?.f_double_value(&[])?)),
        None => Ok(F::from_f64(0.0)),
    }
}

impl Plan {
    fn fire<F: Float>(&self) -> Fire<F> {
        Fire {
            v_threshold: F::from_f64(self.firing.v_threshold),
            reset: self.firing.v_reset.map_or(Reset::Soft, |v| Reset::Hard(F::from_f64(v))),
            detach_reset: self.firing.detach_reset,
            surrogate: self.firing.surrogate.kernel,
            spiking: self.firing.surrogate.spiking,
        }
    }

    fn input<'a, F>(&self, x: &'a [F]) -> snn_kernels::Input<'a, F> {
        if self.is_static { snn_kernels::Input::Static(x) } else { snn_kernels::Input::Sequence(x) }
    }

    fn forward<F: Float>(&self, q: F, x: &[F], v0: Option<&[F]>, out: ForwardOut<'_, F>) -> Result<(), snn_kernels::Error> {
        let fire = self.fire::<F>();
        let (x, steps, rest) = (self.input(x), self.steps, fire.reset.start());
        match self.charging {
            Charging::If => snn_kernels::forward(&If, &fire, steps, x, v0, out),
            Charging::Lif { tau, decay_input } => {
                snn_kernels::forward(&Lif { tau: F::from_f64(tau), decay_input, rest }, &fire, steps, x, v0, out)
            }
            Charging::ParametricLif { decay_input } => snn_kernels::forward(&Plif { q, decay_input, rest }, &fire, steps, x, v0, out),
        }
    }

    /// Gradients of x, and of v0 and w where they were given.
    fn backward<F: Float>(&self, b: Backward<'_>, present: [bool; 3]) -> Gradients {
        let [Some(x), v0, w] = &b.saved[..] else { return Err("the saved currents are gone".into()) };
        let needs: Vec<bool> = {
            let mut given = b.needs.iter();
            present.iter().map(|&p| p && given.next().copied().unwrap_or(false)).collect()
        };
        let contiguous = |t: &Option<Tensor>| t.as_ref().map(Tensor::f_contiguous).transpose();
        let (x, v0) = (x.f_contiguous()?, contiguous(v0)?);
        let (grad_spikes, grad_v) = (contiguous(&b.grads[0])?, contiguous(&b.grads[1])?);
        let steps_in_x = if self.is_static { 1 } else { self.steps };
        let neurons = x.numel() / steps_in_x;
        let mut grad_x = if needs[0] { Some(x.f_empty_like()?) } else { None };
        let mut grad_v0 = match &v0 {
            Some(v0) if needs[1] => Some(v0.f_empty_like()?),
            _ => None,
        };
        let q = q::<F>(w.as_ref())?;
        let fire = self.fire::<F>();
        let rest = fire.reset.start();
        let out = BackwardOut { x: grad_x.as_mut().map(slice_mut::<F>), v0: grad_v0.as_mut().map(slice_mut::<F>) };
        let grads = [grad_spikes.as_ref().map(slice::<F>), grad_v.as_ref().map(slice::<F>)];
        let (x, v0) = (slice::<F>(&x), v0.as_ref().map(slice::<F>));
        let params = match self.charging {
            Charging::If => self.replay(&If, &fire, neurons, x, v0, grads, out)?,
            Charging::Lif { tau, decay_input } => {
                self.replay(&Lif { tau: F::from_f64(tau), decay_input, rest }, &fire, neurons, x, v0, grads, out)?
            }
            Charging::ParametricLif { decay_input } => self.replay(&Plif { q, decay_input, rest }, &fire, neurons, x, v0, grads, out)?,
        };
        let grad_w = match (w, params.first()) {
            (Some(w), Some(&dq)) if needs[2] => {
                let q = w.f_to_kind(Kind::Double)?.f_sigmoid()?.f_double_value(&[])?;
                Some(w.f_full_like(dq * q * (1.0 - q))?)
            }
            _ => None,
        };
        Ok([(grad_x, present[0]), (grad_v0, present[1]), (grad_w, present[2])].into_iter().filter(|(_, p)| *p).map(|(g, _)| g).collect())
    }

    fn replay<F: Float, C: Charge<F>>(
        &self,
        charge: &C,
        fire: &Fire<F>,
        neurons: usize,
        x: &[F],
        v0: Option<&[F]>,
        [grad_spikes, grad_v]: [Option<&[F]>; 2],
        out: BackwardOut<'_, F>,
    ) -> Result<Vec<f64>, snn_kernels::Error> {
        snn_kernels::backward(charge, fire, self.steps, neurons, self.input(x), v0, grad_spikes, grad_v, out)
    }
}
