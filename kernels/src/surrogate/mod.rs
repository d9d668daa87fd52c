//! Surrogate functions: h - v_threshold in; out comes a spike, the factor that stands in for its derivative, or its primitive.
//!
//! One file per function. They are applied to whole slices through one `match`, outside the neuron kernels: N neurons and S surrogates are
//! N + S compiled loops.

use pulp::Arch;

use crate::arch::vectorised;
use crate::random::{Draw, Place};
use crate::{Real, Refused};

mod atan;
mod definition;
mod deterministic_pass;
mod erf;
mod fake_numerical_gradient;
mod leaky_k_relu;
mod log_tailed_relu;
mod multi_level_spike_count;
mod nonzero_sign_log_abs;
mod piecewise_exp;
mod piecewise_leaky_relu;
mod piecewise_quadratic;
mod poisson_pass;
mod q_pseudo_spike;
mod rect;
mod s2nn;
mod sigmoid;
mod soft_sign;
mod squarewave_fourier_series;
mod super_spike;

pub use atan::ATan;
pub use definition::{MAX_SURROGATE_CONSTANTS, SurrogateFunction};
pub use deterministic_pass::DeterministicPass;
pub use erf::Erf;
pub use fake_numerical_gradient::FakeNumericalGradient;
pub use leaky_k_relu::LeakyKReLU;
pub use log_tailed_relu::LogTailedReLU;
pub use multi_level_spike_count::MultiLevelSpikeCount;
pub use nonzero_sign_log_abs::NonzeroSignLogAbs;
pub use piecewise_exp::PiecewiseExp;
pub use piecewise_leaky_relu::PiecewiseLeakyReLU;
pub use piecewise_quadratic::PiecewiseQuadratic;
pub use poisson_pass::PoissonPass;
pub use q_pseudo_spike::QPseudoSpike;
pub use rect::Rect;
pub use s2nn::S2NN;
pub use sigmoid::Sigmoid;
pub use soft_sign::SoftSign;
pub use squarewave_fourier_series::SquarewaveFourierSeries;
pub use super_spike::SuperSpike;

/// The enum of all functions, and the calls that are the same for each.
macro_rules! surrogates {
    ($($name:ident)*) => {
        /// What stands in for the derivative of a spike, with its arguments. Evaluated at x = h - v_threshold. The default is
        /// SpikingJelly's, [`Sigmoid`].
        ///
        /// Forward, a neuron fires where x >= 0. Backward, the derivative of that step is replaced by the one given here. With
        /// `spiking: false` the output is the smooth function itself, and the gradient its true one.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Surrogate {
            $(#[doc = concat!("[`", stringify!($name), "`]")] $name($name),)*
        }

        $(impl From<$name> for Surrogate {
            fn from(function: $name) -> Surrogate {
                Surrogate::$name(function)
            }
        })*

        impl Surrogate {
            /// The same function, with or without spikes (SpikingJelly: `set_spiking_mode`).
            pub fn with_spiking(self, spiking: bool) -> Surrogate {
                match self {
                    $(Surrogate::$name(mut function) => {
                        function.spiking = spiking;
                        function.into()
                    })*
                }
            }
        }

        /// `each!(surrogate, function => ..)`: the same expression, whichever function it is.
        macro_rules! each {
            ($surrogate:expr, $function:ident => $value:expr) => {
                match $surrogate {
                    $(Surrogate::$name($function) => $value,)*
                }
            };
        }
    };
}

surrogates! {
    ATan
    DeterministicPass
    Erf
    FakeNumericalGradient
    LeakyKReLU
    LogTailedReLU
    MultiLevelSpikeCount
    NonzeroSignLogAbs
    PiecewiseExp
    PiecewiseLeakyReLU
    PiecewiseQuadratic
    PoissonPass
    QPseudoSpike
    Rect
    S2NN
    Sigmoid
    SoftSign
    SquarewaveFourierSeries
    SuperSpike
}

impl Default for Surrogate {
    fn default() -> Self {
        Sigmoid::default().into()
    }
}

impl Surrogate {
    /// Send spikes? Else the function's own value.
    pub fn spiking(&self) -> bool {
        each!(self, function => function.spiking())
    }

