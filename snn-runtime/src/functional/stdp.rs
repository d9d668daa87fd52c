//! Learning without gradients. In: a weight, the spikes of one step on both of its sides and the traces so far; out: the update
//! that spike timing asks for, and the traces moved on.
//!
//! What comes before a spike of the other side strengthens a synapse, what comes after weakens it. How much is left of earlier
//! spikes is in the traces.

use tch::{Kind, TchError, Tensor, no_grad};

use crate::error::{Error, Result};
use crate::state::State;

/// The constants of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Stdp {
    /// Time constant of the trace of incoming spikes, in steps.
    pub tau_pre: f64,
    /// Time constant of the trace of outgoing spikes, in steps.
    pub tau_post: f64,
    /// By how much a weight falls: a function of the weight.
    pub f_pre: fn(&Tensor) -> Result<Tensor, TchError>,
    /// By how much a weight rises: a function of the weight.
    pub f_post: fn(&Tensor) -> Result<Tensor, TchError>,
}

impl Stdp {
    /// In proportion to the weight, both ways, as SpikingJelly does unless told otherwise.
    pub fn new(tau_pre: f64, tau_post: f64) -> Self {
        Stdp { tau_pre, tau_post, f_pre: |w| Ok(w.shallow_clone()), f_post: |w| Ok(w.shallow_clone()) }
    }
}

/// What is left of the spikes so far; fresh, it is 0 and stores nothing.
#[derive(Debug, Default)]
pub struct Traces {
    /// As the incoming spikes.
    pub trace_pre: Option<Tensor>,
    /// As the outgoing spikes.
    pub trace_post: Option<Tensor>,
}

impl State for Traces {
    fn reset(&mut self) {
        *self = Traces::default();
    }

    fn detach(&mut self) {
        // They never are attached.
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        self.trace_pre.iter().for_each(|t| f("trace_pre", t));
        self.trace_post.iter().for_each(|t| f("trace_post", t));
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.trace_pre.visit_mut(f);
        self.trace_post.visit_mut(f);
    }

    fn shallow_clone(&self) -> Self {
        Traces { trace_pre: self.trace_pre.shallow_clone(), trace_post: self.trace_post.shallow_clone() }
    }
}

/// How a trace forgets.
#[derive(Clone, Copy)]
enum Decay {
    /// trace - trace / tau, a LIF neuron's
    Leak,
    /// trace * e^(-1 / tau)
    Exponential,
}

impl Decay {
    fn step(self, trace: Option<&Tensor>, tau: f64, spike: &Tensor) -> Result<Tensor, TchError> {
        let Some(trace) = trace else { return Ok(spike.detach()) };
        let left = match self {
            Decay::Leak => trace.f_sub(&trace.f_div_scalar(tau)?)?,
            Decay::Exponential => trace.f_mul_scalar((-1.0 / tau).exp())?,
        };
        left.f_add(&spike.detach())
    }
}

/// One step of spike-timing-dependent plasticity for a linear layer: the update of `weight` `[out, in]`, summed over the batch.
///
/// `in_spike` is `[N, in]`, `out_spike` `[N, out]`. From "Unsupervised learning of digit recognition using
/// spike-timing-dependent plasticity" (Diehl and Cook, 2015), whose traces leak as here.
/// SpikingJelly equivalent: `learning.stdp_linear_step(..)`.
///
/// # Errors
///
/// The spikes do not fit the weight, the traces not the spikes, or a time constant is not positive.
pub fn stdp_linear_step(weight: &Tensor, in_spike: &Tensor, out_spike: &Tensor, traces: &mut Traces, rule: &Stdp) -> Result<Tensor> {
    const NAME: &str = "stdp_linear_step";
    linear(NAME, weight, in_spike, out_spike, true)?;
    advance(NAME, in_spike, out_spike, traces, rule, Decay::Leak, |pre, post| {
        // The sum over the batch is what a matrix product does.
        let falls = post.f_tr()?.f_mm(in_spike)?;
        let rises = out_spike.f_tr()?.f_mm(pre)?;
        update(weight, rule, &falls, &rises)
    })
}

