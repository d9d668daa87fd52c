//! The same bits on any number of threads and with any instruction set.

use proptest::prelude::*;
use pulp::Arch;

use super::case::{Backward, Case, Forward, Kind, assert_bits, cases};
use crate::{Real, Sigmoid, dropout_mask};

/// Every instruction set that this machine has.
pub(crate) fn arches() -> Vec<Arch> {
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::x86::{V3, V4};
        let vectors = [V3::try_new().map(Arch::V3), V4::try_new().map(Arch::V4)];
        std::iter::once(Arch::Scalar).chain(vectors.into_iter().flatten()).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    vec![Arch::Scalar, Arch::new()]
}

fn assert_same<F: Real>(got: &(Forward<F>, Backward<F>), want: &(Forward<F>, Backward<F>)) {
    assert_bits("spikes", &got.0.spikes, &want.0.spikes);
    assert_bits("v", &got.0.v, &want.0.v);
    assert_bits("grad x", &got.1.x, &want.1.x);
    assert_bits("grad v0", &got.1.v0, &want.1.v0);
    assert_bits("grad params", &got.1.params, &want.1.params);
}

pub(crate) fn with_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn on_every_instruction_set(case in cases(20, 300)) {
        fn check<F: Real>(case: &Case) {
            let runs: Vec<_> = arches().into_iter().map(|arch| (case.forward::<F>(arch), case.backward::<F>(arch))).collect();
            runs[1..].iter().for_each(|run| assert_same(run, &runs[0]));
        }
        check::<f32>(&case);
        check::<f64>(&case);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Big enough to be shared out.
    #[test]
    fn on_any_number_of_threads(case in cases(12, 200), neurons in 20_000..40_000usize) {
        let case = Case { steps: case.steps + 4, neurons, ..case };
        let run = || (case.forward::<f32>(Arch::new()), case.backward::<f32>(Arch::new()));
        let one = with_threads(1, run);
        for threads in [2, 3, 5] {
            assert_same(&with_threads(threads, run), &one);
        }
    }
}

#[test]
fn a_large_parameter_gradient_equals_the_reference() {
    let case = Case { kind: Kind::Plif { w: -0.4 }, surrogate: Sigmoid::default().into(), ..Case::lif(8, 30_001) };
    let (got, want) = (case.backward::<f64>(Arch::new()).params[0], case.reference_backward::<f64>().params[0]);
    assert!((got - want).abs() < 1e-9 * want.abs(), "{got} instead of {want}");
}

#[test]
fn dropout_masks_do_not_depend_on_threads() {
    let draw = |threads: usize| {
        with_threads(threads, || {
            let mut mask = vec![f32::NAN; 200_003];
            dropout_mask(1, 2, 3, 0.3, &mut mask).unwrap();
            mask
        })
    };
    assert_bits("mask", &draw(2), &draw(1));
    assert_bits("mask", &draw(3), &draw(1));
}
