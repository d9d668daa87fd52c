//! The convolution behind the spatial gate. In: two planes per sample, mean and maximum; out: gates, and gradients the way back.

use std::ops::Range;

use pulp::Arch;

use super::Planes;
use crate::arch::vectorised;
use crate::par::{Columns, map_tiles};
use crate::real::Real;

impl<F: Real> Planes<'_, F> {
    /// Calls `f` for every weight with each row that it connects: number of the weight, where the row's output starts, where its input
    /// starts in the two planes, and its length.
    #[inline(always)]
    fn each(&self, height: usize, width: usize, mut f: impl FnMut(usize, usize, usize, usize)) {
        let (k, pad) = (self.kernel, self.kernel / 2);
        // Outputs whose input, `shift - pad` away, is inside.
        let inside = |shift: usize, len: usize| -> Range<usize> { pad.saturating_sub(shift)..len.min((len + pad).saturating_sub(shift)) };
        for (plane, (i, j)) in (0..2).flat_map(|plane| (0..k * k).map(move |w| (plane, (w / k, w % k)))) {
            let columns = inside(j, width);
            for y in inside(i, height) {
                let from = plane * height * width + (y + i - pad) * width + columns.start + j - pad;
                f((plane * k + i) * k + j, y * width + columns.start, from, columns.len());
            }
        }
    }

    /// sigmoid(convolution) of `planes` (`[samples, 2, height, width]`): `[samples, height, width]`.
    pub(super) fn gates(&self, arch: Arch, height: usize, width: usize, planes: &[F]) -> Vec<F> {
        let pixels = height * width;
        let mut gates = vec![F::ZERO; planes.len() / 2];
        let out = Columns::new(&mut gates, pixels);
        map_tiles(planes.len() / (2 * pixels).max(1), 1, pixels * self.w.len(), &|| (), &|(), samples| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for n in samples.clone() {
                        // SAFETY: each sample takes its row once.
                        let out = unsafe { out.row(n, 0..pixels) };
                        let planes = &planes[2 * n * pixels..][..2 * pixels];
                        self.each(height, width, |w, to, from, len| {
                            for (to, &from) in out[to..][..len].iter_mut().zip(&planes[from..][..len]) {
                                *to = *to + self.w[w] * from;
                            }
                        });
                        out.iter_mut().for_each(|x| *x = x.sigmoid());
                    }
                },
            );
        });
        gates
    }

    /// The way back through [`gates`](Planes::gates): gradients of the planes, and of the weights in `f64`.
    pub(super) fn backward(&self, arch: Arch, height: usize, width: usize, planes: &[F], gates: &[F], grad: &[F]) -> (Vec<F>, Vec<f64>) {
        let pixels = height * width;
        let mut grad_planes = vec![F::ZERO; planes.len()];
        let out = Columns::new(&mut grad_planes, 2 * pixels);
        let samples = planes.len() / (2 * pixels).max(1);
        let sums = map_tiles(samples, 1, 2 * pixels * self.w.len(), &|| vec![F::ZERO; pixels], &|outer, samples| {
            let mut sums = vec![0.0; self.w.len()];
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for n in samples.clone() {
                        let of = n * pixels..(n + 1) * pixels;
                        for (o, (&g, &grad)) in outer.iter_mut().zip(gates[of.clone()].iter().zip(&grad[of])) {
                            *o = grad * g * (F::ONE - g);
                        }
                        // SAFETY: each sample takes its row once.
                        let out = unsafe { out.row(n, 0..2 * pixels) };
                        let planes = &planes[2 * n * pixels..][..2 * pixels];
                        self.each(height, width, |w, to, from, len| {
                            let (outer, mut sum) = (&outer[to..][..len], F::ZERO);
                            for ((out, &from), &o) in out[from..][..len].iter_mut().zip(&planes[from..][..len]).zip(outer) {
                                *out = *out + self.w[w] * o;
                                sum = sum + from * o;
                            }
                            sums[w] += sum.to_f64();
                        });
                    }
                },
            );
            sums
        });
        let total = |w: usize| sums.iter().map(|tile| tile[w]).sum();
        (grad_planes, (0..self.w.len()).map(total).collect())
    }
}
