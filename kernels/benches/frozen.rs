//! Frozen convolutions by firing rate: `cargo bench -p snn-kernels --bench frozen`.
//!
//! 3 x 3 x 128 x 128 on 14 x 14, T = 4, one sample, on one thread: currents and IF neurons in one call. "dense" gets the same spikes as numbers
//! and multiplies all of them; its elements are floating point operations, two per weight. Those of the others are additions, one per weight of
//! an active input (of the whole 3 x 3 window: cells outside the border count, which is 10 % too many).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use snn_kernels::frozen::{Axis, Border, Fire, In, Out, Packed, Projection, States, Weights, Windows, from_dense, words};
use snn_kernels::{Channels, Constants, Draw, IFNodeConfig, philox4x32};

const STEPS: usize = 4;
const SIDE: usize = 14;
const CHANNELS: usize = 128;

/// Numbers in [0, 1).
fn random(len: usize, stream: u32) -> Vec<f32> {
    (0..len).map(|i| (philox4x32([i as u32, 0, 0, stream], [0, 0])[0] >> 8) as f32 / (1 << 24) as f32).collect()
}

fn frozen(c: &mut Criterion) {
    let axis = || Axis::conv(SIDE, 3, 1, (1, 1), 1, Border::Zeros).expect("a kernel that fits");
    let windows = Windows::new(&[axis(), axis()]);
    let sizes = Weights { outputs: CHANNELS, inputs: CHANNELS, groups: 1, taps: 9 };
    let values = random(CHANNELS * CHANNELS * 9, 0);
    let weights = Packed::new(sizes, |output, input, tap| (values[(output * CHANNELS + input) * 9 + tap] - 0.5) / 16.0, |_| 0.1);
    let neuron = IFNodeConfig::default();
    let constants = Constants::new(&neuron, &[], Channels { count: CHANNELS, inner: 1 }).expect("no parameters");
    let cells = STEPS * SIDE * SIDE;
    let mut spikes = vec![0; cells * words(CHANNELS)];
    let mut run = |input: In<'_>| {
        let out = Out::Bits(&mut spikes);
        let fire = Fire { neuron: &neuron, constants: &constants, steps: STEPS, states: States::Fresh, draw: Draw::default(), out };
        let projection = Projection { windows: &windows, weights: &weights, input, steps: STEPS, samples: 1 };
        projection.fire(fire).expect("buffers of the right size")
    };

    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread pool");
    let mut group = c.benchmark_group("conv 3x3x128x128 on 14x14");
    let products = (cells * CHANNELS * CHANNELS * 9) as f64;
    for percent in [2, 5, 10, 20, 50] {
        let rate = f64::from(percent) / 100.0;
        let x: Vec<f32> = random(cells * CHANNELS, percent).iter().map(|x| f32::from(f64::from(*x) < rate)).collect();
        let mut bits = vec![0; cells * words(CHANNELS)];
        from_dense(&x, CHANNELS, &mut bits).expect("buffers of the right size");
        group.throughput(Throughput::Elements((products * rate) as u64));
        group.bench_function(BenchmarkId::new("bits", format!("{percent}%")), |b| {
            pool.install(|| b.iter(|| run(In::Bits { words: &bits, planes: 1 })));
        });
    }
    let x = random(cells * CHANNELS, 1);
    group.throughput(Throughput::Elements((2.0 * products) as u64));
    group.bench_function("dense", |b| pool.install(|| b.iter(|| run(In::Dense(&x)))));
    group.finish();
}

criterion_group! { name = benches; config = Criterion::default().sample_size(30); targets = frozen }
criterion_main!(benches);
