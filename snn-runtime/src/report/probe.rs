//! What layers do while they are watched. In: the inputs of layers with weights and the outputs of neurons, as they run; out: an [`Activity`].
//!
//! Layers call the functions here; on a thread where nobody measures they return at once.

use std::cell::{Cell, RefCell};

use tch::{Kind, TchError, Tensor};

use super::activity::Activity;
use crate::error::Result;

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<Activity> = RefCell::default();
}

/// Runs `run`, and measures what the layers do that it calls on this thread.
///
/// # Errors
///
/// Those of `run`, or libtorch cannot read an input.
pub(super) fn watch<R>(run: impl FnOnce() -> Result<R>) -> Result<(R, Activity)> {
    // Inside of another measurement, that one goes on afterwards, without what is measured here.
    let before = (WATCHING.replace(true), SEEN.take());
    let _restored = Restore(Some(before));
    let result = tch::no_grad(run)?;
    Ok((result, SEEN.take()))
}

struct Restore(Option<(bool, Activity)>);

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some((watching, seen)) = self.0.take() {
            WATCHING.set(watching);
            SEEN.set(seen);
        }
    }
}

fn seen(look: impl FnOnce(&mut Activity) -> Result<(), TchError>) -> Result<(), TchError> {
    match WATCHING.get() {
        true => tch::no_grad(|| SEEN.with_borrow_mut(look)),
        false => Ok(()),
    }
}

/// What an input is made of.
struct Input {
    /// All of it whole numbers?
    whole: bool,
    /// The sum of the absolute values: the number of spikes, if it is spikes.
    spikes: f64,
}

impl Input {
    fn of(x: &Tensor) -> Result<Input, TchError> {
        let whole = x.f_eq_tensor(&x.f_round()?)?.f_all()?.f_int64_value(&[])? != 0;
        let spikes = x.f_abs()?.f_sum(Kind::Double)?.f_double_value(&[])?;
        Ok(Input { whole, spikes })
    }
}

/// A layer that multiplies `[.., in_features]` with a matrix of so many outputs.
pub(crate) fn linear(layer: &str, x: &Tensor, outputs: i64) -> Result<(), TchError> {
    seen(|activity| {
        let input = Input::of(x)?;
        let (elements, outputs) = (x.numel() as f64, outputs as f64);
        activity.product(layer, elements, input.spikes, input.whole, elements * outputs, input.spikes * outputs);
        Ok(())
    })
}

/// How a convolution goes over its input.
#[derive(Clone, Copy)]
pub(crate) struct Geometry<'a> {
    pub(crate) stride: &'a [i64],
    pub(crate) padding: &'a [i64],
    pub(crate) dilation: &'a [i64],
    /// Of a transposed convolution.
    pub(crate) output_padding: Option<&'a [i64]>,
    pub(crate) groups: i64,
}

/// A convolution of `x` to `y`.
pub(crate) fn convolution(layer: &str, x: &Tensor, weight: &Tensor, y: &Tensor, g: Geometry<'_>) -> Result<(), TchError> {
    seen(|activity| {
        let input = Input::of(x)?;
        let (from, kernel) = (x.size(), &weight.size()[2..]);
        // Every weight is used once at each place of the output; transposed, of the input.
        let places = if g.output_padding.is_some() { &from } else { &y.size() };
        let macs = (weight.numel() as i64 * from[0] * places[2..].iter().product::<i64>()) as f64;
        // A spike is added to the outputs whose windows see it: fewer at the border.
        let mut uses = 0.0;
        if input.whole {
            let outputs = if g.output_padding.is_some() { weight.size()[1] } else { weight.size()[0] / g.groups };
            let sizes = [&[from[0], g.groups, from[1] / g.groups], &from[2..]].concat();
            let spikes = x.f_abs()?.f_reshape(sizes)?.f_sum_dim_intlist(2, false, None)?;
            let ones = Tensor::f_ones([&[g.groups, 1], kernel].concat(), (x.kind(), x.device()))?;
            let (transposed, added) = (g.output_padding.is_some(), g.output_padding.map_or(vec![0; kernel.len()], <[i64]>::to_vec));
            let seen = spikes.f_convolution(&ones, None::<Tensor>, g.stride, g.padding, g.dilation, transposed, added, g.groups)?;
            uses = seen.f_sum(Kind::Double)?.f_double_value(&[])? * outputs as f64;
        }
        activity.product(layer, x.numel() as f64, input.spikes, input.whole, macs, uses);
        Ok(())
    })
}

/// How many spikes are sent: of either sign, several at once counted as several; what is no whole number counts as one.
pub(crate) fn spikes(y: &Tensor) -> Result<f64, TchError> {
    let input = Input::of(y)?;
    if input.whole { Ok(input.spikes) } else { y.f_count_nonzero(None::<i64>)?.f_double_value(&[]) }
}

/// Neurons that sent `y`, `[N, ..]` behind so many axes of time.
pub(crate) fn fired(layer: &str, y: &Tensor, leading: usize) -> Result<(), TchError> {
    seen(|activity| {
        let spikes = spikes(y)?;
        let lead: Vec<i64> = (0..(leading + 1).min(y.dim()) as i64).collect();
        let ever = if lead.is_empty() { y.f_ne(0)? } else { y.f_ne(0)?.f_to_kind(Kind::Float)?.f_amax(lead, false)?.f_ne(0)? };
        activity.fired(layer, y.numel() as f64, spikes, ever)
    })
}
