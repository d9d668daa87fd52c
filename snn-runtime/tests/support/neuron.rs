//! A plain neuron, one step at a time, of tch's own operations. In: what SEMANTICS section 3 says of a neuron; out: spikes and
//! potentials that autograd differentiates by itself, to hold the fused kernels against.

use snn_runtime::surrogate::{ATan, PiecewiseQuadratic, Sigmoid, Surrogate};
use snn_runtime::{Cx, IFNode, IFNodeConfig, Kind, LIFNode, LIFNodeConfig, Layer, NeuronState, ParametricLIFNode};
use snn_runtime::{ParametricLIFNodeConfig, Record, Result, Tap, Tensor};

use super::{EVAL, lone};

/// The surrogates, by the shape of their derivative.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    ATan,
    Sigmoid,
    PiecewiseQuadratic,
}

pub(crate) const SHAPES: [Shape; 3] = [Shape::ATan, Shape::Sigmoid, Shape::PiecewiseQuadratic];

/// The charge equations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Charge {
    If,
    Lif { tau: f64, decay_input: bool },
    ParametricLif { tau: f64, decay_input: bool },
}

/// A neuron's arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    pub(crate) charge: Charge,
    pub(crate) v_threshold: f64,
    pub(crate) v_reset: Option<f64>,
    pub(crate) detach_reset: bool,
    pub(crate) shape: Shape,
    pub(crate) alpha: f64,
    pub(crate) spiking: bool,
}

impl Spec {
    pub(crate) fn new(charge: Charge) -> Spec {
        Spec { charge, v_threshold: 1.0, v_reset: Some(0.0), detach_reset: false, shape: Shape::ATan, alpha: 2.0, spiking: true }
    }

    /// All neurons at all resets, with and without `decay_input`, gradient through the reset, and spikes.
    pub(crate) fn all() -> Vec<Spec> {
        let mut all = Vec::new();
        let mut charges = vec![Charge::If];
        for decay_input in [true, false] {
            // tau = 2 is an exact division, 3 is not.
            charges.extend([2.0, 3.0].map(|tau| Charge::Lif { tau, decay_input }));
            charges.push(Charge::ParametricLif { tau: 2.5, decay_input });
        }
        for charge in charges {
            for (v_threshold, v_reset) in [(1.0, Some(0.0)), (0.75, Some(-0.3)), (1.25, None)] {
                for detach_reset in [false, true] {
                    for (shape, alpha) in [(Shape::ATan, 2.0), (Shape::Sigmoid, 4.0), (Shape::PiecewiseQuadratic, 1.5)] {
                        for spiking in [true, false] {
                            all.push(Spec { charge, v_threshold, v_reset, detach_reset, shape, alpha, spiking });
                        }
                    }
                }
            }
        }
        all
    }

    fn surrogate(&self) -> Surrogate {
        let (alpha, spiking) = (self.alpha, self.spiking);
        match self.shape {
            Shape::ATan => ATan { alpha, spiking }.into(),
            Shape::Sigmoid => Sigmoid { alpha, spiking }.into(),
            Shape::PiecewiseQuadratic => PiecewiseQuadratic { alpha, spiking }.into(),
        }
    }

    /// The layer under test.
    pub(crate) fn build(&self) -> Neuron {
        let &Spec { v_threshold, v_reset, detach_reset, .. } = self;
        let surrogate_function = self.surrogate();
        match self.charge {
            Charge::If => Neuron::If(lone(IFNodeConfig { v_threshold, v_reset, surrogate_function, detach_reset })),
            Charge::Lif { tau, decay_input } => {
                Neuron::Lif(lone(LIFNodeConfig { tau, decay_input, v_threshold, v_reset, surrogate_function, detach_reset }))
            }
            Charge::ParametricLif { tau: init_tau, decay_input } => Neuron::ParametricLif(lone(ParametricLIFNodeConfig {
                init_tau,
                decay_input,
                v_threshold,
                v_reset,
                surrogate_function,
                detach_reset,
            })),
        }
    }

    /// The surrogate's primitive, whose derivative tch finds by itself.
    pub(crate) fn primitive(&self, x: &Tensor) -> Tensor {
        let a = self.alpha;
        match self.shape {
            Shape::ATan => (x * (std::f64::consts::FRAC_PI_2 * a)).atan() / std::f64::consts::PI + 0.5,
            Shape::Sigmoid => (x * a).sigmoid(),
            Shape::PiecewiseQuadratic => {
                let x = x.clamp(-1.0 / a, 1.0 / a);
                &x * x.abs() * (-a * a / 2.0) + &x * a + 0.5
            }
        }
    }

    /// Straight through: the value of the Heaviside step, the gradient of the primitive.
    fn fire(&self, x: &Tensor) -> Tensor {
        let p = self.primitive(x);
        if self.spiking { x.ge(0.0).to_kind(x.kind()) + (&p - p.detach()) } else { p }
    }

