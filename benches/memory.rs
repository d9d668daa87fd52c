//! Layers with a memory and attention gates over 8 steps of 16 samples of 128 channels, 14 x 14, `f32`: each beside the same layer written in
//! torch operations, and beside a copy of what it reads and writes. In: nothing; out: times of one run, to be compared with each other.
//!
//! `cargo bench --bench memory`, threads by `SNN_THREADS` (default 1).

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use snn::autograd::attach;
use snn::{
    Activation, Cx, Delay, DelayConfig, Device, DropConnectLinear, DropConnectLinearConfig, Dropout, DropoutConfig, Kind, Layer,
    MultiDimensionalAttention, MultiDimensionalAttentionConfig, NeuNorm, NeuNormConfig, Scope, SynapseFilter, SynapseFilterConfig,
    TemporalWiseAttention, TemporalWiseAttentionConfig, Tensor, nn,
};

const T: i64 = 8;
const SIZE: [i64; 5] = [T, 16, 128, 14, 14];

fn threads() -> usize {
    std::env::var("SNN_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn uniform(size: &[i64]) -> Tensor {
    Tensor::rand(size, (Kind::Float, Device::Cpu))
}

fn build<L: Layer>(config: L::Config) -> L {
    let vs = nn::VarStore::new(Device::Cpu);
    L::build(&Scope::root("bench", &vs.root()), config).expect("the arguments fit")
}

fn run<L: Layer>(layer: &L, x: &Tensor) -> Tensor {
    layer.sequence(x, &mut layer.state(), &Cx::TRAIN).expect("x fits")
}

/// The gradients for an upstream gradient that is handed over as it is: a loss of its own would be timed as well.
fn backward(y: &Tensor, wrt: &[&Tensor], weight: &Tensor) -> Vec<Tensor> {
    let weight = weight.shallow_clone();
    let loss = attach("Upstream", &[y], vec![Tensor::from(0.0f32)], &[], move |_| Ok(vec![Some(weight.shallow_clone())]));
    Tensor::run_backward(&loss.expect("one output, one gradient"), wrt, false, false)
}

/// Times ours and torch's, forward and forward with backward.
fn pair(
    group: &mut BenchmarkGroup<'_, WallTime>,
    x: &Tensor,
    weights: &[&Tensor],
    ours: &dyn Fn(&Tensor) -> Tensor,
    torch: &dyn Fn(&Tensor) -> Tensor,
) {
    let upstream = uniform(&tch::no_grad(|| ours(x)).size());
    for (name, f) in [("fused", ours), ("torch", torch)] {
        group.bench_function(format!("forward, {name}"), |b| b.iter(|| tch::no_grad(|| black_box(f(x)))));
        group.bench_function(format!("forward + backward, {name}"), |b| {
            let leaf = || x.copy().set_requires_grad(true);
            b.iter_batched(leaf, |x| backward(&f(&x), &[&[&x], weights].concat(), &upstream), BatchSize::LargeInput);
        });
    }
}

fn per_step(x: &Tensor, mut f: impl FnMut(Tensor) -> Tensor) -> Tensor {
    Tensor::stack(&(0..x.size()[0]).map(|t| f(x.get(t))).collect::<Vec<_>>(), 0)
}

/// sigmoid(P(mean) + P(max)) of `[N, size, ..]`, by pools and linear layers as SpikingJelly has them.
fn scores([w1, w2]: &[Tensor; 2], z: &Tensor) -> Tensor {
    let flat = |w: &Tensor| w.reshape([w.size()[0], w.size()[1]]);
    let mlp = |v: Tensor| v.linear(&flat(w1), None::<Tensor>).relu().linear(&flat(w2), None::<Tensor>);
    let z = z.flatten(2, -1);
    (mlp(z.mean_dim(2, false, Kind::Float)) + mlp(z.max_dim(2, false).0)).sigmoid()
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(format!("{name}, {} thread(s)", threads()));
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

fn bench(c: &mut Criterion) {
    let n = threads();
    tch::set_num_threads(n as i32);
    rayon::ThreadPoolBuilder::new().num_threads(n).build_global().expect("the pool is built once");
    let x = uniform(&SIZE).ge(0.8).to_kind(Kind::Float);
    group(c, "copy").bench_function("read x, write y", |b| b.iter(|| black_box(x.copy())));

    let filter: SynapseFilter = build(SynapseFilterConfig { tau: 10.0, learnable: true });
    let w = filter.w.as_ref().expect("it is learned");
    pair(&mut group(c, "SynapseFilter"), &x, &[w], &|x| run(&filter, x), &|x| {
        let mut i = x.get(0).zeros_like();
        per_step(x, |x| {
            i = &i - (1.0 - &x) * &i * w.sigmoid() + x;
            i.shallow_clone()
        })
    });

    let norm: NeuNorm = build(NeuNormConfig::new(128, 14, 14));
    pair(&mut group(c, "NeuNorm"), &x, &[&norm.w], &|x| run(&norm, x), &|x| {
        let mut u = x.get(0).zeros_like().narrow(1, 0, 1);
        per_step(x, |x| {
            u = &u * 0.9 + x.sum_dim_intlist(1, true, Kind::Float) * (0.1 / (128.0 * 128.0));
            x - &norm.w * &u
        })
    });

    let delay: Delay = build(DelayConfig { delay_steps: 2 });
    pair(&mut group(c, "Delay"), &x, &[], &|x| run(&delay, x), &|x| {
        Tensor::cat(&[x.narrow(0, 0, 2).zeros_like(), x.narrow(0, 0, T - 2)], 0)
    });

    // One multiplication takes little longer than the copy above: there is nothing left for a kernel of our own.
    let dropout: Dropout = build(DropoutConfig { p: 0.5 });
    let mut kept = dropout.state();
    let _ = dropout.sequence(&x, &mut kept, &Cx::TRAIN).expect("x fits");
    let mask = kept.mask.expect("it was drawn");
    let mut drop = group(c, "Dropout");
    drop.bench_function("multiplication by a mask that is there", |b| b.iter(|| black_box(&x * &mask)));
    drop.bench_function("mask and multiplication", |b| b.iter(|| black_box(run(&dropout, &x))));
    drop.bench_function("torch, mask and multiplication", |b| {
        b.iter(|| black_box(&x * x.get(0).ones_like().dropout(0.5, true)));
    });
    drop.finish();

    let twa: TemporalWiseAttention = build(TemporalWiseAttentionConfig { T: 8, reduction: 4, dimension: 4 });
    let [first, last] = &twa.shared_mlp;
    pair(&mut group(c, "TemporalWiseAttention"), &x, &[first, last], &|x| run(&twa, x), &|x| {
        x * scores(&twa.shared_mlp, &x.transpose(0, 1)).transpose(0, 1).reshape([T, 16, 1, 1, 1])
    });

    let mda: MultiDimensionalAttention =
        build(MultiDimensionalAttentionConfig { reduction_t: 4, ..MultiDimensionalAttentionConfig::new(8, 128) });
    let weights: Vec<&Tensor> = mda.ta.iter().chain(&mda.ca).flatten().chain(&mda.sa).collect();
    pair(&mut group(c, "MultiDimensionalAttention"), &x, &weights, &|x| run(&mda, x), &|x| {
        let z = x.transpose(0, 1);
        let z = &z * scores(mda.ta.as_ref().expect("on"), &z).reshape([16, T, 1, 1, 1]);
        let z = &z * scores(mda.ca.as_ref().expect("on"), &z.transpose(1, 2)).reshape([16, 1, 128, 1, 1]);
        let f = z.reshape([16, T * 128, 14, 14]);
        let planes = Tensor::cat(&[f.mean_dim(1, true, Kind::Float), f.max_dim(1, true).0], 1);
        let gates = planes.conv2d(mda.sa.as_ref().expect("on"), None::<Tensor>, 1, 1, 1, 1).sigmoid();
        (z * gates.reshape([16, 1, 1, 14, 14])).relu().transpose(0, 1).contiguous()
    });

    // 4 steps of 32 samples, 512 to 256 features.
    let rows = uniform(&[4, 32, 512]).ge(0.8).to_kind(Kind::Float);
    let fc: DropConnectLinear = build(DropConnectLinearConfig { samples_num: 64, ..DropConnectLinearConfig::new(512, 256) });
    let bias = fc.bias.as_ref().expect("it has one");
    let mut group = group(c, "DropConnectLinear");
    pair(&mut group, &rows, &[&fc.weight, bias], &|x| run(&fc, x), &|x| {
        per_step(x, |x| {
            let mask = |sizes: &[i64]| uniform(sizes).ge(0.5).to_kind(Kind::Float);
            let (w, b) = (&fc.weight * mask(&[32, 256, 512]), bias * mask(&[32, 256]));
            (w.matmul(&x.unsqueeze(-1)).squeeze_dim(-1) + b).relu()
        })
    });
    let infer = |x: &Tensor| fc.sequence(x, &mut fc.state(), &Cx::EVAL).expect("x fits");
    group.bench_function("evaluation, fused", |b| b.iter(|| black_box(infer(&rows))));
    group.bench_function("evaluation, torch", |b| {
        b.iter(|| {
            tch::no_grad(|| {
                per_step(&rows, |x| {
                    let mu = x.linear(&fc.weight, Some(bias)) * 0.5;
                    let sigma = (x.square().linear(&fc.weight.square(), Some(bias.square())) * 0.25).sqrt();
                    let z = Tensor::randn([64, 32, 256], (Kind::Float, Device::Cpu));
                    black_box((mu + sigma * z).relu().mean_dim(0, false, Kind::Float))
                })
            })
        });
    });
    assert_eq!(fc.config().activation, Activation::Relu);
}

criterion_group!(benches, bench);
criterion_main!(benches);
