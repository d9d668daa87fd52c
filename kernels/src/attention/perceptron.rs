//! The perceptron behind a temporal or channel gate, for a batch. In: mean and maximum per sample; out: gates, and gradients the way back.

use pulp::Arch;

use super::Perceptron;
use crate::arch::vectorised;
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Independent sums of a dot product.
const SUMS: usize = 16;

#[inline(always)]
fn dot<F: Real>(a: &[F], b: &[F]) -> F {
    let mut sums = [F::ZERO; SUMS];
    let (a, b) = (a.chunks(SUMS), b.chunks(SUMS));
    for (a, b) in a.zip(b) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = *sum + a * b;
        }
    }
    sums.into_iter().fold(F::ZERO, |total, sum| total + sum)
}

/// `to += scale * from`
#[inline(always)]
fn add<F: Real>(to: &mut [F], scale: F, from: &[F]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = *to + scale * from;
    }
}

fn positive<F: Real>(x: F) -> F {
    if x < F::ZERO { F::ZERO } else { x }
}

/// Gradients of the weights, and of mean and maximum.
pub(super) struct Gradients<F> {
    pub(super) w1: Vec<F>,
    pub(super) w2: Vec<F>,
    /// `[samples, size]`
    pub(super) mean: Vec<F>,
    pub(super) max: Vec<F>,
}

impl<F: Real> Perceptron<'_, F> {
    fn hidden(&self, size: usize) -> usize {
        self.w1.len() / size.max(1)
    }

    /// max(w1 v, 0)
    #[inline(always)]
    fn first(&self, v: &[F], hidden: &mut [F]) {
        for (h, w) in hidden.iter_mut().zip(self.w1.chunks(v.len())) {
            *h = positive(dot(w, v));
        }
    }

    /// sigmoid(P(mean) + P(max)) of each of the `[samples, size]`.
    pub(super) fn gates(&self, arch: Arch, size: usize, mean: &[F], max: &[F]) -> Vec<F> {
        let hidden = self.hidden(size);
        let mut gates = vec![F::ZERO; mean.len()];
        let out = Columns::new(&mut gates, size);
        let scratch = || [vec![F::ZERO; hidden], vec![F::ZERO; hidden]];
        map_tiles(mean.len() / size.max(1), 1, 4 * self.w1.len(), &scratch, &|[of_mean, of_max], samples| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for n in samples.clone() {
                        self.first(&mean[n * size..][..size], of_mean);
                        self.first(&max[n * size..][..size], of_max);
                        add(of_mean, F::ONE, of_max);
                        // SAFETY: each sample takes its row once.
                        let out = unsafe { out.row(n, 0..size) };
                        for (gate, w) in out.iter_mut().zip(self.w2.chunks(hidden)) {
                            *gate = dot(w, of_mean).sigmoid();
                        }
                    }
                },
            );
        });
        gates
    }

    /// The way back through [`gates`](Perceptron::gates) from the gradients of its result.
    pub(super) fn backward(&self, arch: Arch, size: usize, mean: &[F], max: &[F], gates: &[F], grad: &[F]) -> Gradients<F> {
        let (hidden, samples) = (self.hidden(size), mean.len() / size.max(1));
        let zeros = |n: usize| vec![F::ZERO; n];
        let mut out = Gradients { w1: zeros(self.w1.len()), w2: zeros(self.w2.len()), mean: zeros(mean.len()), max: zeros(max.len()) };
        // Per sample: the gradient before the sigmoid, the hidden layer's sum over mean and max, and its gradient for each.
        let [mut outer, mut both] = [zeros(mean.len()), zeros(samples * hidden)];
        let [mut inner_mean, mut inner_max] = [zeros(samples * hidden), zeros(samples * hidden)];
        {
            let [outer, grad_mean, grad_max] = [&mut outer, &mut out.mean, &mut out.max].map(|v| Columns::new(v, size));
            let [both, inner_mean, inner_max] = [&mut both, &mut inner_mean, &mut inner_max].map(|v| Columns::new(v, hidden));
            map_tiles(samples, 1, 8 * self.w1.len(), &|| (), &|(), tile| {
                vectorised(
                    arch,
                    #[inline(always)]
                    || {
                        for n in tile.clone() {
                            let of = n * size..(n + 1) * size;
                            // SAFETY: each sample takes its rows once.
                            let (outer, both) = unsafe { (outer.row(n, 0..size), both.row(n, 0..hidden)) };
                            for (o, (&g, &grad)) in outer.iter_mut().zip(gates[of.clone()].iter().zip(&grad[of.clone()])) {
                                *o = grad * g * (F::ONE - g);
                            }
                            for (inner, v, grad) in [(&inner_mean, mean, &grad_mean), (&inner_max, max, &grad_max)] {
                                // SAFETY: as above.
                                let (inner, grad) = unsafe { (inner.row(n, 0..hidden), grad.row(n, 0..size)) };
                                let mut first = vec![F::ZERO; hidden];
                                self.first(&v[of.clone()], &mut first);
                                add(both, F::ONE, &first);
                                for (&o, w) in outer.iter().zip(self.w2.chunks(hidden)) {
                                    add(inner, o, w);
                                }
                                for (inner, &h) in inner.iter_mut().zip(&first) {
                                    *inner = if h > F::ZERO { *inner } else { F::ZERO };
                                }
                                for (&i, w) in inner.iter().zip(self.w1.chunks(size)) {
                                    add(grad, i, w);
                                }
                            }
                        }
                    },
                );
            });
        }
        // Sums over samples, one row of weights per tile.
        let (w1, w2) = (Columns::new(&mut out.w1, size), Columns::new(&mut out.w2, hidden));
        map_tiles(hidden + size, 1, 2 * samples * size.max(hidden), &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for i in tile.clone() {
                        for n in 0..samples {
                            if i < hidden {
                                // SAFETY: each row is one tile's, which drops the slice before it takes it again.
                                let row = unsafe { w1.row(i, 0..size) };
                                add(row, inner_mean[n * hidden + i], &mean[n * size..][..size]);
                                add(row, inner_max[n * hidden + i], &max[n * size..][..size]);
                            } else {
                                // SAFETY: as above.
                                let row = unsafe { w2.row(i - hidden, 0..hidden) };
                                add(row, outer[n * size + i - hidden], &both[n * hidden..][..hidden]);
                            }
                        }
                    }
                },
            );
        });
        out
    }
}
