//! Tensors as slices for the kernels. In: CPU tensors of floats; out: contiguous memory with a Rust type.

use snn_kernels::Real;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

/// A float type that both libtorch and the kernels know.
pub(crate) trait Float: Real {
    const KIND: Kind;

    fn from_f64(x: f64) -> Self;
}

impl Float for f32 {
    const KIND: Kind = Kind::Float;

    fn from_f64(x: f64) -> Self {
        x as f32
    }
}

impl Float for f64 {
    const KIND: Kind = Kind::Double;

    fn from_f64(x: f64) -> Self {
        x
    }
}

/// The kernels run on the CPU, on `f32` and `f64`.
pub(crate) fn check_kernel_input(layer: &str, x: &Tensor) -> Result<()> {
    match x.device() {
        Device::Cpu => {}
        got => return Err(Error::Device { layer: layer.into(), got }),
    }
    match x.kind() {
        Kind::Float | Kind::Double => Ok(()),
        got => Err(Error::Kind { layer: layer.into(), wants: "Float or Double", got }),
    }
}

/// The elements of a contiguous CPU tensor of type `F`.
pub(crate) fn slice<F: Float>(t: &Tensor) -> &[F] {
    assert!(t.is_contiguous() && t.device() == Device::Cpu && t.kind() == F::KIND, "checked by the caller");
    let n = t.numel();
    if n == 0 {
        return &[];
    }
    // SAFETY: the tensor is contiguous, on the CPU and of F's kind, so its data are n initialised elements of F; they live as
    // long as the tensor, which the result borrows.
    unsafe { std::slice::from_raw_parts(t.data_ptr().cast(), n) }
}

/// The elements of a tensor that was just made and has no other owner.
pub(crate) fn slice_mut<F: Float>(t: &mut Tensor) -> &mut [F] {
    assert!(t.is_contiguous() && t.device() == Device::Cpu && t.kind() == F::KIND, "checked by the caller");
    let n = t.numel();
    if n == 0 {
        return &mut [];
    }
    // SAFETY: as in `slice`; the caller made the tensor and holds it alone, so nothing else reads or writes it.
    unsafe { std::slice::from_raw_parts_mut(t.data_ptr().cast(), n) }
}
