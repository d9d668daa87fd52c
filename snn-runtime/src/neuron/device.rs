//! A neuron layer on a CUDA device. In: what `fused` has planned and tensors there; out: the same tensors and sums as from the CPU's kernels.
//!
//! Per neuron the bits are those of the CPU. Two things are read back, and waited for: learned parameters, whose constants are computed in
//! `f64` as on the CPU, and sums over neurons for their gradients and those of a normalisation. A layer without either can be captured in a
//! CUDA graph.

use std::ffi::c_void;
use std::sync::Arc;

use snn_kernels::cuda::{
    ADD_SCALED, AddScaledArguments, AddScaledKernel, BACKWARD, BackwardArguments, Element, FORWARD, ForwardArguments, MAX_NEURONS,
    NeuronKernels, PassArguments, SUM, SumArguments, SumKernel, counts,
};
use snn_kernels::{Channels, Compiled, MAX_CONSTANTS, Moments};
use tch::{Device, Kind, Tensor};

use super::fused::{Plan, Sums};
use super::normalised::Scaling;
use crate::cuda::{Gpu, Module, Problem, address, arguments, gpu, launch, module};
use crate::elements::{Elements, dense};
use crate::error::{Error, Result};

/// A planned call, and the kernels for it.
pub(super) struct OnDevice<'a, F> {
    layer: &'a str,
    plan: &'a Plan<F>,
    gpu: &'static Gpu,
    element: Element,
    /// Of x, y and their gradients.
    kind: Kind,
    kernels: NeuronKernels,
    module: Arc<Module>,
}

/// The element type of a kind that [`Fused`](super::fused::Fused) lets through.
fn element(layer: &str, kind: Kind) -> Result<Element> {
    match kind {
        Kind::Float => Ok(Element::F32),
        Kind::Double => Ok(Element::F64),
        Kind::Half => Ok(Element::F16),
        Kind::BFloat16 => Ok(Element::Bf16),
        got => Err(Error::Kind { layer: layer.into(), wants: "kind `Float`, `Double`, `Half` or `BFloat16`", got }),
    }
}

impl<'a, F: Elements> OnDevice<'a, F> {
    pub(super) fn new(layer: &'a str, kernels: &dyn Compiled, plan: &'a Plan<F>, index: usize, kind: Kind) -> Result<Self> {
        if plan.neurons() > MAX_NEURONS {
            let wants = format!("at most {MAX_NEURONS} neurons in a step on a CUDA device");
            return Err(Error::shape(layer, wants, plan.step(), "split the batch"));
        }
        let element = element(layer, kind)?;
        let kernels = kernels.cuda(element, plan.steps);
        let gpu = gpu(index).map_err(Problem::of(layer))?;
        let module = module(gpu, &kernels.source).map_err(Problem::of(layer))?;
        Ok(OnDevice { layer, plan, gpu, element, kind, kernels, module })
    }

    /// Says which kernel the layer has.
    pub(super) fn tell(&self) {
        let NeuronKernels { name, lanes, segment, .. } = &self.kernels;
        let (layer, device, element) = (self.layer, self.gpu.index, self.element.memory());
        tracing::info!("{layer}: {name} on CUDA device {device}: {element}, {lanes} neurons a thread, {segment} steps in registers");
    }

    fn device(&self) -> Device {
        Device::Cuda(self.gpu.index)
    }

    /// A new tensor; what is in it is whatever the memory held.
    fn fresh(&self, sizes: &[i64], kind: Kind) -> Result<Tensor> {
        Tensor::f_empty(sizes, (kind, self.device())).map_err(Error::in_layer(self.layer))
    }

