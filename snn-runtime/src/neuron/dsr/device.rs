//! Neurons trained by rates on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernels, but for the threshold's gradient,
//! a sum over neurons in another order. A learned threshold is read back, and the weights of a leak's steps are sent.

use snn_kernels::cuda::{DSR, DSR_BACKWARD, DsrArguments, DsrKernels, DsrNumbers};
use snn_kernels::{Channels, Dsr};
use tch::{Kind, Tensor};

use super::Rates;
use crate::autograd::{Backward, Gradients, Save, attach_one, recorded};
use crate::cuda::{Launcher, address};
use crate::elements::Elements;
use crate::error::{Error, Result};
use crate::report::probe;
use crate::state::steps_of;

impl Rates<'_> {
    /// In the type of the arithmetic.
    pub(super) fn run_on<F: Elements>(&self, on: &Launcher<'_>, x: &Tensor) -> Result<Tensor> {
        on.tell(self.told, self.label);
        let sizes = x.size();
        let (steps, step) = steps_of(self.layer, &sizes)?;
        let neurons = on.neurons(step)?;
        let dsr = self.kernel::<F>()?;
        let weights = dsr.step_weights(steps).map(|weights| on.upload(&weights)).transpose()?;
        let (x_dense, spikes, regime) = (on.dense(x, on.kind)?, on.fresh(&sizes, on.kind)?, on.fresh(step, Kind::Uint8)?);
        let node = Node { layer: self.layer.to_string(), kind: on.kind, dsr, sizes, neurons };
        let mut call = node.arguments(on, steps, weights.as_ref(), &x_dense);
        (call.x, call.y, call.regime) = (address(&x_dense), address(&spikes), address(&regime));
        let kernels = DsrKernels { element: on.element };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernels.source(), DSR, kernels.blocks(neurons), call) }?;
        probe::fired(self.layer, &spikes, 1).map_err(Error::in_layer(self.layer))?;
        let inputs: Vec<&Tensor> = [Some(x), self.learned].into_iter().flatten().collect();
        if !recorded(&inputs) {
            return Ok(spikes);
        }
        let (scaling, learned) = (self.threshold.grad_scaling, self.learned.map(Tensor::kind));
        let save = [Save::Tensor(&regime), weights.as_ref().map_or(Save::Nothing, Save::Tensor)];
        attach_one(self.layer, self.label, &inputs, spikes, &save, move |b| node.backward(&b, scaling, learned))
    }
}

/// What both passes know besides tensors.
struct Node<F> {
    layer: String,
    /// Of x.
    kind: Kind,
    dsr: Dsr<F>,
    sizes: Vec<i64>,
    neurons: usize,
}

impl<F: Elements> Node<F> {
    /// What both kernels are given; `row` is the tensor that is read row by row.
    fn arguments(&self, on: &Launcher<'_>, steps: usize, weights: Option<&Tensor>, row: &Tensor) -> DsrArguments {
        DsrArguments {
            x: 0,
            weights: weights.map_or(0, address),
            y: 0,
            regime: 0,
            grad_y: 0,
            grad_x: 0,
            saturated: 0,
            numbers: DsrNumbers::new(&self.dsr, steps),
            sizes: [steps as u32, self.neurons as u32],
            leaks: u32::from(self.dsr.leak.is_some()),
            wide: on.wide(self.neurons, [address(row)]),
        }
    }

    /// `learned` is the kind of the threshold, if it gets a gradient.
    fn backward(&self, b: &Backward<'_>, scaling: f64, learned: Option<Kind>) -> Gradients {
        let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let [Some(regime), weights] = &b.saved[..] else { return Err("what it saved is gone".into()) };
        let on = &Launcher::at(&self.layer, regime, self.kind)?;
        let grad_y = on.dense(grad, on.kind)?;
        let (grad_x, saturated) = (on.fresh(&self.sizes[1..], on.kind)?, on.fresh(&self.sizes[1..], on.compute())?);
        let mut call = self.arguments(on, self.sizes[0] as usize, weights.as_ref(), &grad_y);
        (call.grad_y, call.regime) = (address(&grad_y), address(regime));
        (call.grad_x, call.saturated) = (address(&grad_x), address(&saturated));
        let kernels = DsrKernels { element: on.element };
        // SAFETY: as above.
        unsafe { on.call(&kernels.source(), DSR_BACKWARD, kernels.blocks(self.neurons), call) }?;
        // The same at every step: one row, seen T times.
        let mut gradients = vec![Some(grad_x.f_unsqueeze(0)?.f_expand(&self.sizes, false)?)];
        if let Some(kind) = learned {
            let sum = on.sums(&saturated, 1, 1, Channels { count: 1, inner: self.neurons })?.f_reshape([0i64; 0])?;
            let by = self.dsr.leak.map_or(1.0, |leak| leak.delta_t) * scaling;
            gradients.push(Some(sum.f_mul_scalar(by)?.f_to_kind(kind)?));
        }
        Ok(gradients)
    }
}
