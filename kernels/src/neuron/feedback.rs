//! A neuron that hears what it sent a step ago: `ElementWiseRecurrentContainer` around a neuron. In: a neuron, and how its last output
//! joins its input; out: a neuron with one more state, `y`.
//!
//! It is a [`Neuron`] itself, so that the engine runs all steps in one sweep, forward and backward.

use super::{
    Adjoint, Charged, Finished, IFNodeConfig, LIFNodeConfig, Learned, MAX_CONSTANTS, MAX_FIRES, MAX_KEPT, MAX_LEARNED, MAX_STATES, Neuron,
    ParametricLIFNodeConfig,
};
use crate::{Real, Refused, Surrogate};

/// How the last output and the input are joined; SpikingJelly calls the function with (y_prev, x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Join {
    /// y_prev + x
    Add,
    /// y_prev * x
    Mul,
    /// y_prev - x
    Sub,
    /// The larger of the two; where they are equal each has half of the gradient, as in torch.
    Max,
}

impl Join {
    #[inline(always)]
    fn apply<F: Real>(self, y: F, x: F) -> F {
        match self {
            Join::Add => y + x,
            Join::Mul => y * x,
            Join::Sub => y - x,
            Join::Max => {
                if y > x {
                    y
                } else {
                    x
                }
            }
        }
    }

    /// The derivatives by y_prev and by x.
    #[inline(always)]
    fn slopes<F: Real>(self, y: F, x: F) -> (F, F) {
        match self {
            Join::Add => (F::ONE, F::ONE),
            Join::Mul => (x, y),
            Join::Sub => (F::ONE, -F::ONE),
            Join::Max if y > x => (F::ONE, F::ZERO),
            Join::Max if x > y => (F::ZERO, F::ONE),
            Join::Max => (F::of(0.5), F::of(0.5)),
        }
    }
}

/// `N`, whose input is joined with its output of the step before; 0 before the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feedback<N> {
    /// The neuron.
    pub neuron: N,
    /// How.
    pub join: Join,
}

impl<N: Neuron> Feedback<N> {
    /// Where `y` stands among the states.
    const Y: usize = N::STATES.len();

    const NAMES: &'static [&'static str; MAX_STATES] = &{
        let mut names = ["y"; MAX_STATES];
        let mut i = 0;
        while i < N::STATES.len() {
            names[i] = N::STATES[i];
            i += 1;
        }
        names
    };

    /// What the neuron gets.
    #[inline(always)]
    fn joined<F: Real>(&self, s: &[F; MAX_STATES], x: F) -> F {
        self.join.apply(s[Self::Y], x)
    }
}

impl<N: Neuron> Neuron for Feedback<N> {
    const NAME: &'static str = "ElementWiseRecurrentContainer";
    const STATES: &'static [&'static str] = Self::NAMES.split_at(Self::Y + 1).0;
    const LEARNED: &'static [Learned] = N::LEARNED;
    const CONSTANTS: usize = N::CONSTANTS;
    const LEARNED_CONSTANTS: usize = N::LEARNED_CONSTANTS;
    const FIRES: usize = N::FIRES;
    const KEPT: usize = N::KEPT;
    const SENDS_SPIKES: bool = N::SENDS_SPIKES;
    const CUDA: &'static str = N::CUDA;

    fn check(&self) -> Result<(), Refused> {
        self.neuron.check()
    }

    fn surrogate(&self) -> Surrogate {
        self.neuron.surrogate()
    }

    fn cuda_type(&self, f: &str) -> String {
        let join = match self.join {
            Join::Add => "ADD",
            Join::Mul => "MUL",
            Join::Sub => "SUB",
            Join::Max => "MAX",
        };
        format!("snn::Feedback<{}, {f}, snn::{join}>", self.neuron.cuda_type(f))
    }

    fn learned_start(&self, out: &mut [f64; MAX_LEARNED]) {
        self.neuron.learned_start(out);
    }

    fn constants(&self, learned: &[f64; MAX_LEARNED], out: &mut [f64; MAX_CONSTANTS]) {
        self.neuron.constants(learned, out);
    }

    fn constants_gradient(&self, learned: &[f64; MAX_LEARNED], upstream: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_LEARNED]) {
        self.neuron.constants_gradient(learned, upstream, out);
    }

    fn start(&self, constants: &[f64; MAX_CONSTANTS], out: &mut [f64; MAX_STATES]) {
        self.neuron.start(constants, out);
        out[Self::Y] = 0.0;
    }

    #[inline(always)]
    fn charge<F: Real>(&self, c: &[F; MAX_CONSTANTS], s: &[F; MAX_STATES], x: F) -> Charged<F> {
        self.neuron.charge(c, s, self.joined(s, x))
    }

    #[inline(always)]
    fn finish<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        x: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
    ) -> Finished<F> {
        let mut finished = self.neuron.finish(c, s, self.joined(s, x), kept, spikes);
        finished.states[Self::Y] = finished.y;
        finished
    }

    #[inline(always)]
    fn adjoint<F: Real>(
        &self,
        c: &[F; MAX_CONSTANTS],
        s: &[F; MAX_STATES],
        x: F,
        kept: &[F; MAX_KEPT],
        spikes: &[F; MAX_FIRES],
        slopes: &[F; MAX_FIRES],
        grad_y: F,
        grad_states: &[F; MAX_STATES],
    ) -> Adjoint<F> {
        let sent = grad_y + grad_states[Self::Y];
        let mut adjoint = self.neuron.adjoint(c, s, self.joined(s, x), kept, spikes, slopes, sent, grad_states);
        let (by_y, by_x) = self.join.slopes(s[Self::Y], x);
        adjoint.states[Self::Y] = adjoint.x * by_y;
        adjoint.x = adjoint.x * by_x;
        adjoint
    }
}

// The neurons of almost every model; around another one a container steps.
crate::compiled!(Feedback<IFNodeConfig>);
crate::compiled!(Feedback<LIFNodeConfig>);
crate::compiled!(Feedback<ParametricLIFNodeConfig>);
