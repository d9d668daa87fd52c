//! A step of Adam. In: weights, their gradients and moments; out: weights and moments moved on, in one pass: 28 bytes of f32 per weight.

use crate::arch::vectorised;
use crate::error::{Error, check_len};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Weights per tile.
const WIDTH: usize = 1 << 12;

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// How much of each moment stays.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// The learning rate over the first moment's correction, 1 - beta1^step.
    pub step_size: f64,
    /// The root of the second moment's correction, 1 - beta2^step.
    pub root_correction: f64,
    /// This share of the weight is added to its gradient.
    pub decay: f64,
    /// This share of the weight is taken off it.
    pub shrink: f64,
}

impl AdamStep {
    /// What the formulas need: shares of the gradient, of the second moment and of the gradient's square, eps, root, size, decay, and the share
    /// of the weight that stays.
    pub fn numbers(&self) -> [f64; 8] {
        let [first, second] = self.betas;
        [1.0 - first, second, 1.0 - second, self.eps, self.root_correction, -self.step_size, self.decay, 1.0 - self.shrink]
    }
}

/// Moves weights on ("Adam: A Method for Stochastic Optimization", Kingma and Ba, ICLR 2015), in the order of PyTorch's operations.
///
/// # Errors
/// [`Error::Length`] unless all have the same length.
pub fn adam<F: Real>(step: &AdamStep, weights: &mut [F], grads: &[F], first: &mut [F], second: &mut [F]) -> Result<(), Error> {
    let len = weights.len();
    check_len("grads", len, grads.len())?;
    check_len("first", len, first.len())?;
    check_len("second", len, second.len())?;
    let [fresh, beta, fresh_square, eps, root, size, decay, keep] = step.numbers().map(F::of);
    let [weights, first, second] = [weights, first, second].map(|buffer| Columns::new(buffer, len));
    let arch = pulp::Arch::new();
    map_tiles(len, WIDTH, 1, &|| (), &|(), of| {
        // SAFETY: tiles are disjoint.
        let [w, m, v] = [&weights, &first, &second].map(|buffer| unsafe { buffer.row(0, of.clone()) });
        let grads = &grads[of];
        vectorised(
            arch,
            #[inline(always)]
            || {
                for (((w, m), v), g) in w.iter_mut().zip(m.iter_mut()).zip(v.iter_mut()).zip(grads) {
                    let g = if decay == F::ZERO { *g } else { *g + decay * *w };
                    *m = *m + fresh * (g - *m);
                    *v = *v * beta + fresh_square * g * g;
                    *w = *w * keep + size * *m / (v.sqrt() / root + eps);
                }
            },
        );
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_that_of_the_paper() {
        let step = AdamStep { betas: [0.9, 0.99], eps: 1e-3, step_size: 0.1, root_correction: 0.5, decay: 0.25, shrink: 0.125 };
        let at = |i: usize, by: f64| (i % 17) as f64 * by - 1.0;
        for len in [0, 1, WIDTH + 3] {
            let fresh = |by: f64| (0..len).map(|i| at(i, by)).collect::<Vec<f64>>();
            let (mut w, g, mut m, mut v) = (fresh(0.25), fresh(0.125), fresh(0.5), vec![0.75; len]);
            adam(&step, &mut w, &g, &mut m, &mut v).unwrap();
            for i in 0..len {
                let g = at(i, 0.125) + 0.25 * at(i, 0.25);
                let (first, second) = (0.9 * at(i, 0.5) + 0.1 * g, 0.99 * 0.75 + 0.01 * g * g);
                let want = 0.875 * at(i, 0.25) - 0.1 * first / (second.sqrt() / 0.5 + 1e-3);
                assert!((m[i] - first).abs() < 1e-15 && (v[i] - second).abs() < 1e-15 && (w[i] - want).abs() < 1e-15, "{i}");
            }
        }
        assert!(adam(&step, &mut [0.0f32; 2], &[0.0; 3], &mut [0.0; 2], &mut [0.0; 2]).is_err());
    }
}
