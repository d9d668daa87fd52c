//! NeuNorm on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernels.

use snn_kernels::cuda::{
    NEUNORM, NEUNORM_BACKWARD, NEUNORM_FOLD, NEUNORM_WEIGHT, NeuNormArguments, NeuNormBackwardArguments, NeuNormKernel, NeuNormNumbers,
};
use tch::Tensor;

use super::{Node, Run};
use crate::autograd::Backward;
use crate::cuda::{Launcher, address};
use crate::error::Result;

impl Node {
    pub(super) fn forward_on(&self, on: &Launcher<'_>, x: &Tensor, w: &Tensor, u0: Option<&Tensor>, record: bool) -> Result<Run> {
        let (kernel, states) = (NeuNormKernel { element: on.element }, on.compute());
        let (x, w, u0) = (on.dense(x, on.kind)?, on.dense(w, states)?, on.dense_opt(u0, states)?);
        // One weight per pixel, or one per channel, too.
        if w.numel() != self.sizes.pixels {
            on.sized(&w, &self.x[self.x.len() - 3..])?;
        }
        let (y, u) = (on.fresh(&self.x, on.kind)?, on.fresh(&self.trace, states)?);
        let u_seq = on.fresh_if(record, &self.traces(), states)?;
        let read = [Some(&x), Some(&w), u0.as_ref()].into_iter().flatten();
        let call = NeuNormArguments {
            x: address(&x),
            w: address(&w),
            u0: u0.as_ref().map_or(0, address),
            y: address(&y),
            u: address(&u),
            u_seq: u_seq.as_ref().map_or(0, address),
            norm: NeuNormNumbers::new(self.k, self.sizes, w.numel(), on.wide(self.sizes.pixels, read.map(address))),
        };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernel.source(), NEUNORM, kernel.blocks(self.sizes), call) }?;
        Ok(Run { y, u, u_seq, w })
    }

    /// Gradients of x, of the weights and of the first trace.
    pub(super) fn backward_on(&self, on: &Launcher<'_>, b: &Backward<'_>, u_seq: &Tensor, w: &Tensor) -> Result<[Option<Tensor>; 3]> {
        let (kernel, states) = (NeuNormKernel { element: on.element }, on.compute());
        let needs = |i: usize| b.needs.get(i) == Some(&true);
        let grad_y = match &b.grads[0] {
            Some(grad) => on.dense(grad, on.kind)?,
            None => Tensor::f_zeros(&self.x[..], (on.kind, on.device())).map_err(crate::Error::in_layer(&self.layer))?,
        };
        let grad_u = on.dense_opt(b.grads[1].as_ref(), states)?;
        let (grad_x, grad_u0) = (on.fresh_if(needs(0), &self.x, on.kind)?, on.fresh_if(needs(2), &self.trace, states)?);
        let grad_w = on.fresh_if(needs(1), &self.w, states)?;
        let grid = kernel.parts(self.sizes, w.numel());
        let parts = on.fresh_if(needs(1), &[(grid[1] * w.numel()) as i64], states)?;
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        let read = [Some(w), Some(u_seq), Some(&grad_y), grad_u.as_ref()].into_iter().flatten();
        let call = NeuNormBackwardArguments {
            w: address(w),
            u_seq: address(u_seq),
            grad_y: address(&grad_y),
            grad_u: at(&grad_u),
            grad_x: at(&grad_x),
            grad_u0: at(&grad_u0),
            parts: at(&parts),
            grad_w: at(&grad_w),
            norm: NeuNormNumbers::new(self.k, self.sizes, w.numel(), on.wide(self.sizes.pixels, read.map(address))),
        };
        let source = kernel.source();
        // SAFETY: as above, for these kernels.
        let launch = |name: &str, grid: [usize; 3]| unsafe { on.call(&source, name, grid, call) };
        if needs(0) || needs(2) {
            launch(NEUNORM_BACKWARD, kernel.blocks(self.sizes))?;
        }
        if needs(1) {
            launch(NEUNORM_WEIGHT, grid)?;
            launch(NEUNORM_FOLD, kernel.fold(w.numel()))?;
        }
        Ok([grad_x, grad_w, grad_u0])
    }
}
