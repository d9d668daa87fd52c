//! `SynapseFilter`. In: spikes; out: the synaptic currents they leave behind; state: the last of them.

pub use snn_infer::SynapseFilterConfig;
use snn_kernels::{Input, SynapseFilterGrads, synapse_filter, synapse_filter_backward};
use tch::nn::Init;
use tch::{Kind, Tensor};

use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, on_cpu, opt_slice};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::state::{SynapseFilterState, check_sizes, steps_of};
use crate::weights::learnable;

/// A current that each spike raises by 1 and that decays by 1 / tau in steps without one:
/// i\[t\] = i\[t-1\] - (1 - x\[t\]) i\[t-1\] / tau + x\[t\], from i = 0.
///
/// From "Unsupervised learning of digit recognition using spike-timing-dependent plasticity" (Diehl and Cook, 2015); learned as
/// 1 / tau = sigmoid(w), one for the layer, in "Exploiting Neuron and Synapse Filter Dynamics in Spatial Temporal Learning of Deep
/// Spiking Neural Network" (Fang et al., IJCAI 2020). SpikingJelly equivalent: `layer.SynapseFilter(..)`.
///
/// # Shapes
///
/// Any; the state `out_i` has that of one step.
#[derive(Debug)]
pub struct SynapseFilter {
    /// One number: starts at -ln(tau - 1). `None` if the time constant is not learned.
    pub w: Option<Tensor>,
    config: SynapseFilterConfig,
    name: String,
}

impl SynapseFilter {
    /// What it was built with.
    pub fn config(&self) -> &SynapseFilterConfig {
        &self.config
    }

    /// 1 / tau as it is now.
    fn q(&self) -> Result<f64> {
        match &self.w {
            Some(w) => tch::no_grad(|| w.f_sigmoid()?.f_double_value(&[])).map_err(Error::in_layer(&self.name)),
            None => Ok(1.0 / self.config.tau),
        }
    }

    fn run(&self, x: &Tensor, shown: Shown, s: &mut SynapseFilterState) -> Result<Tensor> {
        on_cpu(&self.name, x)?;
        in_its_kind!(self.name, x, F => self.run_in::<F>(x, shown, s))
    }

    fn run_in<F: Elements>(&self, x: &Tensor, shown: Shown, s: &mut SynapseFilterState) -> Result<Tensor> {
        let layer = self.name.as_str();
        let out_sizes = shown.sizes(x);
        let (steps, step) = match shown {
            Shown::Step => (1, &out_sizes[..]),
            _ => steps_of(layer, &out_sizes)?,
        };
        if let Some(i0) = &s.out_i {
            check_sizes(layer, i0, step)?;
        }
        let node = Node { layer: layer.to_string(), q: self.q()?, steps, fixed: matches!(shown, Shown::Repeat(_)) };
        let (x_dense, i0) = (dense(layer, x)?, dense_as::<F>(layer, s.out_i.as_ref())?);

        let mut out = Fresh::<F>::new(layer, &out_sizes)?;
        let neurons = step.iter().product::<i64>() as usize;
        let input = node.input(F::slice(layer, &x_dense)?);
        synapse_filter(node.filter::<F>(), steps, neurons, input, opt_slice(layer, i0.as_ref())?, out.elements())
            .map_err(|e| Error::bug(layer, e))?;
        let out = out.into_tensor();

        // The last current is the state, and for a single step the output itself.
        let mut outputs = vec![out];
        if shown != Shown::Step {
            let last = tch::no_grad(|| outputs[0].f_get(steps as i64 - 1)?.f_to_dtype(F::KIND, false, true));
            outputs.push(last.map_err(Error::in_layer(layer))?);
        }
        let inputs: Vec<&Tensor> = [Some(x), self.w.as_ref(), s.out_i.as_ref()].into_iter().flatten().collect();
        if recorded(&inputs) {
            let save = [Save::Tensor(&x_dense), i0.as_ref().map_or(Save::Nothing, Save::Tensor)];
            let (w, from_state) = (self.w.as_ref().map(Tensor::kind), s.out_i.is_some());
            outputs = attach("SynapseFilter", &inputs, outputs, &save, move |b| node.backward::<F>(&b, w, from_state))
                .map_err(Error::in_layer(layer))?;
        }
        s.out_i = outputs.last().map(Tensor::shallow_clone);
        Ok(outputs.swap_remove(0))
    }
}