    /// Are its arguments such that the formulas work?
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        each!(self, function => function.check())?;
        if !self.spiking() && !each!(self, function => has_primitive(function)) {
            return Err(Refused::new("spiking", "must be true: there is no function that it is the slope of", ""));
        }
        Ok(())
    }

    /// Does it draw at random?
    pub fn draws(&self) -> bool {
        self.spiking() && matches!(self, Surrogate::PoissonPass(_))
    }

    /// Are spikes 0 or 1?
    pub fn sends_bits(&self) -> bool {
        self.draws() || self.is_step()
    }

    /// Are spikes 0 or 1, by the sign of x alone?
    pub(crate) fn is_step(&self) -> bool {
        self.spiking() && !self.draws() && each!(self, function => is_heaviside(function))
    }

    /// Its formulas as CUDA C++.
    pub(crate) fn cuda(&self) -> &'static str {
        each!(*self, function => cuda_of(function))
    }

    /// The type that makes spikes of it, in the terms of `neuron.cuh`.
    pub(crate) fn cuda_type(&self) -> String {
        let name = each!(*self, function => name_of(function));
        format!("snn::Firing<snn::{name}, {}, {}, {}>", self.spiking(), self.is_step(), self.draws())
    }

    /// What its formulas need of its arguments.
    pub(crate) fn constants(&self) -> [f64; MAX_SURROGATE_CONSTANTS] {
        each!(self, function => function.constants())
    }

    /// Replaces every x (= h - v_threshold) by the output of a neuron: its spike, or with `spiking: false` the primitive at x.
    ///
    /// `draw` is for functions that draw at random.
    pub fn spike<F: Real>(&self, x: &mut [F], draw: Draw) {
        self.spike_on(Arch::new(), x, Place { draw, series: 0, element: 0 });
    }

    /// Replaces every x (= h - v_threshold) by the derivative at x: what stands in for that of a spike, or with `spiking: false` the true one
    /// of the primitive.
    pub fn derivative<F: Real>(&self, x: &mut [F]) {
        self.derivative_on(Arch::new(), x);
    }

    /// Replaces every x (= h - v_threshold) by the primitive at x, a smooth step from 0 to 1.
    pub fn primitive<F: Real>(&self, x: &mut [F]) {
        self.primitive_on(Arch::new(), x);
    }

    pub(crate) fn spike_on<F: Real>(&self, arch: Arch, x: &mut [F], place: Place) {
        match self.spiking() {
            true if self.draws() => place.bernoulli(x),
            true => each!(*self, function => map(arch, x, function, |f, c, x| f.spike(c, x))),
            false => self.primitive_on(arch, x),
        }
    }

    pub(crate) fn derivative_on<F: Real>(&self, arch: Arch, x: &mut [F]) {
        match self.spiking() {
            true => each!(*self, function => map(arch, x, function, |f, c, x| f.derivative(c, x))),
            false => each!(*self, function => map(arch, x, function, |f, c, x| f.slope(c, x))),
        }
    }

    pub(crate) fn primitive_on<F: Real>(&self, arch: Arch, x: &mut [F]) {
        each!(*self, function => map(arch, x, function, |f, c, x| f.primitive(c, x)));
    }
}

fn has_primitive<S: SurrogateFunction>(_: &S) -> bool {
    S::HAS_PRIMITIVE
}

fn cuda_of<S: SurrogateFunction>(_: S) -> &'static str {
    S::CUDA
}

fn name_of<S: SurrogateFunction>(_: S) -> &'static str {
    S::NAME
}

fn is_heaviside<S: SurrogateFunction>(_: &S) -> bool {
    S::HEAVISIDE
}

/// `x[i] = f(x[i])` with the machine's widest vectors. Function and constants are held by value, or they could alias `x` and nothing
/// vectorises.
fn map<F: Real, S: SurrogateFunction>(arch: Arch, x: &mut [F], function: S, f: impl Fn(&S, &[F; MAX_SURROGATE_CONSTANTS], F) -> F) {
    let constants = function.constants().map(F::of);
    vectorised(
        arch,
        #[inline(always)]
        move || {
            for x in x.iter_mut() {
                *x = f(&function, &constants, *x);
            }
        },
    );
}
