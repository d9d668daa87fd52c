//! Tensors as slices, for the kernels. In: a contiguous tensor on the CPU, or sizes; out: its elements, or a new tensor's.

use std::marker::PhantomData;

use snn_kernels::{BackwardOut, Channels, Compiled, Constants, ForwardOut, MAX_CONSTANTS, Pass, Real, Upstream};
use tch::{Device, Kind, TchError, Tensor};

use crate::error::{Error, Result};

/// An element type of the kernels, and its kind in libtorch.
pub(crate) trait Elements: Real {
    const KIND: Kind;

    /// The elements of `x`, which is contiguous and of this kind.
    fn slice<'a>(layer: &str, x: &'a Tensor) -> Result<&'a [Self]> {
        on_cpu(layer, x)?;
        if x.is_sparse() || x.is_mkldnn() || !x.is_contiguous() || x.kind() != Self::KIND {
            return Err(Error::bug(layer, format!("a kernel for {:?} was given {x:?}", Self::KIND)));
        }
        if x.numel() == 0 {
            return Ok(&[]); // its pointer is null
        }
        // SAFETY: a contiguous tensor of this kind on the CPU holds `numel` elements from `data_ptr` on, for as long as it
        // lives. Nobody writes to it meanwhile: that takes an in-place operation of the thread that waits for this call.
        Ok(unsafe { std::slice::from_raw_parts(x.data_ptr().cast(), x.numel()) })
    }

    /// The elements of `x`, which is contiguous, of this kind and no part of the graph, to be written: libtorch is not told.
    fn slice_mut<'a>(layer: &str, x: &'a mut Tensor) -> Result<&'a mut [Self]> {
        let len = Self::slice(layer, x)?.len();
        if len == 0 {
            return Ok(&mut []); // its pointer is null
        }
        // SAFETY: as in `slice`; whoever else shares the storage waits for this call, as for an in-place operation of libtorch.
        Ok(unsafe { std::slice::from_raw_parts_mut(x.data_ptr().cast(), len) })
    }

    /// A tensor of these numbers, on the CPU.
    fn tensor(numbers: &[Self]) -> Result<Tensor, TchError>;

    /// A neuron's kernels for this type.
    fn constants(neuron: &dyn Compiled, learned: &[&[f64]], channels: Channels) -> Kernel<Constants<Self>>;

    fn forward(neuron: &dyn Compiled, pass: Pass<'_, Self>, out: ForwardOut<'_, Self>) -> Kernel<()>;

    fn backward(
        neuron: &dyn Compiled,
        pass: Pass<'_, Self>,
        upstream: Upstream<'_, Self>,
        out: BackwardOut<'_, Self>,
    ) -> Kernel<Vec<[f64; MAX_CONSTANTS]>>;
}

macro_rules! elements {
    ($F:ident, $kind:ident, $constants:ident, $forward:ident, $backward:ident) => {
        impl Elements for $F {
            const KIND: Kind = Kind::$kind;

            fn tensor(numbers: &[$F]) -> Result<Tensor, TchError> {
                Tensor::f_from_slice(numbers)
            }

            fn constants(neuron: &dyn Compiled, learned: &[&[f64]], channels: Channels) -> Kernel<Constants<$F>> {
                neuron.$constants(learned, channels)
            }

            fn forward(neuron: &dyn Compiled, pass: Pass<'_, $F>, out: ForwardOut<'_, $F>) -> Kernel<()> {
                neuron.$forward(pass, out)
            }

            fn backward(
                neuron: &dyn Compiled,
                pass: Pass<'_, $F>,
                upstream: Upstream<'_, $F>,
                out: BackwardOut<'_, $F>,
            ) -> Kernel<Vec<[f64; MAX_CONSTANTS]>> {
                neuron.$backward(pass, upstream, out)
            }
        }
    };
}

elements!(f32, Float, constants_f32, forward_f32, backward_f32);
elements!(f64, Double, constants_f64, forward_f64, backward_f64);

/// What a kernel returns.
type Kernel<T> = Result<T, snn_kernels::Error>;

