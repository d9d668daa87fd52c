//! Spike-tracing bipolar neurons on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernel. The three numbers of the
//! quantiser are read back.

use snn_kernels::cuda::{STBIF, StbifArguments, StbifKernel};
use tch::Tensor;

use super::{STBIFNode, STBIFState};
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::state::{check_sizes, steps_of};

impl STBIFNode {
    /// `x` is `[T, N, ..]`.
    pub(super) fn run_on(&self, on: &Launcher<'_>, x: &Tensor, s: &mut STBIFState) -> Result<Tensor> {
        on.tell(&self.told, "STBIFNode");
        let sizes = x.size();
        let (steps, step) = steps_of(&self.name, &sizes)?;
        let (neurons, states) = (on.neurons(step)?, on.compute());
        let value = |t: &Tensor| t.f_double_value(&[]).map_err(Error::in_layer(&self.name));
        let given = |stored: &Option<Tensor>| {
            stored.as_ref().map_or(Ok(()), |stored| check_sizes(&self.name, stored, step))?;
            on.dense_opt(stored.as_ref(), states)
        };
        let (x_dense, q0, acc_q0) = (on.dense(x, on.kind)?, given(&s.q)?, given(&s.acc_q)?);
        let spikes = on.fresh(&sizes, on.kind)?;
        let [q, acc_q, cur_output] = [(); 3].map(|()| on.fresh(step, states));
        let after = [q?, acc_q?, cur_output?];
        let kernel = StbifKernel { element: on.element };
        let call = StbifArguments {
            x: address(&x_dense),
            y: address(&spikes),
            q0: q0.as_ref().map_or(0, address),
            acc_q0: acc_q0.as_ref().map_or(0, address),
            after: after.each_ref().map(address),
            quantiser: [value(&self.q_threshold)?, value(&self.pos_max)?, value(&self.neg_min)?],
            sizes: [steps as u32, neurons as u32],
            wide: on.wide(neurons, [Some(&x_dense), q0.as_ref(), acc_q0.as_ref()].into_iter().flatten().map(address)),
            padding: 0,
        };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernel.source(), STBIF, kernel.blocks(neurons), call) }?;
        [s.q, s.acc_q, s.cur_output] = after.map(Some);
        probe::fired(&self.name, &spikes, 1).map_err(Error::in_layer(&self.name))?;
        self.refuse_gradient(x, spikes)
    }
}
