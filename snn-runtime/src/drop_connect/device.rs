//! The layer that drops connections on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernels.
//!
//! A launch takes the draws of at most 64 steps along; a longer sequence is several launches.

use std::ops::Range;

use snn_kernels::DropConnectSizes;
use snn_kernels::cuda::{
    DROP_CONNECT, DROP_CONNECT_INPUT, DROP_CONNECT_MEAN, DROP_CONNECT_STEPS, DROP_CONNECT_WEIGHT, DropConnectArguments, DropConnectKernel,
};
use tch::{Kind, Tensor};

use super::Node;
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};

/// The steps of each launch.
fn launches(steps: usize) -> impl Iterator<Item = Range<usize>> {
    (0..steps).step_by(DROP_CONNECT_STEPS).map(move |first| first..steps.min(first + DROP_CONNECT_STEPS))
}

/// How evaluation averages.
pub(super) struct Mean<'a> {
    pub(super) p: f64,
    pub(super) samples_num: usize,
    pub(super) seed: u64,
    pub(super) stream: u32,
    /// Numbers from elsewhere.
    pub(super) noise: Option<&'a Tensor>,
}

impl Node {
    /// The arguments of a launch for these steps, all that both passes read in place. `read`: x, weight, bias and masks from elsewhere.
    fn call(
        &self,
        on: &Launcher<'_>,
        read: &[Option<Tensor>],
        (p, samples_num): (f64, usize),
        (seed, stream): (u64, u32),
        of: &Range<usize>,
    ) -> Result<DropConnectArguments> {
        let sizes = DropConnectSizes { steps: of.len(), ..self.sizes };
        let call = DropConnectArguments::new(sizes, self.activation, p, samples_num, seed, stream, &self.of_step[of.clone()])
            .map_err(|e| Error::bug(&self.layer, e))?;
        let at = |i: usize| read.get(i).and_then(Option::as_ref).map_or(0, address);
        let row = self.sizes.samples * self.sizes.inputs * on.kind.elt_size_in_bytes();
        let wide = on.wide(self.sizes.inputs, [at(0), at(1), at(3)]);
        Ok(DropConnectArguments { x: at(0) + (of.start * row) as u64, w: at(1), b: at(2), mask_w: at(3), mask_b: at(4), wide, ..call })
    }

    /// Where the outputs of a step begin.
    fn output(&self, y: &Tensor, step: usize) -> u64 {
        address(y) + (step * self.sizes.samples * self.sizes.outputs * y.kind().elt_size_in_bytes()) as u64
    }

    pub(super) fn forward_on(&self, on: &Launcher<'_>, read: &[Option<Tensor>], y: &Tensor) -> Result<()> {
        let kernel = DropConnectKernel { element: on.element };
        let (seed, stream, p) = self.source.unwrap_or_default();
        for of in launches(self.sizes.steps) {
            let call = DropConnectArguments { y: self.output(y, of.start), ..self.call(on, read, (p, 1), (seed, stream), &of)? };
            let grid = kernel.outputs(DropConnectSizes { steps: of.len(), ..self.sizes });
            // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
            unsafe { on.call(&kernel.source(), DROP_CONNECT, grid, call) }?;
        }
        Ok(())
    }

    /// Gradients of x, weight and bias; `wanted` says of which. Those of weight and bias come together.
    pub(super) fn backward_on(
        &self,
        on: &Launcher<'_>,
        read: &[Option<Tensor>],
        y: &Tensor,
        grad: &Tensor,
        wanted: [bool; 3],
    ) -> Result<[Option<Tensor>; 3]> {
        let (kernel, grad) = (DropConnectKernel { element: on.element }, on.dense(grad, on.kind)?);
        let like = |i: usize, kind: Kind| match read[i].as_ref().filter(|_| wanted[i]) {
            Some(t) => on.fresh(&t.size(), kind).map(Some),
            None => Ok(None),
        };
        let (grad_x, grad_w, grad_b) = (like(0, on.kind)?, like(1, on.compute())?, like(2, on.compute())?);
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        let (seed, stream, p) = self.source.unwrap_or_default();
        for of in launches(self.sizes.steps) {
            let sizes = DropConnectSizes { steps: of.len(), ..self.sizes };
            let row = (of.start * self.sizes.samples * self.sizes.inputs * on.kind.elt_size_in_bytes()) as u64;
            let call = DropConnectArguments {
                y: self.output(y, of.start),
                grad: self.output(&grad, of.start),
                grad_x: grad_x.as_ref().map_or(0, |t| address(t) + row),
                grad_w: at(&grad_w),
                grad_b: at(&grad_b),
                more: u32::from(of.start > 0),
                ..self.call(on, read, (p, 1), (seed, stream), &of)?
            };
            if grad_x.is_some() {
                // SAFETY: as above.
                unsafe { on.call(&kernel.source(), DROP_CONNECT_INPUT, kernel.inputs(sizes), call) }?;
            }
            if grad_w.is_some() {
                // SAFETY: as above.
                unsafe { on.call(&kernel.source(), DROP_CONNECT_WEIGHT, kernel.weights(sizes, grad_b.is_some()), call) }?;
            }
        }
        Ok([grad_x, grad_w, grad_b])
    }

    pub(super) fn mean_on(&self, on: &Launcher<'_>, read: &[Option<Tensor>], mean: &Mean<'_>, y: &Tensor) -> Result<()> {
        let kernel = DropConnectKernel { element: on.element };
        let step = mean.samples_num * self.sizes.samples * self.sizes.outputs * on.compute().elt_size_in_bytes();
        for of in launches(self.sizes.steps) {
            let call = DropConnectArguments {
                y: self.output(y, of.start),
                noise: mean.noise.map_or(0, |noise| address(noise) + (of.start * step) as u64),
                ..self.call(on, read, (mean.p, mean.samples_num), (mean.seed, mean.stream), &of)?
            };
            let grid = kernel.outputs(DropConnectSizes { steps: of.len(), ..self.sizes });
            // SAFETY: as above.
            unsafe { on.call(&kernel.mean_source(), DROP_CONNECT_MEAN, grid, call) }?;
        }
        Ok(())
    }
}
