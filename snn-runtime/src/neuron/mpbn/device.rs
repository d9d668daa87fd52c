//! LIF neurons with a normalised potential on a CUDA device. In: tensors there; out: the same as from the CPU's kernels, but for sums over a
//! channel, which are in another order. Nothing is read back.

use snn_kernels::cuda::{FiresArguments, MPBN, MPBN_BACKWARD, MpbnArguments, MpbnKernels};
use tch::{Kind, Tensor};

use super::{Call, EPS, Inputs, Run};
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};

impl Call {
    /// What both kernels are given, and the kernels; `rows` are tensors like x that are read beside it.
    fn arguments<'a>(
        &self,
        on: &Launcher<'_>,
        kept: &'a Inputs,
        rows: impl IntoIterator<Item = &'a Tensor>,
    ) -> Result<(MpbnArguments, MpbnKernels)> {
        kept.0.iter().flatten().try_for_each(|tensor| on.check(tensor))?;
        let [x, v0, threshold, weight, bias, mean, var] = &kept.0;
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        let [samples, channels, plane] = self.sizes;
        let several = threshold.iter().filter(|t| t.numel() != 1);
        [weight, bias, mean, var].into_iter().flatten().chain(several).try_for_each(|t| on.sized(t, &[channels as i64]))?;
        let aligned = rows.into_iter().chain(x).chain(v0).all(|t| address(t).is_multiple_of(16));
        let kernels = MpbnKernels::new(&self.config.surrogate_function, on.element, plane, aligned);
        let arguments = MpbnArguments {
            x: at(x),
            v0: at(v0),
            threshold: at(threshold),
            weight: at(weight),
            bias: at(bias),
            mean: at(mean),
            var: at(var),
            y: 0,
            v: 0,
            v_seq: 0,
            statistics: 0,
            grad_y: 0,
            grad_v: 0,
            h: 0,
            grad_x: 0,
            grad_channels: 0,
            fires: FiresArguments::new(&self.config.surrogate_function, self.draw, on.element),
            numbers: [self.config.tau, self.config.v_reset.unwrap_or(0.0), EPS],
            sizes: [self.steps, samples, channels, plane].map(|n| n as u32),
            thresholds: threshold.as_ref().map_or(1, Tensor::numel) as u32,
            decay_input: u32::from(self.config.decay_input),
            soft: u32::from(self.config.v_reset.is_none()),
            detach_reset: u32::from(self.config.detach_reset),
        };
        Ok((arguments, kernels))
    }

    pub(super) fn forward_on(&self, on: &Launcher<'_>, kept: &Inputs, wants_seq: bool) -> Result<Run> {
        let (all, states) = (kept.x(&self.layer)?.size(), on.compute());
        on.neurons(&all[1..])?;
        let (mut call, kernels) = self.arguments(on, kept, [])?;
        let (spikes, v) = (on.fresh(&all, on.kind)?, on.fresh(&all[1..], states)?);
        let v_seq = on.fresh_if(wants_seq, &all, states)?;
        let used = on.fresh_if(call.weight != 0, &[all[0], self.sizes[1] as i64, 2], Kind::Double)?;
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        (call.y, call.v, call.v_seq, call.statistics) = (address(&spikes), address(&v), at(&v_seq), at(&used));
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernels.source, MPBN, kernels.blocks(self.sizes[1]), call) }?;
        Ok(Run { spikes, v, v_seq, used })
    }

    /// Gradients of all [`Inputs`] that can have one; `used` are the statistics of the forward pass.
    pub(super) fn backward_on(
        &self,
        on: &Launcher<'_>,
        grads: &[Option<Tensor>],
        saved: &Inputs,
        used: Option<&Tensor>,
    ) -> Result<[Option<Tensor>; Inputs::GRADIENTS]> {
        let (all, states) = (saved.x(&self.layer)?.size(), on.compute());
        let torch = || Error::in_layer(&self.layer);
        let grad_y = on.dense_opt(grads[0].as_ref(), on.kind)?;
        // It is changed in place.
        let grad_v = match &grads[1] {
            Some(grad) => tch::no_grad(|| on.dense(grad, states)?.f_detach_copy().map_err(torch()))?,
            None => Tensor::f_zeros(&all[1..], (states, on.device())).map_err(torch())?,
        };
        let (mut call, kernels) = self.arguments(on, saved, &grad_y)?;
        let (v, h) = (on.fresh(&all[1..], states)?, on.fresh(&all, states)?);
        let grad_x = on.fresh(&all, on.kind)?;
        let sums = on.fresh(&[3, self.sizes[1] as i64], Kind::Double)?;
        (call.grad_y, call.grad_v) = (grad_y.as_ref().map_or(0, address), address(&grad_v));
        (call.v, call.h, call.statistics) = (address(&v), address(&h), used.map_or(0, address));
        (call.grad_x, call.grad_channels) = (address(&grad_x), address(&sums));
        // SAFETY: as above.
        unsafe { on.call(&kernels.source, MPBN_BACKWARD, kernels.blocks(self.sizes[1]), call) }?;
        let row = |i: i64| sums.f_get(i)?.f_to_kind(states);
        let one = || sums.f_get(2)?.f_sum(Kind::Double)?.f_to_kind(states)?.f_reshape([1]);
        let of_threshold = if call.thresholds == 1 { one() } else { row(2) };
        let [weight, bias, threshold] = [row(0), row(1), of_threshold].map(|g| g.map_err(torch()));
        Ok([Some(grad_x), Some(grad_v), Some(threshold?), Some(weight?), Some(bias?)])
    }
}