/// One step of the eligibility of reward-modulated plasticity for a linear layer: `[N, out, in]`, to be multiplied by the reward
/// of each sample.
///
/// From "Reinforcement learning through modulation of spike-timing-dependent synaptic plasticity" (Florian, 2007): MSTDP.
/// SpikingJelly equivalent: `learning.mstdp_linear_step(..)`.
///
/// # Errors
///
/// As [`stdp_linear_step`].
pub fn mstdp_linear_step(weight: &Tensor, in_spike: &Tensor, out_spike: &Tensor, traces: &mut Traces, rule: &Stdp) -> Result<Tensor> {
    const NAME: &str = "mstdp_linear_step";
    linear(NAME, weight, in_spike, out_spike, true)?;
    advance(NAME, in_spike, out_spike, traces, rule, Decay::Exponential, |pre, post| {
        let pairs = |post: &Tensor, pre: &Tensor| post.f_unsqueeze(2)?.f_mul(&pre.f_unsqueeze(1)?);
        update(weight, rule, &pairs(post, in_spike)?, &pairs(out_spike, pre)?)
    })
}

/// The same for one sample without a batch, and for MSTDPET, which keeps an eligibility trace of the result: `[out, in]`.
///
/// `in_spike` is `[in]`, `out_spike` `[out]`. From the same paper as [`mstdp_linear_step`].
/// SpikingJelly equivalent: `learning.mstdpet_linear_step(..)`.
///
/// # Errors
///
/// As [`stdp_linear_step`].
pub fn mstdpet_linear_step(weight: &Tensor, in_spike: &Tensor, out_spike: &Tensor, traces: &mut Traces, rule: &Stdp) -> Result<Tensor> {
    const NAME: &str = "mstdpet_linear_step";
    linear(NAME, weight, in_spike, out_spike, false)?;
    advance(NAME, in_spike, out_spike, traces, rule, Decay::Exponential, |pre, post| {
        update(weight, rule, &post.f_outer(in_spike)?, &out_spike.f_outer(pre)?)
    })
}

/// [`stdp_linear_step`] for a convolution without padding, dilation and groups: the update of `weight` `[out, in, kH, kW]`, summed
/// over the batch and all places.
///
/// `in_spike` is `[N, in, H, W]` (pad it first where the convolution pads), `out_spike` `[N, out, H', W']`.
/// SpikingJelly equivalent: `learning.stdp_conv2d_step(..)`.
///
/// # Errors
///
/// As [`stdp_linear_step`].
pub fn stdp_conv2d_step(
    weight: &Tensor,
    stride: [usize; 2],
    in_spike: &Tensor,
    out_spike: &Tensor,
    traces: &mut Traces,
    rule: &Stdp,
) -> Result<Tensor> {
    const NAME: &str = "stdp_conv2d_step";
    super::rank(NAME, "weight", weight, "[out, in, kH, kW]")?;
    let (w, x, y) = (weight.size(), in_spike.size(), out_spike.size());
    let place = |axis: usize| {
        let size = |n: i64| usize::try_from(n).unwrap_or(0);
        snn_shape::conv(size(*x.get(axis)?), size(w[axis]), stride[axis - 2], 0, 1)
    };
    let want = match (x.as_slice(), place(2), place(3)) {
        (&[n, c, _, _], Some(h), Some(v)) if c == w[1] => [n, w[0], h as i64, v as i64],
        _ => {
            let wants = format!("`in_spike` of [N, {}, H, W], at least as large as the kernel {}x{}", w[1], w[2], w[3]);
            return Err(Error::shape(NAME, wants, &x, ""));
        }
    };
    if y != want {
        return Err(Error::shape(NAME, format!("`out_spike` of {want:?}"), &y, "the convolution's own output at this step"));
    }
    let stride = stride.map(|s| s as i64);
    advance(NAME, in_spike, out_spike, traces, rule, Decay::Leak, |pre, post| {
        // Which spikes meet at which place of the kernel: a convolution of the batch, strides and dilation swapped.
        let meet = |before: &Tensor, after: &Tensor| {
            let (before, after) = (before.f_transpose(0, 1)?, after.f_transpose(0, 1)?);
            let places = before.f_conv2d::<Tensor>(&after, None, [1, 1], [0, 0], stride, 1)?;
            places.f_narrow(2, 0, w[2])?.f_narrow(3, 0, w[3])?.f_transpose(0, 1)
        };
        update(weight, rule, &meet(in_spike, post)?, &meet(pre, out_spike)?)
    })
}

