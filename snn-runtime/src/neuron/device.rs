//! A neuron layer on a CUDA device. In: what `fused` has planned and tensors there; out: the same tensors and sums as from the CPU's kernels.
//!
//! Per neuron the bits are those of the CPU. Two things are read back, and waited for: learned parameters, whose constants are computed in
//! `f64` as on the CPU, and sums over neurons for their gradients and those of a normalisation. A layer without either can be captured in a
//! CUDA graph.

use std::ffi::c_void;
use std::sync::{Arc, Once};

use snn_kernels::cuda::{
    ADD_SCALED, AddScaledArguments, AddScaledKernel, BACKWARD, BackwardArguments, FORWARD, ForwardArguments, MAX_NEURONS, NeuronKernels,
    PassArguments, counts,
};
use snn_kernels::{Channels, Compiled, MAX_CONSTANTS, Moments};
use tch::{Device, Kind, Tensor};

use super::fused::{Plan, Sums};
use super::normalised::Scaling;
use crate::cuda::{Launcher, Module, address, arguments};
use crate::elements::{Elements, dense};
use crate::error::{Error, Result};

/// A planned call, and the kernels for it.
pub(super) struct OnDevice<'a, F> {
    layer: &'a str,
    plan: &'a Plan<F>,
    on: Launcher<'a>,
    kernels: NeuronKernels,
    module: Arc<Module>,
}

impl<'a, F: Elements> OnDevice<'a, F> {
    pub(super) fn new(layer: &'a str, kernels: &dyn Compiled, plan: &'a Plan<F>, x: &Tensor) -> Result<Self> {
        if plan.neurons() > MAX_NEURONS {
            let wants = format!("at most {MAX_NEURONS} neurons in a step on a CUDA device");
            return Err(Error::shape(layer, wants, plan.step(), "split the batch"));
        }
        let on = Launcher::at(layer, x, x.kind())?;
        let kernels = kernels.cuda(on.element, plan.steps);
        let module = on.module(&kernels.source)?;
        Ok(OnDevice { layer, plan, on, kernels, module })
    }

    /// Says once which kernel the layer has.
    pub(super) fn tell(&self, told: &Once) {
        let NeuronKernels { name, lanes, segment, .. } = &self.kernels;
        self.on.tell(told, &format!("{name}, {lanes} neurons a thread, {segment} steps in registers,"));
    }

    /// What both kernels read; the tensors behind its addresses that nobody else holds.
    fn pass(&self, x: &Tensor, start: &[Option<Tensor>], others: &[&Tensor]) -> Result<(PassArguments<F>, Vec<Tensor>)> {
        let plan = self.plan;
        let mut pass = self.kernels.pass(&plan.constants, plan.steps, plan.neurons(), plan.draw);
        let mut held = Vec::new();
        let mut hold = |tensor: Tensor| {
            let at = address(&tensor);
            held.push(tensor);
            at
        };
        pass.x = address(x);
        for (to, from) in pass.start.iter_mut().zip(start) {
            *to = from.as_ref().map_or(0, address);
        }
        if let Some(scaling) = &plan.scaling {
            let by = scaling.view();
            (pass.scale, pass.shift) = (hold(self.on.upload(by.scale)?), hold(self.on.upload(by.shift)?));
            pass.scaled = counts(by.channels);
        }
        if self.kernels.own {
            pass.own = hold(self.on.upload(&self.kernels.own(&plan.constants))?);
        }
        let rows = [x].into_iter().chain(start.iter().flatten()).chain(others.iter().copied());
        pass.wide = u32::from(self.kernels.is_wide(plan.neurons(), rows.map(address)));
        pass.fixed = u32::from(plan.fixed);
        Ok((pass, held))
    }

    fn launch(&self, name: &str, arguments: &mut [*mut c_void]) -> Result<()> {
        let grid = [self.kernels.blocks(self.plan.neurons()), 1, 1];
        // SAFETY: the arguments are made here, in pairs with the names; the tensors are on this device, and go back to libtorch's allocator.
        unsafe { self.on.launch(&self.module, name, grid, arguments) }
    }

