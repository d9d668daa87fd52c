//! The neuron kernels against copies of the same bytes: `cargo bench -p snn-kernels`.
//!
//! 8 steps of 401,408 neurons (16 x 128 x 14 x 14), f32, on one thread and on two, outputs already paged in. The forward pass reads x and
//! writes spikes, as a copy does; the backward pass reads x and the spikes' gradient and writes x's, as a sum of two arrays does.
//! Iterations take turns on several sets of buffers, so that nothing is left in a cache from the last time, as in a network's layers.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use snn_kernels::{
    ATan, BackwardOut, Channels, Constants, Draw, ForwardOut, IFNodeConfig, Input, LIFNodeConfig, Neuron, ParametricLIFNodeConfig, Pass,
    Sigmoid, Upstream, backward, dropout_mask, forward, philox4x32,
};

const STEPS: usize = 8;
const NEURONS: usize = 16 * 128 * 14 * 14;

/// Sets of buffers: 4 x 51 MB do not fit in a cache.
const SETS: usize = 4;

struct Data {
    x: Vec<f32>,
    grad_spikes: Vec<f32>,
    spikes: Vec<f32>,
    grad_x: Vec<f32>,
    v: Vec<f32>,
}

impl Data {
    fn new(set: usize) -> Data {
        // In [-1, 3): about a third of the neurons fire.
        let random = |stream: u32| -> Vec<f32> {
            let word = |i: usize| philox4x32([i as u32, 0, set as u32, stream], [0, 0])[0];
            (0..STEPS * NEURONS).map(|i| (word(i) >> 8) as f32 / (1 << 22) as f32 - 1.0).collect()
        };
        Data { x: random(0), grad_spikes: random(1), spikes: random(2), grad_x: random(3), v: vec![0.5; NEURONS] }
    }

    fn forward(&mut self, neuron: &impl Neuron, x: Option<&[f32]>) {
        let constants = constants(neuron);
        let x = x.map_or(Input::Sequence(&self.x), Input::Static);
        let pass = Pass { steps: STEPS, neurons: NEURONS, x, scale: None, start: &[], constants: &constants, draw: Draw::default() };
        let out = ForwardOut { y: &mut self.spikes, states: vec![&mut self.v], sequences: vec![] };
        forward(neuron, pass, out).expect("buffers of the right size");
    }

    fn backward(&mut self, neuron: &impl Neuron) {
        let constants = constants(neuron);
        let x = Input::Sequence(&self.x);
        let pass = Pass { steps: STEPS, neurons: NEURONS, x, scale: None, start: &[], constants: &constants, draw: Draw::default() };
        let upstream = Upstream { y: Some(&self.grad_spikes), states: &[] };
        let out = BackwardOut { x: Some(&mut self.grad_x), start: vec![], scale: None };
        black_box(backward(neuron, pass, upstream, out).expect("buffers of the right size"));
    }
}

/// The constants of a neuron with a learned parameter of 0, or none.
fn constants<N: Neuron>(neuron: &N) -> Constants<f32> {
    let learned: [&[f64]; 1] = [&[0.0]];
    Constants::new(neuron, &learned[..N::LEARNED.len()], Channels::ONE).expect("at most one parameter")
}

fn neuron(c: &mut Criterion) {
    let mut sets: Vec<Data> = (0..SETS).map(Data::new).collect();
    let atan = ATan::default().into();
    let lif = LIFNodeConfig { surrogate_function: atan, ..Default::default() };
    let plif = ParametricLIFNodeConfig { surrogate_function: atan, ..Default::default() };
    let soft = IFNodeConfig { v_reset: None, ..Default::default() };
    let one_step = sets[0].x[..NEURONS].to_vec();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        let mut group = c.benchmark_group(format!("neuron/{threads} thread{}", if threads == 1 { "" } else { "s" }));
        group.throughput(Throughput::Elements((STEPS * NEURONS) as u64));
        let share = (STEPS * NEURONS).div_ceil(threads);
        let mut bench = |name: &str, f: &mut (dyn FnMut(&mut Data) + Send)| {
            let mut turn = 0;
            group.bench_function(name, |b| {
                pool.install(|| {
                    b.iter(|| {
                        turn = (turn + 1) % SETS;
                        f(&mut sets[turn]);
                    });
                });
            });
        };
        bench("copy x to spikes", &mut |d| {
            d.spikes.par_chunks_mut(share).zip(d.x.par_chunks(share)).for_each(|(to, from)| to.copy_from_slice(from));
        });
        bench("forward lif", &mut |d| d.forward(&lif, None));
        bench("forward plif", &mut |d| d.forward(&plif, None));
        bench("forward if, soft reset", &mut |d| d.forward(&soft, None));
        bench("forward lif, static input", &mut |d| d.forward(&lif, Some(&one_step)));
        bench("add x and grad to grad_x", &mut |d| {
            let rows = d.grad_x.par_chunks_mut(share).zip(d.x.par_chunks(share)).zip(d.grad_spikes.par_chunks(share));
            rows.for_each(|((to, x), grad)| to.iter_mut().zip(x).zip(grad).for_each(|((to, x), grad)| *to = x + grad));
        });
        bench("backward lif atan", &mut |d| d.backward(&lif));
        bench("backward lif sigmoid", &mut |d| d.backward(&LIFNodeConfig { surrogate_function: Sigmoid::default().into(), ..lif }));
        bench("backward plif atan", &mut |d| d.backward(&plif));
        bench("forward and backward lif atan", &mut |d| {
            d.forward(&lif, None);
            d.backward(&lif);
        });
        bench("dropout mask", &mut |d| dropout_mask(0, 1, 2, 0.5, &mut d.spikes).expect("p in [0, 1)"));
        group.finish();
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(30); targets = neuron }
criterion_main!(benches);
