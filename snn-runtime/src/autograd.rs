//! The autograd bridge, Rust's side: one graph node for a whole fused kernel. In: tensors a kernel computed, what its
//! backward needs, the backward as a closure; out: the same tensors with history.
//!
//! Errors and panics of the closure become errors of `backward()`; a second derivative is refused with a clear message.
//!
//! ```
//! use snn_runtime::autograd::{Save, attach};
//! use tch::{Device, Kind, Tensor};
//!
//! let x = Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
//! let y = tch::no_grad(|| &x * &x);
//! let y = attach("Square", &[&x], vec![y], &[Save::Tensor(&x)], |b| {
//!     let (Some(g), Some(x)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
//!     Ok(vec![Some(g * x * 2.0)])
//! })?;
//! y[0].sum(Kind::Float).backward();
//! assert_eq!(x.grad().double_value(&[0]), 2.0);
//! # Ok::<(), tch::TchError>(())
//! ```

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use crate::error::Error;

type RawTensor = *mut C_tensor;
type RawBackward = unsafe extern "C" fn(
    *mut c_void,
    *mut RawTensor,
    usize,
    *mut RawTensor,
    usize,
    *const u8,
    *mut RawTensor,
    usize,
    *mut *mut c_char,
) -> c_int;

unsafe extern "C" {
    fn snn_bridge_message(text: *const c_char, n: usize) -> *mut c_char;
    fn snn_bridge_free(message: *mut c_char);
    fn snn_bridge_forget_gradient(tensor: *mut C_tensor);
    fn snn_bridge_recorded(inputs: *const *const C_tensor, n: usize) -> c_int;
    fn snn_bridge_grad_mode() -> c_int;
    fn snn_bridge_leaves(
        outputs: *const *const C_tensor,
        n_out: usize,
        known: *const *const C_tensor,
        n_known: usize,
        context: *mut c_void,
        found: unsafe extern "C" fn(*mut c_void, RawTensor),
        err: *mut *mut c_char,
    ) -> c_int;
    fn snn_bridge_gradients(
        outputs: *const *const C_tensor,
        grads: *const *const C_tensor,
        n_out: usize,
        inputs: *const *const C_tensor,
        n_in: usize,
        result: *mut RawTensor,
        err: *mut *mut c_char,
    ) -> c_int;
    fn snn_bridge_attach(
        label: *const c_char,
        inputs: *const *const C_tensor,
        n_in: usize,
        outputs: *const RawTensor,
        n_out: usize,
        saved: *const *const C_tensor,
        saved_output: *const i32,
        n_saved: usize,
        data: *mut c_void,
        backward: RawBackward,
        drop: unsafe extern "C" fn(*mut c_void),
        err: *mut *mut c_char,
    ) -> c_int;
}

/// A tensor to keep for the backward.
#[derive(Debug)]
pub enum Save<'a> {
    /// An input or an intermediate. Changing it in place before the backward is an error then.
    Tensor(&'a Tensor),
    /// Output number k, kept without a reference cycle.
    Output(usize),
    /// Nothing: arrives as `None`.
    Nothing,
}

/// What a backward closure sees.
#[derive(Debug)]
pub struct Backward<'a> {
    /// One per output; `None` where no gradient reached it. May be strided or expanded.
    pub grads: Vec<Option<Tensor>>,
    /// One per saved entry.
    pub saved: Vec<Option<Tensor>>,
    /// One per input: is its gradient wanted?
    pub needs: &'a [bool],
}

/// One gradient per input; `None` for zero or not wanted.
pub type Gradients = Result<Vec<Option<Tensor>>, Box<dyn std::error::Error>>;

