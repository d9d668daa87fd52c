//! Neurons that do not fire on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernels. Nothing is read back.

use snn_kernels::cuda::{NON_SPIKING, NON_SPIKING_BACKWARD, NonSpikingArguments, NonSpikingKernels};
use tch::{Kind, Tensor};

use super::Membrane;
use crate::autograd::{Backward, Gradients, Save, attach_one, recorded};
use crate::cuda::{Launcher, address};
use crate::error::Result;
use crate::state::steps_of;

impl Membrane<'_> {
    pub(super) fn run_on(&self, on: &Launcher<'_>, x: &Tensor) -> Result<Tensor> {
        on.tell(self.told, self.label);
        let sizes = x.size();
        let (steps, step) = steps_of(self.layer, &sizes)?;
        let neurons = on.neurons(step)?;
        let record = recorded(&[x]);
        let (x_dense, y) = (on.dense(x, on.kind)?, on.fresh(if self.decode.keeps_time() { &sizes } else { step }, on.kind)?);
        // 32 bits, as the kernel counts steps.
        let chosen = on.fresh_if(record && self.decode.chooses(), step, Kind::Int)?;
        let kernels = NonSpikingKernels { element: on.element, decode: self.decode };
        let call = NonSpikingArguments {
            x: address(&x_dense),
            y: address(&y),
            chosen: chosen.as_ref().map_or(0, address),
            grad_y: 0,
            grad_x: 0,
            tau: self.tau.unwrap_or(0.0),
            sizes: [steps as u32, neurons as u32],
            wide: on.wide(neurons, [address(&x_dense)]),
            padding: 0,
        };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernels.source(), NON_SPIKING, kernels.blocks(neurons), call) }?;
        if !record {
            return Ok(y);
        }
        let (layer, kind) = (self.layer.to_string(), on.kind);
        let backward = move |b: Backward<'_>| -> Gradients {
            let Some(grad) = &b.grads[0] else { return Ok(vec![None]) };
            let on = Launcher::at(&layer, grad, kind)?;
            let (grad_y, grad_x) = (on.dense(grad, kind)?, on.fresh(&sizes, kind)?);
            let mut call = NonSpikingArguments { x: 0, y: 0, wide: on.wide(neurons, [address(&grad_y)]), ..call };
            (call.grad_y, call.grad_x) = (address(&grad_y), address(&grad_x));
            call.chosen = b.saved[0].as_ref().map_or(0, address);
            // SAFETY: as above.
            unsafe { on.call(&kernels.source(), NON_SPIKING_BACKWARD, kernels.blocks(neurons), call) }?;
            Ok(vec![Some(grad_x)])
        };
        let save = [chosen.as_ref().map_or(Save::Nothing, Save::Tensor)];
        attach_one(self.layer, self.label, &[x], y, &save, backward)
    }
}
