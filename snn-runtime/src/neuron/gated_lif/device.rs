//! Gated LIF neurons on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernels, but for the gradients of constants, which
//! are sums over neurons in another order. Nothing is read back.

use snn_kernels::Channels;
use snn_kernels::cuda::{FiresArguments, GATED_LIF, GATED_LIF_BACKWARD, GatedLifArguments, GatedLifKernels};
use tch::Tensor;

use super::{Call, Run};
use crate::autograd::Backward;
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};

impl Call {
    fn kernels(&self, on: &Launcher<'_>) -> GatedLifKernels {
        GatedLifKernels::new(&self.surrogate, on.element, self.steps)
    }

    /// What both kernels are given. `rows` are the other tensors of which a row is read or written at once.
    fn arguments<'a>(
        &self,
        on: &Launcher<'_>,
        x: &'a Tensor,
        constants: &Tensor,
        v0: Option<&'a Tensor>,
        rows: impl IntoIterator<Item = &'a Tensor>,
    ) -> GatedLifArguments {
        let channels = constants.size()[1] as usize;
        GatedLifArguments {
            x: address(x),
            constants: address(constants),
            v0: v0.map_or(0, address),
            y: 0,
            v: 0,
            v_seq: 0,
            grad_y: 0,
            grad_v: 0,
            grad_x: 0,
            grad_v0: 0,
            grad_constants: 0,
            fires: FiresArguments::new(&self.surrogate, self.draw, on.element),
            sizes: [self.steps, self.neurons, channels, self.plane].map(|n| n as u32),
            wide: on.wide(self.neurons, rows.into_iter().chain([x]).chain(v0).map(address)),
            padding: 0,
        }
    }

    pub(super) fn forward_on(&self, on: &Launcher<'_>, kept: &[Tensor; 2], v0: Option<&Tensor>, wants_seq: bool) -> Result<Run> {
        let (sizes, states) = (kept[0].size(), on.compute());
        on.neurons(&sizes[1..])?;
        for tensor in kept.iter().chain(v0) {
            on.check(tensor)?;
        }
        let (spikes, v) = (on.fresh(&sizes, on.kind)?, on.fresh(&sizes[1..], states)?);
        let v_seq = on.fresh_if(wants_seq, &sizes, states)?;
        let mut call = self.arguments(on, &kept[0], &kept[1], v0, []);
        (call.y, call.v, call.v_seq) = (address(&spikes), address(&v), v_seq.as_ref().map_or(0, address));
        let kernels = self.kernels(on);
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernels.source, GATED_LIF, kernels.blocks(self.neurons), call) }?;
        Ok(Run { spikes, v, v_seq })
    }

    /// Gradients of x, the constants and the first potential.
    pub(super) fn backward_on(
        &self,
        on: &Launcher<'_>,
        b: &Backward<'_>,
        x: &Tensor,
        constants: &Tensor,
        v0: Option<&Tensor>,
    ) -> Result<[Option<Tensor>; 3]> {
        let (sizes, states, kernels) = (x.size(), on.compute(), self.kernels(on));
        let grad_y = on.dense_opt(b.grads[0].as_ref(), on.kind)?;
        let grad_v = on.dense_opt(b.grads[1].as_ref(), states)?;
        let grad_x = on.fresh_if(b.needs[0], &sizes, on.kind)?;
        let grad_v0 = on.fresh_if(v0.is_some() && b.needs[2], &sizes[1..], states)?;
        let (rows, channels) = (constants.size()[0], constants.size()[1] as usize);
        let of_neurons = on.fresh(&[rows, self.neurons as i64], states)?;
        let room = on.fresh_if(kernels.needs_room, &sizes, states)?;
        let mut call = self.arguments(on, x, constants, v0, [&grad_y, &grad_v].into_iter().flatten());
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        (call.v_seq, call.grad_y, call.grad_v) = (at(&room), at(&grad_y), at(&grad_v));
        (call.grad_x, call.grad_v0, call.grad_constants) = (at(&grad_x), at(&grad_v0), address(&of_neurons));
        // SAFETY: as above.
        unsafe { on.call(&kernels.source, GATED_LIF_BACKWARD, kernels.blocks(self.neurons), call) }?;
        let channels = Channels { count: channels, inner: self.plane };
        let samples = self.neurons / (channels.count * channels.inner).max(1);
        let sums = on.sums(&of_neurons, rows as usize, samples, channels)?;
        let sums = sums.f_to_kind(states).and_then(|sums| sums.f_reshape(constants.size())).map_err(Error::in_layer(&self.layer))?;
        Ok([grad_x, Some(sums), grad_v0])
    }
}