type Closure = Box<dyn FnMut(Backward<'_>) -> Gradients + Send>;

/// Would autograd record an operation on these inputs now? If not, [`attach`] has nothing to do.
pub fn recorded(inputs: &[&Tensor]) -> bool {
    let inputs: Vec<_> = inputs.iter().map(|t| t.as_ptr()).collect();
    // SAFETY: `inputs` are live tensors for the length of the call.
    unsafe { snn_bridge_recorded(inputs.as_ptr(), inputs.len()) != 0 }
}

/// Drops the gradient of a leaf: the next backward pass hands its own over, instead of adding to zeros.
pub(crate) fn forget_gradient(leaf: &mut Tensor) {
    // SAFETY: a live tensor for the length of the call.
    unsafe { snn_bridge_forget_gradient(leaf.as_mut_ptr()) }
}

/// [`attach`] for a layer, of one output.
///
/// # Errors
///
/// As of [`attach`], and they name the layer.
pub(crate) fn attach_one(
    layer: &str,
    label: &str,
    inputs: &[&Tensor],
    y: Tensor,
    save: &[Save<'_>],
    backward: impl FnMut(Backward<'_>) -> Gradients + Send + 'static,
) -> Result<Tensor, Error> {
    let outputs = attach(label, inputs, vec![y], save, backward).map_err(Error::in_layer(layer))?;
    outputs.into_iter().next().ok_or_else(|| Error::bug(layer, "the graph lost its output"))
}

/// Hooks `outputs`, computed without gradient, into the graph as one node named `label`.
///
/// Where nothing is to be recorded the outputs come back as they are and the closure is dropped.
///
/// # Errors
///
/// libtorch refuses (an output index out of range), or `label` contains a NUL.
pub fn attach(
    label: &str,
    inputs: &[&Tensor],
    mut outputs: Vec<Tensor>,
    save: &[Save<'_>],
    backward: impl FnMut(Backward<'_>) -> Gradients + Send + 'static,
) -> Result<Vec<Tensor>, TchError> {
    let label = CString::new(label).map_err(|e| TchError::Convert(e.to_string()))?;
    let inputs: Vec<_> = inputs.iter().map(|t| t.as_ptr()).collect();
    let outs: Vec<RawTensor> = outputs.iter_mut().map(Tensor::as_mut_ptr).collect();
    let (saved, saved_output): (Vec<*const C_tensor>, Vec<i32>) = save
        .iter()
        .map(|s| match s {
            Save::Tensor(t) => (t.as_ptr(), -1),
            Save::Output(k) => (ptr::null(), i32::try_from(*k).unwrap_or(i32::MAX)),
            Save::Nothing => (ptr::null(), -1),
        })
        .unzip();
    let data: *mut Closure = Box::into_raw(Box::new(Box::new(backward)));
    let mut err = ptr::null_mut();
    // SAFETY: all pointers are live for the call and the counts are theirs; the C++ side owns `data` from here on and frees
    // it through `drop_closure` exactly once.
    let rc = unsafe {
        snn_bridge_attach(
            label.as_ptr(),
            inputs.as_ptr(),
            inputs.len(),
            outs.as_ptr(),
            outs.len(),
            saved.as_ptr(),
            saved_output.as_ptr(),
            saved.len(),
            data.cast(),
            run_closure,
            drop_closure,
            &mut err,
        )
    };
    taken(rc, err)?;
    Ok(outputs)
}

/// Does autograd record operations now?
pub(crate) fn grad_mode() -> bool {
    // SAFETY: it reads a flag of this thread.
    unsafe { snn_bridge_grad_mode() != 0 }
}

fn raw(tensors: &[&Tensor]) -> Vec<*const C_tensor> {
    tensors.iter().map(|t| t.as_ptr()).collect()
}

/// Every leaf that the gradient of these outputs would be added to, but for the `known` ones.
pub(crate) fn leaves(outputs: &[Tensor], known: &[&Tensor]) -> Result<Vec<Tensor>, TchError> {
    unsafe extern "C" fn found(leaves: *mut c_void, leaf: RawTensor) {
        // SAFETY: `leaves` is the list below, and `leaf` a new tensor that is ours from here on.
        unsafe { (*leaves.cast::<Vec<Tensor>>()).push(Tensor::from_ptr(leaf)) }
    }
    let (outputs, known) = (raw(&outputs.iter().collect::<Vec<_>>()), raw(known));
    let (mut leaves, mut err) = (Vec::<Tensor>::new(), ptr::null_mut());
    let context = (&raw mut leaves).cast();
    // SAFETY: all pointers are live for the call and the counts are theirs.
    let rc = unsafe { snn_bridge_leaves(outputs.as_ptr(), outputs.len(), known.as_ptr(), known.len(), context, found, &mut err) };
    taken(rc, err)?;
    Ok(leaves)
}

/// The gradient of the outputs, each weighted by its own, with respect to each input. Nothing is added to the inputs' own gradients, and the graph is
/// freed.
pub(crate) fn gradients(outputs: &[&Tensor], grads: &[&Tensor], inputs: &[&Tensor]) -> Result<Vec<Option<Tensor>>, TchError> {
    let (outs, weights, ins) = (raw(outputs), raw(grads), raw(inputs));
    let mut result = vec![ptr::null_mut(); ins.len()];
    let mut err = ptr::null_mut();
    // SAFETY: all pointers are live for the call and the counts are theirs.
    let rc = unsafe {
        snn_bridge_gradients(outs.as_ptr(), weights.as_ptr(), outs.len(), ins.as_ptr(), ins.len(), result.as_mut_ptr(), &mut err)
    };
    taken(rc, err)?;
    // SAFETY: each is null, or a new tensor that is ours from here on.
    Ok(unsafe { take(result.as_mut_ptr(), result.len()) })
}

/// What a function of the bridge returned; its message is freed.
pub(crate) fn taken(rc: c_int, err: *mut c_char) -> Result<(), TchError> {
    if rc == 0 {
        return Ok(());
    }
    let message = if err.is_null() {
        "unknown error".to_string()
    } else {
        // SAFETY: a message made by the C++ side, freed once.
        unsafe {
            let message = CStr::from_ptr(err).to_string_lossy().into_owned();
            snn_bridge_free(err);
            message
        }
    };
    Err(TchError::Torch(message))
}

/// Takes the tensors out of a C array; null is `None`.
///
/// # Safety
///
/// `array` holds `n` pointers, each null or an owned tensor.
unsafe fn take(array: *mut RawTensor, n: usize) -> Vec<Option<Tensor>> {
    (0..n)
        .map(|i| {
            // SAFETY: i < n; the entry is nulled, so that the tensor has one owner.
            let raw = unsafe { std::mem::replace(&mut *array.add(i), ptr::null_mut()) };
            // SAFETY: not null, and owned by us from here on.
            (!raw.is_null()).then(|| unsafe { Tensor::from_ptr(raw) })
        })
        .collect()
}

unsafe extern "C" fn run_closure(
    data: *mut c_void,
    grads: *mut RawTensor,
    n_out: usize,
    saved: *mut RawTensor,
    n_saved: usize,
    needs: *const u8,
    out: *mut RawTensor,
    n_in: usize,
    err: *mut *mut c_char,
) -> c_int {
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `data` is the closure given to `attach`, alive and locked by the node; the arrays hold what their counts say.
        let (closure, needs, grads, saved) = unsafe {
            let needs: Vec<bool> = (0..n_in).map(|i| *needs.add(i) != 0).collect();
            (&mut *data.cast::<Closure>(), needs, take(grads, n_out), take(saved, n_saved))
        };
        let gradients = closure(Backward { grads, saved, needs: &needs }).map_err(|e| e.to_string())?;
        if gradients.len() != n_in {
            return Err(format!("its backward gives {} gradients for {n_in} inputs", gradients.len()));
        }
        for (i, gradient) in gradients.into_iter().enumerate() {
            if let Some(g) = gradient {
                // SAFETY: i < n_in; the C++ side owns the tensor from here on.
                unsafe { *out.add(i) = ManuallyDrop::new(g).as_mut_ptr() };
            }
        }
        Ok(())
    }));
    let message = match result {
        Ok(Ok(())) => return 0,
        Ok(Err(message)) => message,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string()).or_else(|| panic.downcast_ref::<String>().cloned());
            // The payload's own drop may panic as well.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(panic)));
            format!("its backward panicked: {}", text.unwrap_or_else(|| "no message".into()))
        }
    };
    // SAFETY: `err` is the C++ side's slot; it frees the message.
    unsafe { *err = snn_bridge_message(message.as_ptr().cast(), message.len()) };
    1
}

unsafe extern "C" fn drop_closure(data: *mut c_void) {
    // SAFETY: `data` came from `Box::into_raw` in `attach`, and is dropped once.
    let _ = catch_unwind(AssertUnwindSafe(|| unsafe { drop(Box::from_raw(data.cast::<Closure>())) }));
}
