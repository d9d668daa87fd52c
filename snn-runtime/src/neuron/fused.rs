//! A neuron over all its steps as one kernel and one node of the graph. In: input currents and the state; out: spikes, the
//! state moved on, and the tap filled.
//!
//! For the backward pass x and the first potential are kept, and nothing else: the kernel replays the forward pass.

use std::marker::PhantomData;

use snn_kernels::{BackwardOut, Charge, ForwardOut, Real};
use tch::{Kind, Tensor};

use super::common::Common;
use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::elements::{Elements, Fresh, dense, on_cpu};
use crate::error::{Error, Result};
use crate::state::{NeuronState, check_sizes};
use crate::surrogate::FLOATS;
use crate::tap::Tap;

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

/// How a neuron charges, for any element type.
pub(crate) trait Dynamics: Copy + Send + 'static {
    type Charge<F: Real>: Charge<F>;

    fn charge<F: Real>(self) -> Self::Charge<F>;

    /// dL/dw of its weight from the kernel's gradients of the charge's parameters.
    fn weight_gradient(self, parameters: &[f64]) -> Option<f64> {
        let _ = parameters;
        None
    }
}

/// A neuron layer at work.
pub(crate) struct Fused<'a, D> {
    /// `Csnn.sn1`
    pub(crate) layer: &'a str,
    /// `IFNode`: the node's name in the graph.
    pub(crate) label: &'static str,
    pub(crate) common: Common,
    pub(crate) dynamics: D,
    /// The learned scalar behind `dynamics`.
    pub(crate) weight: Option<&'a Tensor>,
}

impl<D: Dynamics> Fused<'_, D> {
    /// Runs all steps; `s` is taken and replaced.
    pub(crate) fn run(&self, input: Input<'_>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let x = input.tensor();
        on_cpu(self.layer, x)?;
        match x.kind() {
            Kind::Float => self.run_in::<f32>(input, s, tap),
            Kind::Double => self.run_in::<f64>(input, s, tap),
            got => Err(Error::Kind { layer: self.layer.into(), wants: FLOATS, got }),
        }
    }

    fn run_in<F: Elements>(&self, input: Input<'_>, s: &mut NeuronState, tap: Option<&mut Tap>) -> Result<Tensor> {
        let x = input.tensor();
        let plan = Plan::<F>::new(self.layer, input)?;
        let v0 = match &s.v {
            Some(v) => {
                check_sizes(self.layer, v, plan.step())?;
                on_cpu(self.layer, v)?;
                Some(v.f_to_kind(F::KIND).map_err(Error::in_layer(self.layer))?)
            }
            None => None,
        };
        let x_dense = dense(self.layer, x)?;
        let v0_dense = v0.as_ref().map(|v0| dense(self.layer, v0)).transpose()?;

        let wants_voltage = tap.as_ref().is_some_and(|t| t.wants_voltage());
        let (spikes, v, v_seq) = self.forward(&plan, &x_dense, v0_dense.as_ref(), wants_voltage)?;
        let (spikes, v) = self.attach(plan, x, v0.as_ref(), &x_dense, v0_dense.as_ref(), spikes, v)?;
        if let Some(tap) = tap {
            match input {
                Input::Step(_) => tap.push_step(&spikes, &v)?,
                _ => tap.push_sequence(&spikes, v_seq.as_ref().unwrap_or(&v))?,
            }
        }
        s.v = Some(v);
        Ok(spikes)
    }

    /// Spikes, the last potential, and the potential after each step if wanted.
    fn forward<F: Elements>(&self, plan: &Plan<F>, x: &Tensor, v0: Option<&Tensor>, seq: bool) -> Result<(Tensor, Tensor, Option<Tensor>)> {
        let mut spikes = Fresh::<F>::new(self.layer, &plan.out)?;
        let mut v = Fresh::<F>::new(self.layer, plan.step())?;
        let mut v_seq = if seq { Some(Fresh::<F>::new(self.layer, &plan.out)?) } else { None };
        let out = ForwardOut { spikes: spikes.elements(), v: v.elements(), v_seq: v_seq.as_mut().map(Fresh::elements) };
        let v0 = v0.map(|v0| F::slice(self.layer, v0)).transpose()?;
        let input = plan.input(F::slice(self.layer, x)?);
        snn_kernels::forward(&self.dynamics.charge::<F>(), &self.common.fire(), plan.steps, input, v0, out)
            .map_err(|e| Error::bug(self.layer, e))?;
        Ok((spikes.into_tensor(), v.into_tensor(), v_seq.map(Fresh::into_tensor)))
    }

    /// Makes one node behind spikes and potential, if anything wants a gradient.
    #[allow(clippy::too_many_arguments, reason = "what the node keeps, one by one")]
    fn attach<F: Elements>(
        &self,
        plan: Plan<F>,
        x: &Tensor,
        v0: Option<&Tensor>,
        x_dense: &Tensor,
        v0_dense: Option<&Tensor>,
        spikes: Tensor,
        v: Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let inputs: Vec<&Tensor> = [Some(x), v0, self.weight].into_iter().flatten().collect();
        if !recorded(&inputs) {
            return Ok((spikes, v));
        }
        let save = [Save::Tensor(x_dense), v0_dense.map_or(Save::Nothing, Save::Tensor)];
        let replay = Replay {
            layer: self.layer.to_string(),
            plan,
            common: self.common,
            dynamics: self.dynamics,
            v0: v0.is_some(),
            weight: self.weight.map(Tensor::kind),
        };
        let outputs =
            attach(self.label, &inputs, vec![spikes, v], &save, move |b| replay.backward(&b)).map_err(Error::in_layer(self.layer))?;
        match <[Tensor; 2]>::try_from(outputs) {
            Ok([spikes, v]) => Ok((spikes, v)),
            Err(_) => Err(Error::bug(self.layer, "the graph lost an output")),
        }
    }
}

