//! Loops for the instruction set of the machine. In: a closure; out: what it returns, computed by its vectorised copy.

use pulp::{Arch, NullaryFnOnce};

/// Runs `f`, an `#[inline(always)]` closure, compiled for `arch`.
///
/// [`Arch::dispatch`] alone is not enough: a closure that could run twice is called through a function of the compiler's own there, which
/// is compiled without the instruction set and takes the closure's body with it. That costs a factor of three, and nothing tells.
#[inline(always)]
pub(crate) fn vectorised<R>(arch: Arch, f: impl FnMut() -> R) -> R {
    arch.dispatch(Body(f))
}

struct Body<F>(F);

impl<R, F: FnMut() -> R> NullaryFnOnce for Body<F> {
    type Output = R;

    #[inline(always)]
    fn call(mut self) -> R {
        (self.0)()
    }
}
