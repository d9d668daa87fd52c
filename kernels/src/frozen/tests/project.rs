//! Projections against a plain sum, on every instruction set.

use proptest::prelude::*;

use super::{channels, planes_of, spikes, weights};
use crate::frozen::{Axis, Border, In, Packed, Projection, Weights, Windows};
use crate::tests::same_bits::arches;

/// A random layer and its input.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) windows: Windows,
    pub(super) sizes: Weights,
    pub(super) steps: usize,
    pub(super) samples: usize,
    pub(super) planes: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// `[step][sample][cell][channel]`
    pub(super) x: Vec<f32>,
}

impl Case {
    pub(super) fn new(windows: Windows, sizes: Weights, steps: usize, samples: usize, planes: usize, rate: f64, seed: u64) -> Case {
        let Weights { outputs, inputs, groups, taps } = sizes;
        Case {
            weights: weights(outputs * inputs / groups * taps, seed),
            bias: weights(outputs, seed ^ 1),
            x: spikes(steps * samples * windows.inputs() * inputs, planes, rate, seed ^ 2),
            windows,
            sizes,
            steps,
            samples,
            planes,
        }
    }

    fn weight(&self, output: usize, input: usize, tap: usize) -> f32 {
        self.weights[(output * (self.sizes.inputs / self.sizes.groups) + input) * self.sizes.taps + tap]
    }

    pub(super) fn packed(&self) -> Packed {
        Packed::new(self.sizes, |output, input, tap| self.weight(output, input, tap), |output| self.bias[output])
    }

    pub(super) fn on<'a>(&'a self, weights: &'a Packed, input: In<'a>) -> Projection<'a> {
        Projection { windows: &self.windows, weights, input, steps: self.steps, samples: self.samples }
    }

    /// One output after the other, tap by tap and input by input.
    pub(super) fn plain(&self) -> Vec<f32> {
        let Weights { outputs, inputs, groups, taps } = self.sizes;
        let (outs, ins) = (outputs / groups, inputs / groups);
        let mut currents = vec![];
        for image in 0..self.steps * self.samples {
            for cell in 0..self.windows.outputs() {
                for output in 0..outputs {
                    let mut sum = self.bias[output];
                    for tap in 0..taps {
                        let Some(from) = self.windows.cell(tap, cell) else { continue };
                        for input in 0..ins {
                            let x = self.x[(image * self.windows.inputs() + from) * inputs + output / outs * ins + input];
                            sum = x.mul_add(self.weight(output, input, tap), sum);
                        }
                    }
                    currents.push(sum);
                }
            }
        }
        currents
    }
}

prop_compose! {
    /// Convolutions with channels in groups, strides and dilation.
    pub(super) fn cases()(
        (groups, ins, outs) in prop_oneof![(Just(1), channels(), channels()), (2usize..5, 1usize..40, 1usize..40), (70usize..80, Just(1), Just(1))],
        (h, w) in (1usize..7, 1usize..7), // where an image is small, taps see nothing
        stride in 1usize..3,
        dilation in 1usize..3,
        border in prop_oneof![Just(Border::Zeros), Just(Border::Circular)],
        (steps, samples, planes) in (1usize..5, 1usize..4, 1usize..4),
        rate in prop_oneof![0.0..0.2, 0.0..1.0, 0.95..1.0],
        seed: u64,
    ) -> Case {
        let axis = |len| Axis::conv(len, 3, stride, (dilation, dilation), dilation, border).unwrap();
        let windows = Windows::new(&[axis(h), axis(w)]);
        let sizes = Weights { outputs: groups * outs, inputs: groups * ins, groups, taps: 9 };
        Case::new(windows, sizes, steps, samples, planes, rate, seed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn currents_are_the_plain_sum(case in cases()) {
        let want = case.plain();
        let packed = case.packed();
        let bits = planes_of(&case.x, case.planes, case.sizes.inputs);
        for arch in arches() {
            for input in [In::Bits { words: &bits, planes: case.planes }, In::Dense(&case.x)] {
                let mut got = vec![f32::NAN; want.len()];
                case.on(&packed, input).currents_on(arch, &mut got).unwrap();
                prop_assert!(got == want, "{arch:?} {input:?}: {:?}", got.iter().zip(&want).position(|(got, want)| got != want));
            }
        }
    }
}

/// Linear layers: one cell that sees all, or every cell itself.
#[test]
fn linear_layers() {
    for windows in [Windows::all(6), Windows::each(6)] {
        let sizes = Weights { outputs: 70, inputs: 67, groups: 1, taps: windows.taps() };
        let case = Case::new(windows, sizes, 3, 5, 1, 0.1, 7);
        let (packed, bits) = (case.packed(), planes_of(&case.x, 1, 67));
        let want = case.plain();
        let mut got = vec![f32::NAN; want.len()];
        case.on(&packed, In::Bits { words: &bits, planes: 1 }).currents(&mut got).unwrap();
        assert_eq!(got, want);
        // Numbers between 0 and 1, too.
        let case = Case { x: weights(case.x.len(), 9), ..case };
        case.on(&packed, In::Dense(&case.x)).currents(&mut got).unwrap();
        assert_eq!(got, case.plain());
    }
}

/// The rate decides which kernel runs, and nothing else.
#[test]
fn many_spikes_are_multiplied_and_few_are_added() {
    let axis = || Axis::conv(8, 3, 1, (1, 1), 1, Border::Circular).unwrap();
    let sizes = Weights { outputs: 64, inputs: 64, groups: 1, taps: 9 };
    for (rate, sparse) in [(0.05, true), (0.99, false)] {
        let case = Case::new(Windows::new(&[axis(), axis()]), sizes, 4, 2, 1, rate, 3);
        let (packed, bits) = (case.packed(), planes_of(&case.x, 1, 64));
        let want = case.plain();
        let mut got = vec![f32::NAN; want.len()];
        let blocks = case.on(&packed, In::Bits { words: &bits, planes: 1 }).currents(&mut got).unwrap();
        assert_eq!(got, want);
        assert_eq!((blocks.sparse > blocks.dense, blocks.dense > blocks.sparse), (sparse, !sparse), "{blocks:?}");
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let sizes = Weights { outputs: 3, inputs: 65, groups: 1, taps: 2 };
    let case = Case::new(Windows::all(2), sizes, 2, 1, 1, 0.5, 1);
    let (packed, bits) = (case.packed(), planes_of(&case.x, 1, 65));
    let mut out = vec![0.0; 6];
    let on = |input| case.on(&packed, input);
    assert!(on(In::Dense(&case.x)).currents(&mut out).is_ok());
    assert!(on(In::Dense(&case.x[1..])).currents(&mut out).is_err() && on(In::Dense(&case.x)).currents(&mut out[1..]).is_err());
    assert!(on(In::Bits { words: &bits[1..], planes: 1 }).currents(&mut out).is_err());
    let each = Windows::each(2);
    assert!(Projection { windows: &each, ..on(In::Dense(&case.x)) }.currents(&mut out).is_err(), "one tap, weights of two");
}