    fn upload(&self, numbers: &[F]) -> Result<Tensor> {
        upload(self.layer, self.gpu, numbers)
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
            (pass.scale, pass.shift) = (hold(self.upload(by.scale)?), hold(self.upload(by.shift)?));
            pass.scaled = counts(by.channels);
        }
        if self.kernels.own {
            pass.own = hold(self.upload(&self.kernels.own(&plan.constants))?);
        }
        let rows = [x].into_iter().chain(start.iter().flatten()).chain(others.iter().copied());
        pass.wide = u32::from(self.kernels.is_wide(plan.neurons(), rows.map(address)));
        pass.fixed = u32::from(plan.fixed);
        Ok((pass, held))
    }

    fn launch(&self, name: &str, arguments: &mut [*mut c_void]) -> Result<()> {
        let grid = [self.kernels.blocks(self.plan.neurons()), 1, 1];
        // SAFETY: the arguments are made here, in pairs with the names; the tensors are on this device, and go back to libtorch's allocator.
        unsafe { launch(&self.module, name, grid, arguments) }.map_err(Problem::of(self.layer))
    }

    /// The output, the last states, and state number `wanted` after each step.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        start: &[Option<Tensor>],
        wanted: Option<usize>,
    ) -> Result<(Tensor, Vec<Tensor>, Option<Tensor>)> {
        let plan = self.plan;
        let y = self.fresh(&plan.out, self.kind)?;
        let states = (0..self.kernels.states).map(|_| self.fresh(plan.step(), F::KIND)).collect::<Result<Vec<_>>>()?;
        let series = wanted.map(|_| self.fresh(&plan.out, F::KIND)).transpose()?;
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
            let kind = if i == 0 { self.kind } else { F::KIND };
            g.as_ref().map(|g| dense(self.layer, &g.f_to_kind(kind).map_err(Error::in_layer(self.layer))?)).transpose()
        };
        let grads = grads.iter().enumerate().map(as_kernel).collect::<Result<Vec<_>>>()?;
        let some = |wanted: bool, sizes: &[i64], kind: Kind| wanted.then(|| self.fresh(sizes, kind)).transpose();
        let grad_x = some(needs_x, if plan.fixed { plan.step() } else { &plan.out }, self.kind)?;
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
        let parts = SumKernel::parts(samples * channels.inner);
        let partial = self.sum(F::CUDA, of, rows, samples, channels, parts)?;
        let whole = match parts {
            1 => partial,
            _ => self.sum("double", &partial, rows, 1, Channels { count: channels.count, inner: parts }, 1)?,
        };
        let sums = Vec::<f64>::try_from(whole.f_to_device(Device::Cpu).map_err(Error::in_layer(self.layer))?);
        let sums = sums.map_err(Error::in_layer(self.layer))?;
        let of_channel = |channel: usize| std::array::from_fn(|row| if row < rows { sums[row * channels.count + channel] } else { 0.0 });
        Ok((0..channels.count).map(of_channel).collect())
    }

    /// `[rows, channels, parts]`
    fn sum(&self, ty: &'static str, of: &Tensor, rows: usize, samples: usize, channels: Channels, parts: usize) -> Result<Tensor> {
        let problem = Problem::of(self.layer);
        let module = module(self.gpu, &SumKernel { ty }.source()).map_err(&problem)?;
        let sums = self.fresh(&[(rows * channels.count * parts) as i64], Kind::Double)?;
        let [count, inner] = counts(channels);
        let mut call =
            SumArguments { rows: address(of), sums: address(&sums), samples: samples as u32, channels: count, inner, padding: 0 };
        // SAFETY: the kernel's own argument; `of` holds rows of whole samples, `sums` room for what the grid writes.
        unsafe { launch(&module, SUM, [channels.count, parts, rows], &mut [arguments(&mut call)]) }.map_err(problem)?;
        Ok(sums)
    }
}

fn upload<F: Elements>(layer: &str, gpu: &Gpu, numbers: &[F]) -> Result<Tensor> {
    let device = Device::Cuda(gpu.index);
    F::tensor(numbers).and_then(|t| t.f_to_device(device)).map_err(Error::in_layer(layer))
}

/// `y += x scale + shift` per channel; nothing else shares the storage of `y`.
pub(super) fn add_scaled<F: Elements>(layer: &str, index: usize, by: &Scaling<F>, x: &Tensor, y: &Tensor) -> Result<()> {
    let problem = Problem::of(layer);
    let gpu = gpu(index).map_err(&problem)?;
    let kernel = AddScaledKernel { element: element(layer, x.kind())? };
    let module = module(gpu, &kernel.source()).map_err(&problem)?;
    let by = by.view();
    let (scale, shift, elements) = (upload(layer, gpu, by.scale)?, upload(layer, gpu, by.shift)?, x.numel());
    let (at_x, at_y) = (address(x), address(y));
    let mut call = AddScaledArguments {
        x: at_x,
        y: at_y,
        scale: address(&scale),
        shift: address(&shift),
        elements: elements as u64,
        channels: counts(by.channels),
        wide: u32::from(at_x.is_multiple_of(16) && at_y.is_multiple_of(16)),
        padding: 0,
    };
    // SAFETY: the kernel's own argument; x and y are of one kind, dense and of that many elements, scale and shift of all channels.
    unsafe { launch(&module, ADD_SCALED, [kernel.blocks(elements), 1, 1], &mut [arguments(&mut call)]) }.map_err(problem)
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
