//! `Delay`. In: any shape; out: what came in some steps ago, zeros at first; state: what is on its way.

pub use snn_infer::DelayConfig;
use snn_kernels::gather_rows;
use tch::{Device, TchError, Tensor};

use crate::autograd::{Backward, Gradients, attach_one, recorded};
use crate::elements::{Elements, Fresh, defined, dense, dense_as, in_its_kind, on_cpu};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::ops;
use crate::scope::Scope;
use crate::state::{QueueState, steps_of};

/// A delay line: y\[t\] = x\[t - delay_steps\], and zeros for the first `delay_steps` steps.
///
/// What is on its way stays in the state from call to call, in both step modes, and gradients flow back through it.
/// SpikingJelly equivalent: `layer.Delay(..)`.
///
/// # Shapes
///
/// Any; the state `queue` holds up to `delay_steps` tensors of one step, oldest first. A sequence keeps its length.
#[derive(Debug)]
pub struct Delay {
    config: DelayConfig,
    name: String,
}

impl Delay {
    /// What it was built with.
    pub fn config(&self) -> &DelayConfig {
        &self.config
    }

    /// `queue` is at most `delay_steps` long.
    fn delayed<F: Elements>(&self, x: &Tensor, steps: usize, step: &[i64], queue: &[Tensor]) -> Result<Tensor> {
        let layer = self.name.as_str();
        // Rows of the output: zeros while the line fills, then the queue, then x.
        let zeros = (self.config.delay_steps - queue.len()).min(steps);
        let queued = queue.len().min(steps - zeros);
        let queue = &queue[..queued];
        let x_dense = dense(layer, x)?;
        let kept = queue.iter().map(|q| dense_as::<F>(layer, Some(q))).collect::<Result<Vec<_>>>()?;
        let len = step.iter().product::<i64>() as usize;
        let mut rows = vec![None; zeros];
        for q in kept.iter().flatten() {
            rows.push(Some(F::slice(layer, q)?));
        }
        let from_x = F::slice(layer, &x_dense)?;
        rows.extend((0..steps - zeros - queued).map(|t| Some(&from_x[t * len..][..len])));
        let mut y = Fresh::<F>::new(layer, &x.size())?;
        gather_rows(&rows, len, y.elements()).map_err(|e| Error::bug(layer, e))?;
        let y = y.into_tensor();

        let inputs: Vec<&Tensor> = [x].into_iter().chain(queue).collect();
        if !recorded(&inputs) {
            return Ok(y);
        }
        let node = Node { layer: layer.to_string(), zeros, steps, step: step.to_vec() };
        attach_one(layer, "Delay", &inputs, y, &[], move |b| node.backward::<F>(&b))
    }

    /// The same on a CUDA device, where it is one copy of libtorch's: a kernel of our own would move as many bytes.
    fn joined(&self, x: &Tensor, steps: usize, step: &[i64], queue: &[Tensor]) -> Result<Tensor, TchError> {
        let zeros = (self.config.delay_steps - queue.len()).min(steps);
        let queued = queue.len().min(steps - zeros);
        let mut rows = vec![Tensor::f_zeros([&[zeros as i64], step].concat(), (x.kind(), x.device()))?];
        for q in &queue[..queued] {
            rows.push(q.f_to_kind(x.kind())?.f_unsqueeze(0)?);
        }
        rows.push(x.f_narrow(0, 0, (steps - zeros - queued) as i64)?);
        Tensor::f_cat(&rows, 0)
    }
}

/// What the backward pass knows: it needs no tensor.
struct Node {
    layer: String,
    zeros: usize,
    steps: usize,
    step: Vec<i64>,
}

impl Node {
    /// Gradients of x, and of each tensor of the queue that came out.
    fn backward<F: Elements>(&self, b: &Backward<'_>) -> Gradients {
        let layer = self.layer.as_str();
        let Some(grad) = dense_as::<F>(layer, b.grads[0].as_ref())? else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let len = self.step.iter().product::<i64>() as usize;
        let from = F::slice(layer, &grad)?;
        let row = |t: usize| (t < self.steps).then(|| &from[t * len..][..len]);
        let mut gradients = vec![None];
        let first = self.zeros + b.needs.len() - 1;
        if b.needs[0] {
            let rows: Vec<_> = (0..self.steps).map(|t| row(first + t)).collect();
            let mut grad_x = Fresh::<F>::new(layer, &[&[self.steps as i64], &self.step[..]].concat())?;
            gather_rows(&rows, len, grad_x.elements())?;
            gradients[0] = Some(grad_x.into_tensor());
        }
        for (i, needed) in b.needs[1..].iter().enumerate() {
            gradients.push(if *needed { Some(ops::at_step(&grad, (self.zeros + i) as i64)?) } else { None });
        }
        Ok(gradients)
    }
}

impl Layer for Delay {
    type Config = DelayConfig;
    type State = QueueState;

    fn build(scope: &Scope<'_>, config: DelayConfig) -> Result<Self> {
        Ok(Delay { config, name: scope.name().to_string() })
    }

    fn state(&self) -> QueueState {
        QueueState::default()
    }

    /// Moves tensors through the queue: no element is copied.
    fn step(&self, x: &Tensor, s: &mut QueueState, _: &Cx) -> Result<Tensor> {
        defined(&self.name, x)?;
        let before = s.last(&self.name, self.config.delay_steps, &x.size())?.len();
        // The state of a longer delay has more.
        s.queue.drain(..s.queue.len() - before);
        s.queue.push(x.shallow_clone());
        if s.queue.len() > self.config.delay_steps {
            return Ok(s.queue.remove(0));
        }
        x.detach().f_zeros_like().map_err(Error::in_layer(&self.name))
    }

    fn sequence(&self, x: &Tensor, s: &mut QueueState, _: &Cx) -> Result<Tensor> {
        let sizes = x.size();
        let (steps, step) = steps_of(&self.name, &sizes)?;
        let before = s.last(&self.name, self.config.delay_steps, step)?;
        if self.config.delay_steps == 0 {
            s.queue.clear();
            return Ok(x.shallow_clone());
        }
        defined(&self.name, x)?;
        let y = match x.device() {
            Device::Cuda(_) => self.joined(x, steps, step, before).map_err(Error::in_layer(&self.name))?,
            _ => {
                on_cpu(&self.name, x)?;
                in_its_kind!(self.name, x, F => self.delayed::<F>(x, steps, step, before))?
            }
        };
        let newest = steps.saturating_sub(self.config.delay_steps);
        for t in newest..steps {
            s.queue.push(ops::at_step(x, t as i64)?);
        }
        s.queue.drain(..s.queue.len().saturating_sub(self.config.delay_steps));
        Ok(y)
    }
}
