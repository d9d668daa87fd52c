//! Launches beside what the CPU's kernels give. In: element types of memory, launches and checks of their buffers; out: a failed test where a
//! bit differs.

use half::{bf16, f16};

use super::program::{Buffers, Launch, Program, Watch};
use crate::Real;
use crate::cuda::Element;
use crate::tests::every_neuron::numbers;

/// An element of memory.
pub(super) trait Memory: Copy + Default + PartialEq + std::fmt::Debug + 'static {
    const ELEMENT: Element;
    type Compute: Real;
    fn narrow(x: Self::Compute) -> Self;
    fn widen(self) -> Self::Compute;

    /// Random numbers, as memory has them.
    fn numbers(stream: u32, len: usize) -> Vec<Self> {
        numbers(stream, len).into_iter().map(|x| Self::narrow(Self::Compute::of(x))).collect()
    }

    /// Spikes: about a third of them ones.
    fn spikes(stream: u32, len: usize) -> Vec<Self> {
        numbers(stream, len).into_iter().map(|x| Self::narrow(Self::Compute::of(if x > 0.8 { 1.0 } else { 0.0 }))).collect()
    }

    /// As the arithmetic sees them.
    fn widened(of: &[Self]) -> Vec<Self::Compute> {
        of.iter().map(|x| x.widen()).collect()
    }

    /// As memory takes them.
    fn narrowed(of: &[Self::Compute]) -> Vec<Self> {
        of.iter().map(|x| Self::narrow(*x)).collect()
    }
}

macro_rules! memory {
    ($($ty:ident $element:ident $compute:ident: $narrow:expr, $widen:expr;)*) => {$(
        impl Memory for $ty {
            const ELEMENT: Element = Element::$element;
            type Compute = $compute;
            fn narrow(x: $compute) -> $ty {
                $narrow(x)
            }
            fn widen(self) -> $compute {
                $widen(self)
            }
        }
    )*};
}

memory! {
    f32 F32 f32: |x| x, |x| x;
    f64 F64 f64: |x| x, |x| x;
    f16 F16 f32: f16::from_f32, f16::to_f32;
    bf16 Bf16 f32: bf16::from_f32, bf16::to_f32;
}

/// Random numbers of the arithmetic's type.
pub(super) fn compute<F: Real>(stream: u32, len: usize) -> Vec<F> {
    numbers(stream, len).into_iter().map(F::of).collect()
}

/// What a launch has to leave.
type Check = Box<dyn Fn(&Buffers)>;

/// Launches, and what they have to give.
#[derive(Default)]
pub(super) struct Comparison {
    launches: Vec<Launch>,
    checks: Vec<Check>,
}

impl Comparison {
    pub(super) fn len(&self) -> usize {
        self.launches.len()
    }

    pub(super) fn push(&mut self, launch: Launch, check: impl Fn(&Buffers) + 'static) {
        self.launches.push(launch);
        self.checks.push(Box::new(check));
    }

    /// Runs all launches of a program with one of its faults, and checks what they leave; or what somebody says.
    pub(super) fn verdict(&self, program: &Program, fault: usize) -> Result<(), String> {
        let buffers = program.run_with(&self.launches, 1, fault)?;
        let check = || self.checks.iter().zip(&buffers).for_each(|(check, buffers)| check(buffers));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
        panicked.map_err(|said| said.downcast::<String>().map_or_else(|_| "it panicked".into(), |said| *said))
    }

    /// Runs all launches of kernels of `source`, threads in the order of a few seeds.
    pub(super) fn run(&self, source: &str, watch: Watch, seeds: std::ops::Range<u64>) {
        let program = Program::build(source, watch);
        for seed in seeds {
            let buffers = program.run(&self.launches, seed).unwrap_or_else(|said| panic!("seed {seed}: {said}"));
            for (check, buffers) in self.checks.iter().zip(&buffers) {
                check(buffers);
            }
        }
    }
}

#[track_caller]
pub(super) fn same<T: PartialEq + Copy + std::fmt::Debug>(what: &str, got: &[T], want: &[T]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        // A NaN equals nothing, not even itself.
        let both_nan = |x: &T| x.partial_cmp_self().is_none();
        assert!(got == want || both_nan(got) && both_nan(want), "{what}: {got:?} at {i}, the CPU has {want:?}");
    }
}

/// Is a value equal to itself?
trait PartialCmpSelf {
    fn partial_cmp_self(&self) -> Option<()>;
}

impl<T: PartialEq> PartialCmpSelf for T {
    #[allow(clippy::eq_op, reason = "a NaN is not")]
    fn partial_cmp_self(&self) -> Option<()> {
        (self == self).then_some(())
    }
}

/// Sums in another order, of numbers rounded to the kernels' type: equal but for some share of them.
#[track_caller]
pub(super) fn near(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let near = (got - want).abs() <= tolerance * (1.0 + want.abs()) || got.is_nan() && want.is_nan();
        assert!(near, "{what}: {got} at {i}, the CPU has {want}");
    }
}
