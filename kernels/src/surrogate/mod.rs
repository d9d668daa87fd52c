//! Surrogate functions: h - v_threshold in; out comes a spike, the factor that stands in for its derivative, or its primitive.
//!
//! One file per function. They are applied to whole slices through one `match`, outside the neuron kernels: N neurons and S surrogates are
//! N + S compiled loops.

use pulp::Arch;

use crate::random::{Draw, Place};
use crate::{Real, Refused};

mod atan;
mod definition;
mod piecewise_quadratic;
mod sigmoid;

pub use atan::ATan;
pub use definition::{MAX_SURROGATE_CONSTANTS, SurrogateFunction};
pub use piecewise_quadratic::PiecewiseQuadratic;
pub use sigmoid::Sigmoid;

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

surrogates! { ATan Sigmoid PiecewiseQuadratic }

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
        false
    }

    /// Are spikes 0 or 1, by the sign of x alone?
    pub(crate) fn is_step(&self) -> bool {
        self.spiking() && each!(self, function => is_heaviside(function))
    }

    /// Replaces every x (= h - v_threshold) by the output of a neuron: its spike, or with `spiking: false` the primitive at x.
    ///
    /// `draw` is for functions that draw at random.
    pub fn spike<F: Real>(&self, x: &mut [F], draw: Draw) {
        self.spike_on(Arch::new(), x, Place { draw, series: 0, element: 0 });
    }

    /// Replaces every x (= h - v_threshold) by the derivative at x.
    pub fn derivative<F: Real>(&self, x: &mut [F]) {
        self.derivative_on(Arch::new(), x);
    }

    /// Replaces every x (= h - v_threshold) by the primitive at x, a smooth step from 0 to 1.
    pub fn primitive<F: Real>(&self, x: &mut [F]) {
        self.primitive_on(Arch::new(), x);
    }

    pub(crate) fn spike_on<F: Real>(&self, arch: Arch, x: &mut [F], place: Place) {
        let _ = place;
        match self.spiking() {
            true => each!(*self, function => map(arch, x, function, |f, c, x| f.spike(c, x))),
            false => self.primitive_on(arch, x),
        }
    }

    pub(crate) fn derivative_on<F: Real>(&self, arch: Arch, x: &mut [F]) {
        each!(*self, function => map(arch, x, function, |f, c, x| f.derivative(c, x)));
    }

    pub(crate) fn primitive_on<F: Real>(&self, arch: Arch, x: &mut [F]) {
        each!(*self, function => map(arch, x, function, |f, c, x| f.primitive(c, x)));
    }
}

fn has_primitive<S: SurrogateFunction>(_: &S) -> bool {
    S::HAS_PRIMITIVE
}

fn is_heaviside<S: SurrogateFunction>(_: &S) -> bool {
    S::HEAVISIDE
}

/// `x[i] = f(x[i])` with the machine's widest vectors. Function and constants are held by value, or they could alias `x` and nothing
/// vectorises.
fn map<F: Real, S: SurrogateFunction>(arch: Arch, x: &mut [F], function: S, f: impl Fn(&S, &[F; MAX_SURROGATE_CONSTANTS], F) -> F) {
    let constants = function.constants().map(F::of);
    arch.dispatch(
        #[inline(always)]
        move || {
            for x in x {
                *x = f(&function, &constants, *x);
            }
        },
    );
}