    /// One step: spikes and the potential after the reset.
    pub(crate) fn step(&self, x: &Tensor, v: &Tensor, w: Option<&Tensor>) -> (Tensor, Tensor) {
        let rest = self.v_reset.unwrap_or(0.0);
        let leaky = |decay_input: bool, scale: &dyn Fn(Tensor) -> Tensor| match decay_input {
            true => v + scale(x - (v - rest)),
            false => v - scale(v - rest) + x,
        };
        let h = match (self.charge, w) {
            (Charge::Lif { tau, decay_input }, _) => leaky(decay_input, &|t| t / tau),
            (Charge::ParametricLif { decay_input, .. }, Some(w)) => {
                // In f64, rounded once.
                let q = w.to_kind(Kind::Double).sigmoid().to_kind(x.kind());
                leaky(decay_input, &|t| t * &q)
            }
            _ => v + x,
        };
        let s = self.fire(&(&h - self.v_threshold));
        let at_reset = if self.detach_reset { s.detach() } else { s.shallow_clone() };
        let v = match self.v_reset {
            Some(r) => &at_reset * r + (1.0 - &at_reset) * &h,
            None => &h - &at_reset * self.v_threshold,
        };
        (s, v)
    }

    /// A sequence `[T, N, ..]`, from `v0` or the reset value: spikes, potentials of every step, and the last.
    pub(crate) fn sequence(&self, x: &Tensor, v0: Option<&Tensor>, w: Option<&Tensor>) -> (Tensor, Tensor, Tensor) {
        let mut v = match v0 {
            Some(v0) => v0.shallow_clone(),
            None => x.get(0).full_like(self.v_reset.unwrap_or(0.0)),
        };
        let (mut spikes, mut voltage) = (Vec::new(), Vec::new());
        for t in 0..x.size()[0] {
            let (s, after) = self.step(&x.get(t), &v, w);
            spikes.push(s);
            voltage.push(after.shallow_clone());
            v = after;
        }
        (Tensor::stack(&spikes, 0), Tensor::stack(&voltage, 0), v)
    }
}

/// One of the neuron layers.
#[derive(Debug)]
pub(crate) enum Neuron {
    If(IFNode),
    Lif(LIFNode),
    ParametricLif(ParametricLIFNode),
}

/// The same call, whichever neuron it is.
macro_rules! each {
    ($neuron:expr, $n:ident => $call:expr) => {
        match $neuron {
            Neuron::If($n) => $call,
            Neuron::Lif($n) => $call,
            Neuron::ParametricLif($n) => $call,
        }
    };
}

impl Neuron {
    pub(crate) fn w(&self) -> Option<&Tensor> {
        match self {
            Neuron::ParametricLif(n) => Some(n.w()),
            _ => None,
        }
    }

    pub(crate) fn step(&self, x: &Tensor, s: &mut NeuronState) -> Result<Tensor> {
        each!(self, n => n.step(x, s, &EVAL))
    }

    pub(crate) fn sequence(&self, x: &Tensor, s: &mut NeuronState) -> Result<Tensor> {
        each!(self, n => n.sequence(x, s, &EVAL))
    }

    pub(crate) fn repeat(&self, x: &Tensor, steps: i64, s: &mut NeuronState) -> Result<Tensor> {
        each!(self, n => n.repeat(x, steps, s, &EVAL))
    }

    pub(crate) fn sequence_recorded(&self, x: &Tensor, s: &mut NeuronState, tap: &mut Tap) -> Result<Tensor> {
        each!(self, n => n.sequence_recorded(x, s, &EVAL, tap))
    }

    pub(crate) fn repeat_recorded(&self, x: &Tensor, steps: i64, s: &mut NeuronState, tap: &mut Tap) -> Result<Tensor> {
        each!(self, n => n.repeat_recorded(x, steps, s, &EVAL, tap))
    }

    pub(crate) fn step_recorded(&self, x: &Tensor, s: &mut NeuronState, tap: &mut Tap) -> Result<Tensor> {
        each!(self, n => n.step_recorded(x, s, &EVAL, tap))
    }

    pub(crate) fn sequence_in(&self, x: &Tensor, s: &mut NeuronState, cx: &Cx) -> Result<Tensor> {
        each!(self, n => n.sequence(x, s, cx))
    }
}

/// Currents that make these neurons fire often enough, some of them exactly at the threshold.
pub(crate) fn currents(sizes: &[i64], kind: Kind) -> Tensor {
    let x = super::randn(sizes, kind) * 1.5 + 0.5;
    // Quarters add up to the thresholds without rounding.
    let quarters = (&x * 4.0).round() / 4.0;
    let which = super::rand(sizes, kind).ge(0.5);
    x.where_self(&which, &quarters)
}