/// How the input stands for the steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// `[N, ..]`
    Step,
    /// `[T, N, ..]`
    Sequence,
    /// `[N, ..]`, shown that many times.
    Repeat(i64),
}

impl Shown {
    /// Sizes of the output.
    fn sizes(self, x: &Tensor) -> Vec<i64> {
        match self {
            Shown::Repeat(steps) => [vec![steps], x.size()].concat(),
            _ => x.size(),
        }
    }
}

/// What the backward pass knows besides tensors.
struct Node {
    layer: String,
    q: f64,
    steps: usize,
    /// Is the input the same at every step?
    fixed: bool,
}

impl Node {
    fn filter<F: Elements>(&self) -> snn_kernels::SynapseFilter<F> {
        snn_kernels::SynapseFilter { q: F::of(self.q) }
    }

    fn input<'a, F>(&self, x: &'a [F]) -> Input<'a, F> {
        if self.fixed { Input::Static(x) } else { Input::Sequence(x) }
    }

    /// Gradients of x, of the weight if there is one (of that kind), and of the first current if there was one.
    fn backward<F: Elements>(&self, b: &Backward<'_>, w: Option<Kind>, from_state: bool) -> Gradients {
        let layer = self.layer.as_str();
        let x = b.saved[0].as_ref().ok_or("its input was not saved")?;
        let grad = dense_as::<F>(layer, b.grads[0].as_ref())?;
        let grad_last = dense_as::<F>(layer, b.grads.get(1).and_then(Option::as_ref))?;
        let sizes = x.size();
        let step = if self.fixed || b.grads.len() == 1 { &sizes[..] } else { &sizes[1..] };
        let neurons = step.iter().product::<i64>() as usize;
        let mut grad_x = if b.needs[0] { Some(Fresh::<F>::new(layer, &sizes)?) } else { None };
        let need_i0 = from_state && b.needs.last() == Some(&true);
        let mut grad_i0 = if need_i0 { Some(Fresh::<F>::new(layer, step)?) } else { None };
        let grad_q = synapse_filter_backward(
            self.filter::<F>(),
            self.steps,
            neurons,
            self.input(F::slice(layer, x)?),
            opt_slice(layer, b.saved[1].as_ref())?,
            opt_slice(layer, grad.as_ref())?,
            opt_slice(layer, grad_last.as_ref())?,
            SynapseFilterGrads { x: grad_x.as_mut().map(Fresh::elements), i0: grad_i0.as_mut().map(Fresh::elements) },
        )?;
        let mut gradients = vec![grad_x.map(Fresh::into_tensor)];
        if let Some(kind) = w {
            gradients.push(Some(Tensor::from(self.q * (1.0 - self.q) * grad_q).f_to_kind(kind)?));
        }
        if from_state {
            gradients.push(grad_i0.map(Fresh::into_tensor));
        }
        Ok(gradients)
    }
}

impl Layer for SynapseFilter {
    type Config = SynapseFilterConfig;
    type State = SynapseFilterState;

    fn build(scope: &Scope<'_>, config: SynapseFilterConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        let w = if config.learnable { Some(learnable(scope, "w", &[], Init::Const(-(config.tau - 1.0).ln()))?) } else { None };
        Ok(SynapseFilter { w, config, name: scope.name().to_string() })
    }

    fn state(&self) -> SynapseFilterState {
        SynapseFilterState::default()
    }

    fn step(&self, x: &Tensor, s: &mut SynapseFilterState, _: &Cx) -> Result<Tensor> {
        self.run(x, Shown::Step, s)
    }

    fn sequence(&self, x: &Tensor, s: &mut SynapseFilterState, _: &Cx) -> Result<Tensor> {
        self.run(x, Shown::Sequence, s)
    }

    fn repeat(&self, x: &Tensor, steps: i64, s: &mut SynapseFilterState, _: &Cx) -> Result<Tensor> {
        self.run(x, Shown::Repeat(steps), s)
    }
}
