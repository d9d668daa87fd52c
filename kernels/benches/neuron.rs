//! The neuron kernels against copies of the same bytes: `cargo bench -p snn-kernels`.
//!
//! 8 steps of 401,408 neurons (16 x 128 x 14 x 14), f32, on one thread and on two, outputs already paged in. The forward pass reads x and
//! writes spikes, as a copy does; the backward pass reads x and the spikes' gradient and writes x's, as a sum of two arrays does.
//! Iterations take turns on several sets of buffers, so that nothing is left in a cache from the last time, as in a network's layers.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use snn_kernels::{
    ATan, BackwardOut, Charge, Fire, ForwardOut, If, Input, Lif, Plif, Reset, Sigmoid, Surrogate, backward, dropout_mask, forward,
    philox4x32,
};

const STEPS: usize = 8;
const NEURONS: usize = 16 * 128 * 14 * 14;

/// Sets of buffers: 4 x 51 MB do not fit in a cache.
const SETS: usize = 4;

const FIRE: Fire<f32> = Fire {
    v_threshold: 1.0,
    reset: Reset::Hard(0.0),
    detach_reset: false,
    surrogate: Surrogate::ATan(ATan { alpha: 2.0, spiking: true }),
    spiking: true,
};
const LIF: Lif<f32> = Lif { tau: 2.0, decay_input: true, rest: 0.0 };
const PLIF: Plif<f32> = Plif { q: 0.5, decay_input: true, rest: 0.0 };

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

    fn forward(&mut self, charge: &impl Charge<f32>, fire: &Fire<f32>, x: Option<&[f32]>) {
        let x = x.map_or(Input::Sequence(&self.x), Input::Static);
        let out = ForwardOut { spikes: &mut self.spikes, v: &mut self.v, v_seq: None };
        forward(charge, fire, STEPS, x, None, out).expect("buffers of the right size");
    }

    fn backward(&mut self, charge: &impl Charge<f32>, fire: &Fire<f32>) {
        let out = BackwardOut { x: Some(&mut self.grad_x), v0: None };
        let x = Input::Sequence(&self.x);
        let params = backward(charge, fire, STEPS, NEURONS, x, None, Some(&self.grad_spikes), None, out);
        black_box(params.expect("buffers of the right size"));
    }
}

fn neuron(c: &mut Criterion) {
    let mut sets: Vec<Data> = (0..SETS).map(Data::new).collect();
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
        bench("forward lif", &mut |d| d.forward(&LIF, &FIRE, None));
        bench("forward plif", &mut |d| d.forward(&PLIF, &FIRE, None));
        bench("forward if, soft reset", &mut |d| d.forward(&If, &Fire { reset: Reset::Soft, ..FIRE }, None));
        bench("forward lif, static input", &mut |d| d.forward(&LIF, &FIRE, Some(&one_step)));
        bench("add x and grad to grad_x", &mut |d| {
            let rows = d.grad_x.par_chunks_mut(share).zip(d.x.par_chunks(share)).zip(d.grad_spikes.par_chunks(share));
            rows.for_each(|((to, x), grad)| to.iter_mut().zip(x).zip(grad).for_each(|((to, x), grad)| *to = x + grad));
        });
        bench("backward lif atan", &mut |d| d.backward(&LIF, &FIRE));
        bench("backward lif sigmoid", &mut |d| d.backward(&LIF, &Fire { surrogate: Sigmoid::default().into(), ..FIRE }));
        bench("backward plif atan", &mut |d| d.backward(&PLIF, &FIRE));
        bench("forward and backward lif atan", &mut |d| {
            d.forward(&LIF, &FIRE, None);
            d.backward(&LIF, &FIRE);
        });
        bench("dropout mask", &mut |d| dropout_mask(0, 1, 2, 0.5, &mut d.spikes).expect("p in [0, 1)"));
        group.finish();
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(30); targets = neuron }
criterion_main!(benches);