/// How many steps of how many neurons.
struct Plan<F> {
    steps: usize,
    /// Sizes of the output: `[T, N, ..]`, or `[N, ..]` for a step.
    out: Vec<i64>,
    /// Axes before the batch in `out`.
    leading: usize,
    /// Is the input the same at every step?
    fixed: bool,
    kind: PhantomData<fn() -> F>,
}

impl<F: Elements> Plan<F> {
    fn new(layer: &str, input: Input<'_>) -> Result<Self> {
        let sizes = input.tensor().size();
        let (steps, out, leading, fixed) = match input {
            Input::Step(_) => (1, sizes, 0, false),
            Input::Sequence(_) => (sizes.first().copied().unwrap_or(0), sizes, 1, false),
            Input::Repeat(_, steps) => (steps, [vec![steps], sizes].concat(), 1, true),
        };
        match usize::try_from(steps) {
            Ok(steps) if steps > 0 => Ok(Plan { steps, out, leading, fixed, kind: PhantomData }),
            _ => Err(Error::Steps { layer: layer.into(), problem: format!("there is no step in {out:?}") }),
        }
    }

    /// Sizes of one step.
    fn step(&self) -> &[i64] {
        &self.out[self.leading..]
    }

    /// Neurons in a step.
    fn neurons(&self) -> usize {
        self.step().iter().product::<i64>() as usize
    }

    fn input<'a>(&self, x: &'a [F]) -> snn_kernels::Input<'a, F> {
        if self.fixed { snn_kernels::Input::Static(x) } else { snn_kernels::Input::Sequence(x) }
    }
}

/// The backward pass of one node.
struct Replay<D, F> {
    layer: String,
    plan: Plan<F>,
    common: Common,
    dynamics: D,
    /// Was there a first potential among the inputs?
    v0: bool,
    /// The kind of the weight, if there was one.
    weight: Option<Kind>,
}

impl<D: Dynamics, F: Elements> Replay<D, F> {
    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let layer = self.layer.as_str();
        let gradient = |g: &Option<Tensor>| g.as_ref().map(|g| dense(layer, &g.f_to_kind(F::KIND)?)).transpose();
        let (grad_spikes, grad_v) = (gradient(&b.grads[0])?, gradient(&b.grads[1])?);
        let x = b.saved[0].as_ref().ok_or("its input was not saved")?;
        let mut needs = b.needs.iter().copied();
        let mut next = || needs.next().unwrap_or(false);
        let (need_x, need_v0, need_w) = (next(), self.v0 && next(), self.weight.is_some() && next());

        let sizes = if self.plan.fixed { self.plan.step() } else { &self.plan.out };
        let mut grad_x = if need_x { Some(Fresh::<F>::new(layer, sizes)?) } else { None };
        let mut grad_v0 = if need_v0 { Some(Fresh::<F>::new(layer, self.plan.step())?) } else { None };
        fn slice<'a, F: Elements>(layer: &str, t: &'a Option<Tensor>) -> Result<Option<&'a [F]>> {
            t.as_ref().map(|t| F::slice(layer, t)).transpose()
        }
        let parameters = snn_kernels::backward(
            &self.dynamics.charge::<F>(),
            &self.common.fire(),
            self.plan.steps,
            self.plan.neurons(),
            self.plan.input(F::slice(layer, x)?),
            slice(layer, &b.saved[1])?,
            slice(layer, &grad_spikes)?,
            slice(layer, &grad_v)?,
            BackwardOut { x: grad_x.as_mut().map(Fresh::elements), v0: grad_v0.as_mut().map(Fresh::elements) },
        )?;

        let mut gradients = vec![grad_x.map(Fresh::into_tensor)];
        if self.v0 {
            gradients.push(grad_v0.map(Fresh::into_tensor));
        }
        if let Some(kind) = self.weight {
            let g = self.dynamics.weight_gradient(&parameters).filter(|_| need_w);
            gradients.push(g.map(|g| Tensor::from(g).f_to_kind(kind)).transpose()?);
        }
        Ok(gradients)
    }
}
