//! Sums of channels. In: rows of numbers; out: of the two launches the sums in `f64`, the same bits in any order of the threads.

use super::program::{Launch, Program, Watch};
use crate::Channels;
use crate::cuda::{Address, SUM, SumArguments, SumKernel};
use crate::tests::numbers::uniform;

/// (rows, samples, channels, parts)
const SIZES: [(usize, usize, Channels, usize); 4] = [
    (1, 1, Channels::ONE, 1),
    (2, 700, Channels { count: 1, inner: 1 }, 3),
    (2, 5, Channels { count: 3, inner: 170 }, 2),
    (3, 4, Channels { count: 7, inner: 1 }, 1),
];

fn launch(kernel: &str, rows: usize, samples: usize, channels: Channels, parts: usize, from: &[impl Copy]) -> (Launch, Address) {
    let mut launch = Launch::new(kernel.to_string(), [channels.count, parts, rows]);
    let (from, to) = (launch.buffer(from), launch.room::<f64>(rows * channels.count * parts));
    let (samples, count, inner) = (samples as u32, channels.count as u32, channels.inner as u32);
    launch.argument(SumArguments { rows: from, sums: to, samples, channels: count, inner, padding: 0 });
    (launch, to)
}

#[test]
fn sums_are_those_of_the_channels() {
    let of = |ty: &'static str| SumKernel { ty };
    let source = of("float").source().text() + &of("double").instance("_of_parts");
    for watch in [Watch::Addresses, Watch::Races] {
        let program = Program::build(&source, watch);
        for (rows, samples, channels, parts) in SIZES {
            let numbers: Vec<f32> = uniform(rows * samples * channels.count * channels.inner, 1);
            let mut before: Option<Vec<f64>> = None;
            for seed in 0..3 {
                let (first, to) = launch(SUM, rows, samples, channels, parts, &numbers);
                let partial: Vec<f64> = program.run(&[first], seed).unwrap()[0].of(to);
                let whole = Channels { count: rows * channels.count, inner: parts };
                let (second, to) = launch(&format!("{SUM}_of_parts"), 1, 1, whole, 1, &partial);
                let got: Vec<f64> = program.run(&[second], seed).unwrap()[0].of(to);
                let mut want = vec![0.0; rows * channels.count];
                for (i, x) in numbers.iter().enumerate() {
                    let row = i / (samples * channels.count * channels.inner);
                    want[row * channels.count + channels.of(i)] += f64::from(*x);
                }
                for (got, want) in got.iter().zip(&want) {
                    assert!((got - want).abs() <= 1e-12 * (samples * channels.inner) as f64, "{got} instead of {want}");
                }
                assert!(before.is_none_or(|before| before == got), "the order of the threads shows");
                before = Some(got);
            }
        }
    }
}

#[test]
fn parts_are_few_and_not_none() {
    for (values, parts) in [(0, 1), (1, 1), (8193, 2), (1 << 30, 256)] {
        assert_eq!(SumKernel::parts(values), parts);
    }
}