/// f_post(w) * rises - f_pre(w) * falls
fn update(weight: &Tensor, rule: &Stdp, falls: &Tensor, rises: &Tensor) -> Result<Tensor, TchError> {
    (rule.f_post)(weight)?.f_mul(rises)?.f_sub(&(rule.f_pre)(weight)?.f_mul(falls)?)
}

/// Moves the traces on and gives them, before and after the synapse, to `of`. Nothing is kept for gradients.
fn advance(
    name: &str,
    in_spike: &Tensor,
    out_spike: &Tensor,
    traces: &mut Traces,
    rule: &Stdp,
    decay: Decay,
    of: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor> {
    for (argument, tau) in [("tau_pre", rule.tau_pre), ("tau_post", rule.tau_post)] {
        if !(tau > 0.0 && tau.is_finite()) {
            return Err(Error::argument(name, argument, format!("is a time in steps, greater than 0, but is {tau:?}"), ""));
        }
    }
    for (trace, spike) in [(&traces.trace_pre, in_spike), (&traces.trace_post, out_spike)] {
        if let Some(trace) = trace {
            crate::state::check_sizes(name, trace, &spike.size())?;
        }
        if !matches!(spike.kind(), Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) {
            return Err(Error::Kind { layer: name.into(), wants: "floats", got: spike.kind() });
        }
    }
    let step = || {
        let pre = decay.step(traces.trace_pre.as_ref(), rule.tau_pre, in_spike)?;
        let post = decay.step(traces.trace_post.as_ref(), rule.tau_post, out_spike)?;
        let update = of(&pre, &post)?;
        Ok((pre, post, update))
    };
    let (pre, post, update) = no_grad(step).map_err(Error::in_layer(name))?;
    *traces = Traces { trace_pre: Some(pre), trace_post: Some(post) };
    Ok(update)
}

/// Spikes on both sides of a linear layer, with a batch or without.
fn linear(name: &str, weight: &Tensor, in_spike: &Tensor, out_spike: &Tensor, batched: bool) -> Result<()> {
    super::rank(name, "weight", weight, "[out, in]")?;
    let w = weight.size();
    let batch = if batched { in_spike.size().first().map_or(vec![-1], |&n| vec![n]) } else { Vec::new() };
    for (argument, spike, features) in [("in_spike", in_spike, w[1]), ("out_spike", out_spike, w[0])] {
        let want = [&batch[..], &[features]].concat();
        if spike.size() != want {
            let shown = if batched { format!("[N, {features}]") } else { format!("[{features}]") };
            return Err(Error::shape(name, format!("`{argument}` of {shown}"), &spike.size(), "the batch is that of `in_spike`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(values: &[f64], size: &[i64]) -> Tensor {
        Tensor::from_slice(values).reshape(size)
    }

    #[test]
    fn a_spike_before_strengthens_and_one_after_weakens() {
        let rule = Stdp { f_pre: |w| w.f_ones_like(), f_post: |w| w.f_ones_like(), ..Stdp::new(2.0, 2.0) };
        let (on, off, weight) = (t(&[1.0], &[1, 1]), t(&[0.0], &[1, 1]), t(&[0.5], &[1, 1]));
        for (first, second, sign) in [((&on, &off), (&off, &on), 0.5), ((&off, &on), (&on, &off), -0.5)] {
            let mut traces = Traces::default();
            drop(stdp_linear_step(&weight, first.0, first.1, &mut traces, &rule).unwrap());
            let update = stdp_linear_step(&weight, second.0, second.1, &mut traces, &rule).unwrap();
            assert_eq!(f64::try_from(update.reshape([])).unwrap(), sign);
        }
    }

    #[test]
    fn a_convolution_of_one_place_is_a_linear_layer() {
        let of = |v: &[f64], size: &[i64]| t(v, size);
        let weight = of(&[0.5, -1.0, 0.25, 2.0], &[2, 2]);
        let (x, y) = (of(&[1.0, 0.0, 1.0, 1.0], &[2, 2]), of(&[0.0, 1.0, 1.0, 1.0], &[2, 2]));
        let (mut a, mut b) = (Traces::default(), Traces::default());
        let rule = Stdp::new(2.0, 3.0);
        for _ in 0..3 {
            let linear = stdp_linear_step(&weight, &x, &y, &mut a, &rule).unwrap();
            let image = |t: &Tensor| t.unsqueeze(-1).unsqueeze(-1);
            let conv = stdp_conv2d_step(&image(&weight), [1, 1], &image(&x), &image(&y), &mut b, &rule).unwrap();
            assert!(conv.squeeze().allclose(&linear, 1e-12, 1e-12, false));
        }
        // The eligibility of a sample, without the batch it is in: each sample's own.
        let (mut c, mut d) = (Traces::default(), Traces::default());
        let all = mstdp_linear_step(&weight, &x, &y, &mut c, &rule).unwrap();
        let one = mstdpet_linear_step(&weight, &x.get(1), &y.get(1), &mut d, &rule).unwrap();
        assert!(all.get(1).allclose(&one, 1e-12, 1e-12, false));
    }

    #[test]
    fn strides_are_those_of_the_convolution() {
        let rule = Stdp { f_pre: |w| w.f_zeros_like(), f_post: |w| w.f_ones_like(), ..Stdp::new(2.0, 2.0) };
        // One input spike at (2, 4), and one output spike at (1, 2): with stride 2 they meet at (0, 0) of the kernel.
        let (mut x, mut y) = (Tensor::zeros([1, 1, 5, 6], tch::kind::DOUBLE_CPU), Tensor::zeros([1, 1, 2, 3], tch::kind::DOUBLE_CPU));
        drop([x.get(0).get(0).get(2).get(4).fill_(1.0), y.get(0).get(0).get(1).get(2).fill_(1.0)]);
        let weight = Tensor::ones([1, 1, 2, 2], tch::kind::DOUBLE_CPU);
        let update = stdp_conv2d_step(&weight, [2, 2], &x, &y, &mut Traces::default(), &rule).unwrap();
        assert!(update.equal(&t(&[1.0, 0.0, 0.0, 0.0], &[1, 1, 2, 2])), "{update}");
        (x, y) = (y, x);
        let e = stdp_conv2d_step(&weight, [2, 2], &x, &y, &mut Traces::default(), &rule).unwrap_err().to_string();
        assert!(e.starts_with("stdp_conv2d_step: wants `out_spike` of [1, 1, 1, 1], but gets [1, 1, 5, 6]"), "{e}");
    }

    #[test]
    fn what_does_not_fit_is_told_and_the_traces_stay() {
        let (weight, x, y) = (t(&[1.0; 6], &[2, 3]), t(&[1.0; 3], &[1, 3]), t(&[1.0; 2], &[1, 2]));
        let mut traces = Traces::default();
        let rule = Stdp::new(2.0, 2.0);
        let e = stdp_linear_step(&weight, &y, &x, &mut traces, &rule).unwrap_err().to_string();
        assert!(e.starts_with("stdp_linear_step: wants `in_spike` of [N, 3], but gets [1, 2]"), "{e}");
        let e = stdp_linear_step(&weight, &x, &y, &mut traces, &Stdp::new(0.0, 2.0)).unwrap_err().to_string();
        assert!(e.starts_with("stdp_linear_step: `tau_pre` is a time in steps, greater than 0, but is 0.0"), "{e}");
        assert!(crate::named_tensors(&traces).is_empty());
        drop(stdp_linear_step(&weight, &x, &y, &mut traces, &rule).unwrap());
        let twice = |t: &Tensor| Tensor::cat(&[t, t], 0);
        let e = stdp_linear_step(&weight, &twice(&x), &twice(&y), &mut traces, &rule).unwrap_err().to_string();
        assert!(e.contains("its state is for a batch of 1, but gets 2"), "{e}");
    }
}
