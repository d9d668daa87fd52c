//! What a layer needs for its kernels on a device. In: the layer's name and a tensor there; out: new tensors, launches and sums, with errors
//! that name the layer.

use std::ffi::c_void;
use std::sync::{Arc, Once};

use snn_kernels::Channels;
use snn_kernels::cuda::{Address, Arguments, Element, MAX_NEURONS, SUM, SumArguments, SumKernel, counts};
use snn_kernels::cuda::{Source, is_wide};
use tch::{Device, Kind, Tensor};

use super::{Gpu, Module, Problem, address, arguments, gpu, launch, module};
use crate::elements::{Elements, dense, on, plain};
use crate::error::{Error, Result};

/// A layer on a device.
#[derive(Clone, Copy)]
pub(crate) struct Launcher<'a> {
    layer: &'a str,
    gpu: &'static Gpu,
    /// Of x, y and their gradients.
    pub(crate) element: Element,
    /// The same, as libtorch calls it.
    pub(crate) kind: Kind,
}

impl<'a> Launcher<'a> {
    /// The launcher of the device that `x` is on; `None` on the CPU.
    pub(crate) fn of(layer: &'a str, x: &Tensor) -> Result<Option<Launcher<'a>>> {
        plain(layer, x)?;
        match x.device() {
            Device::Cuda(_) => Launcher::at(layer, x, x.kind()).map(Some),
            _ => on(layer, x, Device::Cpu).map(|()| None),
        }
    }

    fn new(layer: &'a str, index: usize, kind: Kind) -> Result<Launcher<'a>> {
        let element = match kind {
            Kind::Float => Element::F32,
            Kind::Double => Element::F64,
            Kind::Half => Element::F16,
            Kind::BFloat16 => Element::Bf16,
            got => return Err(Error::Kind { layer: layer.into(), wants: "kind `Float`, `Double`, `Half` or `BFloat16`", got }),
        };
        let gpu = gpu(index).map_err(Problem::of(layer))?;
        Ok(Launcher { layer, gpu, element, kind })
    }

    /// The launcher of the device that `x` is on, for elements of that kind (a node may have saved something else of a layer's).
    pub(crate) fn at(layer: &'a str, x: &Tensor, kind: Kind) -> Result<Launcher<'a>> {
        match x.device() {
            Device::Cuda(index) => Launcher::new(layer, index, kind),
            got => Err(Error::bug(layer, format!("a kernel for a CUDA device was given a tensor on {got:?}"))),
        }
    }

    /// Neurons of a step, as many as kernels count.
    pub(crate) fn neurons(&self, step: &[i64]) -> Result<usize> {
        match step.iter().product::<i64>() as usize {
            neurons if neurons <= MAX_NEURONS => Ok(neurons),
            _ => {
                let wants = format!("at most {MAX_NEURONS} neurons in a step on a CUDA device");
                Err(Error::shape(self.layer, wants, step, "split the batch"))
            }
        }
    }

    pub(crate) fn device(&self) -> Device {
        Device::Cuda(self.gpu.index)
    }

    /// The kind of states and arithmetic.
    pub(crate) fn compute(&self) -> Kind {
        if self.element == Element::F64 { Kind::Double } else { Kind::Float }
    }

    /// Says once which kernel the layer got.
    pub(crate) fn tell(&self, told: &Once, kernel: &str) {
        let (layer, device, element) = (self.layer, self.gpu.index, self.element.memory());
        told.call_once(|| tracing::info!("{layer}: {kernel} on CUDA device {device}: {element}"));
    }

    /// A new tensor; what is in it is whatever the memory held.
    pub(crate) fn fresh(&self, sizes: &[i64], kind: Kind) -> Result<Tensor> {
        Tensor::f_empty(sizes, (kind, self.device())).map_err(Error::in_layer(self.layer))
    }

    /// A new tensor, if it is wanted.
    pub(crate) fn fresh_if(&self, wanted: bool, sizes: &[i64], kind: Kind) -> Result<Option<Tensor>> {
        wanted.then(|| self.fresh(sizes, kind)).transpose()
    }

    /// Is `x` on the device?
    pub(crate) fn check(&self, x: &Tensor) -> Result<()> {
        on(self.layer, x, self.device())
    }

    /// Has `t` as many elements as a tensor of these sizes? Kernels of the CPU ask for it, those of a device cannot: weights are public, and
    /// anyone can put another tensor in their place.
    pub(crate) fn sized(&self, t: &Tensor, want: &[i64]) -> Result<()> {
        match t.numel() as i64 == want.iter().product::<i64>() {
            true => Ok(()),
            false => Err(Error::shape(self.layer, format!("a tensor of sizes {want:?}"), &t.size(), "see the sizes of its weights")),
        }
    }

    /// `x` in this kind, row by row in memory; it has to be on the device.
    pub(crate) fn dense(&self, x: &Tensor, kind: Kind) -> Result<Tensor> {
        self.check(x)?;
        dense(self.layer, &tch::no_grad(|| x.f_to_kind(kind)).map_err(Error::in_layer(self.layer))?)
    }

    /// The same of a tensor that may be absent.
    pub(crate) fn dense_opt(&self, x: Option<&Tensor>, kind: Kind) -> Result<Option<Tensor>> {
        x.map(|x| self.dense(x, kind)).transpose()
    }

    /// These numbers, on the device.
    pub(crate) fn upload<F: Elements>(&self, numbers: &[F]) -> Result<Tensor> {
        F::tensor(numbers).and_then(|t| t.f_to_device(self.device())).map_err(Error::in_layer(self.layer))
    }

    /// 1 if rows of `len` elements at these addresses can be read [`lanes`](Element::lanes) at once.
    pub(crate) fn wide(&self, len: usize, addresses: impl IntoIterator<Item = Address>) -> u32 {
        u32::from(is_wide(self.element.lanes(), len, addresses))
    }

    pub(crate) fn module(&self, source: &Source) -> Result<Arc<Module>> {
        module(self.gpu, source).map_err(Problem::of(self.layer))
    }

    /// Launches a kernel that takes one argument.
    ///
    /// # Safety
    ///
    /// As [`launch`]: the kernel `name` of the source takes an `A`, whose addresses are of this device.
    pub(crate) unsafe fn call<A: Arguments>(&self, source: &Source, name: &str, grid: [usize; 3], mut argument: A) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.launch(&*self.module(source)?, name, grid, &mut [arguments(&mut argument)]) }
    }

    /// Launches a kernel.
    ///
    /// # Safety
    ///
    /// As [`launch`].
    pub(crate) unsafe fn launch(&self, module: &Module, name: &str, grid: [usize; 3], arguments: &mut [*mut c_void]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { launch(module, name, grid, arguments) }.map_err(Problem::of(self.layer))
    }

    /// Sums of `rows` rows over the elements of each channel, in `f64` and on the device: `[rows, channels]`. A row is `samples` times
    /// all channels, of the kind of states.
    pub(crate) fn sums(&self, of: &Tensor, rows: usize, samples: usize, channels: Channels) -> Result<Tensor> {
        let parts = SumKernel::parts(samples * channels.inner);
        let partial = self.sum(self.element.compute(), of, rows, samples, channels, parts)?;
        match parts {
            1 => Ok(partial),
            _ => self.sum("double", &partial, rows, 1, Channels { count: channels.count, inner: parts }, 1),
        }
    }

    /// `[rows, channels, parts]`
    fn sum(&self, ty: &'static str, of: &Tensor, rows: usize, samples: usize, channels: Channels, parts: usize) -> Result<Tensor> {
        let sums = self.fresh(&[(rows * channels.count * parts) as i64], Kind::Double)?;
        let [count, inner] = counts(channels);
        let call = SumArguments { rows: address(of), sums: address(&sums), samples: samples as u32, channels: count, inner, padding: 0 };
        // SAFETY: the kernel's own argument; `of` holds rows of whole samples, `sums` room for what the grid writes.
        unsafe { self.call(&SumKernel { ty }.source(), SUM, [channels.count, parts, rows], call) }?;
        Ok(sums)
    }
}
