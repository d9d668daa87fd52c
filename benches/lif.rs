//! LIF over 8 steps, 401,408 neurons, `f32`: the fused node beside a copy of the same bytes, and beside the same neuron written
//! step by step in torch operations, as one would without this library. In: nothing; out: times of one run, to be compared
//! with each other.
//!
//! `cargo bench --bench lif`, threads by `SNN_THREADS` (default 1).

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use snn::autograd::attach;
use snn::surrogate::ATan;
use snn::{Cx, Device, Kind, LIFNode, LIFNodeConfig, Layer, Scope, Tensor, nn};

const T: i64 = 8;
/// 16 samples of 128 channels, 14 x 14.
const SIZE: [i64; 4] = [16, 128, 14, 14];

fn threads() -> usize {
    std::env::var("SNN_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn input() -> Tensor {
    let mut size = vec![T];
    size.extend(SIZE);
    Tensor::rand(size, (Kind::Float, Device::Cpu)) * 2.0
}

fn neuron() -> LIFNode {
    let vs = nn::VarStore::new(Device::Cpu);
    let config = LIFNodeConfig { surrogate_function: ATan::default().into(), ..Default::default() };
    LIFNode::build(&Scope::root("bench", &vs.root()), config).expect("the defaults fit")
}

fn fused(lif: &LIFNode, x: &Tensor) -> Tensor {
    lif.sequence(x, &mut lif.state(), &Cx { train: true }).expect("x fits")
}

/// The same neuron in torch operations: hard reset to 0, straight-through ATan.
fn step_by_step(x: &Tensor) -> Tensor {
    let mut v = x.get(0).zeros_like();
    let mut out = Vec::new();
    for t in 0..T {
        let h = &v + (x.get(t) - &v) / 2.0;
        let u = &h - 1.0;
        let soft = (&u * std::f64::consts::PI).atan() / std::f64::consts::PI;
        let s = u.ge(0.0).to_kind(Kind::Float) + (&soft - soft.detach());
        v = &h * (1.0 - &s);
        out.push(s);
    }
    Tensor::stack(&out, 0)
}

/// The gradient of x for the upstream gradient `weight`, handed over as it is: a loss of its own would be timed as well.
fn backward(y: &Tensor, x: &Tensor, weight: &Tensor) -> Vec<Tensor> {
    let weight = weight.shallow_clone();
    let loss = Tensor::from(0.0f32);
    let loss =
        attach("Upstream", &[y], vec![loss], &[], move |_| Ok(vec![Some(weight.shallow_clone())])).expect("one output, one gradient");
    Tensor::run_backward(&loss, &[x], false, false)
}

fn bench(c: &mut Criterion) {
    let n = threads();
    tch::set_num_threads(n as i32);
    rayon::ThreadPoolBuilder::new().num_threads(n).build_global().expect("the pool is built once");
    let x = input();
    let lif = neuron();
    let (reference, ours) = (tch::no_grad(|| step_by_step(&x)), tch::no_grad(|| fused(&lif, &x)));
    assert!(reference == ours, "both write the same spikes");

    let bytes = x.numel() * 4 * 2; // read and written once
    let mut forward = c.benchmark_group(format!("forward, {n} thread(s)"));
    forward.throughput(Throughput::Bytes(bytes as u64));
    forward.bench_function("copy of the same bytes", |b| b.iter(|| black_box(x.copy())));
    forward.bench_function("fused", |b| b.iter(|| tch::no_grad(|| black_box(fused(&lif, &x)))));
    forward.bench_function("torch, step by step", |b| b.iter(|| tch::no_grad(|| black_box(step_by_step(&x)))));
    forward.finish();

    let weight = input();
    let mut both = c.benchmark_group(format!("forward + backward, {n} thread(s)"));
    both.sample_size(20);
    let leaf = || x.copy().set_requires_grad(true);
    both.bench_function("fused", |b| b.iter_batched(leaf, |x| backward(&fused(&lif, &x), &x, &weight), BatchSize::LargeInput));
    both.bench_function("torch, step by step", |b| {
        b.iter_batched(leaf, |x| backward(&step_by_step(&x), &x, &weight), BatchSize::LargeInput);
    });
    both.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