    /// The output, the last states, and state number `wanted` after each step.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        start: &[Option<Tensor>],
        wanted: Option<usize>,
    ) -> Result<(Tensor, Vec<Tensor>, Option<Tensor>)> {
        let plan = self.plan;
        let y = self.on.fresh(&plan.out, self.on.kind)?;
        let states = (0..self.kernels.states).map(|_| self.on.fresh(plan.step(), F::KIND)).collect::<Result<Vec<_>>>()?;
        let series = wanted.map(|_| self.on.fresh(&plan.out, F::KIND)).transpose()?;
        let mut out = ForwardArguments { y: address(&y), ..ForwardArguments::default() };
        for (to, state) in out.states.iter_mut().zip(&states) {
            *to = address(state);
        }
        if let (Some(wanted), Some(series)) = (wanted, &series) {
            out.sequences[wanted] = address(series);
        }
        let (mut pass, _held) = self.pass(x, start, &[])?;
        self.launch(FORWARD, &mut [arguments(&mut pass), arguments(&mut out)])?;
        Ok((y, states, series))
    }

    /// The gradients of a [`forward`](OnDevice::forward) with the same x and start; `grads` are those of the output and the last states.
    pub(super) fn backward(
        &self,
        x: &Tensor,
        start: &[Option<Tensor>],
        grads: &[Option<Tensor>],
        needs_x: bool,
        needs_start: &[bool],
    ) -> Result<Sums> {
        let plan = self.plan;
        let rows = |rows: usize| [vec![rows as i64], plan.step().to_vec()].concat();
        let as_kernel = |(i, g): (usize, &Option<Tensor>)| {
            let kind = if i == 0 { self.on.kind } else { F::KIND };
            g.as_ref().map(|g| dense(self.layer, &g.f_to_kind(kind).map_err(Error::in_layer(self.layer))?)).transpose()
        };
        let grads = grads.iter().enumerate().map(as_kernel).collect::<Result<Vec<_>>>()?;
        let some = |wanted: bool, sizes: &[i64], kind: Kind| self.on.fresh_if(wanted, sizes, kind);
        let grad_x = some(needs_x, if plan.fixed { plan.step() } else { &plan.out }, self.on.kind)?;
        let grad_start = needs_start.iter().map(|needed| some(*needed, plan.step(), F::KIND)).collect::<Result<Vec<_>>>()?;
        let grad_scale = some(plan.scaling.is_some(), &rows(2), F::KIND)?;
        let learned = self.kernels.learned_constants;
        let grad_constants = some(learned > 0, &rows(learned), F::KIND)?;
        let checkpoints = self.kernels.checkpoints(plan.steps, plan.neurons());
        let checkpoints = some(checkpoints > 0, &[checkpoints as i64], F::KIND)?;

        let at = |tensor: &Option<Tensor>| tensor.as_ref().map_or(0, address);
        let mut out = BackwardArguments {
            grad_y: at(&grads[0]),
            grad_x: at(&grad_x),
            grad_scale: at(&grad_scale),
            grad_constants: at(&grad_constants),
            checkpoints: at(&checkpoints),
            ..BackwardArguments::default()
        };
        for (to, grad) in out.grad_states.iter_mut().zip(&grads[1..]) {
            *to = at(grad);
        }
        for (to, grad) in out.grad_start.iter_mut().zip(&grad_start) {
            *to = at(grad);
        }
        let (mut pass, _held) = self.pass(x, start, &grads.iter().flatten().collect::<Vec<_>>())?;
        self.launch(BACKWARD, &mut [arguments(&mut pass), arguments(&mut out)])?;

        let of_scale = grad_scale.zip(plan.scaling.as_ref()).map(|(rows, scaling)| self.sums::<2>(&rows, 2, scaling.view().channels));
        let of_constants = match grad_constants {
            Some(rows) => self.sums(&rows, learned, plan.constants.channels())?,
            None => vec![[0.0; MAX_CONSTANTS]; plan.constants.channels().count],
        };
        Ok(Sums { grad_x, grad_start, of_scale: of_scale.transpose()?, of_constants })
    }

    /// Sums of the first of N rows `[rows, neurons]` over the neurons of each channel. They are read back.
    fn sums<const N: usize>(&self, of: &Tensor, rows: usize, channels: Channels) -> Result<Vec<[f64; N]>> {
        let samples = self.plan.neurons() / (channels.count * channels.inner).max(1);
        let whole = self.on.sums(of, rows, samples, channels)?;
        let sums = Vec::<f64>::try_from(whole.f_to_device(Device::Cpu).map_err(Error::in_layer(self.layer))?);
        let sums = sums.map_err(Error::in_layer(self.layer))?;
        let of_channel = |channel: usize| std::array::from_fn(|row| if row < rows { sums[row * channels.count + channel] } else { 0.0 });
        Ok((0..channels.count).map(of_channel).collect())
    }
}

/// `y += x scale + shift` per channel; nothing else shares the storage of `y`.
pub(super) fn add_scaled<F: Elements>(layer: &str, by: &Scaling<F>, x: &Tensor, y: &Tensor) -> Result<()> {
    let on = Launcher::at(layer, x, x.kind())?;
    let kernel = AddScaledKernel { element: on.element };
    let by = by.view();
    let (scale, shift, elements) = (on.upload(by.scale)?, on.upload(by.shift)?, x.numel());
    let (at_x, at_y) = (address(x), address(y));
    let call = AddScaledArguments {
        x: at_x,
        y: at_y,
        scale: address(&scale),
        shift: address(&shift),
        elements: elements as u64,
        channels: counts(by.channels),
        wide: on.wide(0, [at_x, at_y]),
        padding: 0,
    };
    // SAFETY: the kernel's own argument; x and y are of one kind, dense and of that many elements, scale and shift of all channels.
    unsafe { on.call(&kernel.source(), ADD_SCALED, [kernel.blocks(elements), 1, 1], call) }
}

/// Mean and variance of each channel, by libtorch. They are read back.
pub(super) fn moments(x: &Tensor, channels: Channels) -> Result<Vec<Moments>, tch::TchError> {
    tch::no_grad(|| {
        let x = x.f_reshape([-1, channels.count as i64, channels.inner as i64])?;
        let (variance, mean) = x.f_var_mean_correction([0i64, 2].as_slice(), 0, false)?;
        let numbers = |t: Tensor| Vec::<f64>::try_from(t.f_to_kind(Kind::Double)?.f_to_device(Device::Cpu)?);
        let (mean, variance) = (numbers(mean)?, numbers(variance)?);
        Ok(mean.into_iter().zip(variance).map(|(mean, variance)| Moments { mean, variance }).collect())
    })
}