/// The layer's kernels run on the CPU.
pub(crate) fn on_cpu(layer: &str, x: &Tensor) -> Result<()> {
    on(layer, x, Device::Cpu)
}

/// Is `x` a tensor at all? tch's `Tensor::new()` is none, nor is a gradient that was not computed: tch panics where it is asked for its device or kind.
pub(crate) fn defined(layer: &str, x: &Tensor) -> Result<()> {
    match x.defined() {
        true => Ok(()),
        false => Err(Error::argument(layer, "x", "is undefined: it has no numbers", "a gradient that was not computed is such a tensor")),
    }
}

/// Is `x` defined, and are all its elements in memory? An operation with a number beside the tensor (`f_add_scalar`) that libtorch refuses is a panic of
/// tch: it frees the number while the error waits.
pub(crate) fn plain(layer: &str, x: &Tensor) -> Result<()> {
    defined(layer, x)?;
    match x.is_sparse() {
        false => Ok(()),
        true => Err(Error::argument(layer, "x", "is sparse", "convert it: `x.to_dense(None, false)`")),
    }
}

/// Does `x` lie where the layer works?
pub(crate) fn on(layer: &str, x: &Tensor, wants: Device) -> Result<()> {
    defined(layer, x)?;
    match x.device() {
        got if got == wants => Ok(()),
        got => Err(Error::Device { layer: layer.into(), wants, got }),
    }
}

/// `x` row by row in memory, no part of the graph: itself, if it lies so already.
pub(crate) fn dense(layer: &str, x: &Tensor) -> Result<Tensor> {
    // libtorch may hold the minus sign of a tensor back (the imaginary part of a conjugate): memory has to be as it reads.
    tch::no_grad(|| x.f_resolve_neg()?.f_contiguous()).map_err(Error::in_layer(layer))
}

/// A new tensor for a kernel to fill. Nothing else shares its storage.
pub(crate) struct Fresh<F> {
    tensor: Tensor,
    kind: PhantomData<F>,
}

impl<F: Elements> Fresh<F> {
    /// Not filled yet: what is in it is whatever the memory held.
    pub(crate) fn new(layer: &str, sizes: &[i64]) -> Result<Fresh<F>> {
        let tensor = Tensor::f_empty(sizes, (F::KIND, Device::Cpu)).map_err(Error::in_layer(layer))?;
        Ok(Fresh { tensor, kind: PhantomData })
    }

    pub(crate) fn elements(&mut self) -> &mut [F] {
        if self.tensor.numel() == 0 {
            return &mut [];
        }
        // SAFETY: as in `slice`; the storage belongs to this value alone, and any bits are an F.
        unsafe { std::slice::from_raw_parts_mut(self.tensor.data_ptr().cast(), self.tensor.numel()) }
    }

    pub(crate) fn into_tensor(self) -> Tensor {
        self.tensor
    }
}

/// `x` in the kernels' kind and order, no part of the graph: what a kernel reads besides its input.
pub(crate) fn dense_as<F: Elements>(layer: &str, x: Option<&Tensor>) -> Result<Option<Tensor>> {
    let convert = |x: &Tensor| {
        on_cpu(layer, x)?;
        dense(layer, &tch::no_grad(|| x.f_to_kind(F::KIND)).map_err(Error::in_layer(layer))?)
    };
    x.map(convert).transpose()
}

/// The elements of a tensor that may be absent.
pub(crate) fn opt_slice<'a, F: Elements>(layer: &str, x: Option<&'a Tensor>) -> Result<Option<&'a [F]>> {
    x.map(|x| F::slice(layer, x)).transpose()
}

/// Runs `$run` with `$F` as the element type of `$x`; other kinds than the kernels' are an error.
macro_rules! in_its_kind {
    ($layer:expr, $x:expr, $F:ident => $run:expr) => {
        match $x.kind() {
            tch::Kind::Float => {
                type $F = f32;
                $run
            }
            tch::Kind::Double => {
                type $F = f64;
                $run
            }
            got => Err($crate::error::Error::Kind { layer: $layer.to_string(), wants: $crate::surrogate::FLOATS, got }),
        }
    };
}
pub(crate) use in_its_kind;
