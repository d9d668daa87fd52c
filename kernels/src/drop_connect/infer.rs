//! The masked layer in evaluation. In: rows and weights; out: the mean of its outputs over masks, with their sum taken as normally
//! distributed.

use pulp::Arch;

use super::normal::normals;
use super::train::total;
use super::{Blocks, DropConnectSizes, Weights};
use crate::activation::Activation;
use crate::arch::vectorised;
use crate::error::{Error, check_len};
use crate::lanes::{LANES, lanes};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// How the mean is taken.
#[derive(Clone, Copy, Debug)]
pub struct Inference<'a, F> {
    /// The share of connections that is dropped.
    pub p: f64,
    /// How many numbers stand for the masks.
    pub samples_num: usize,
    /// Where they come from.
    pub noise: Noise<'a, F>,
}

/// Standard normal numbers.
#[derive(Clone, Copy, Debug)]
pub enum Noise<'a, F> {
    /// From Philox: those of output o of row n of a step are counted as the masks of a [`super::MaskSource::Drawn`] are.
    Drawn {
        /// The key.
        seed: u64,
        /// Say, the layer.
        stream: u32,
        /// One draw per step.
        of_step: &'a [u32],
    },
    /// `[steps, samples_num, samples, outputs]`, from elsewhere.
    Given(&'a [F]),
}

/// y = mean over s of activation(mu + sigma z\[s\]) with mu = (1 - p) (W x + b), sigma^2 = p (1 - p) (W^2 x^2 + b^2). Where sigma is 0 that is
/// activation(mu).
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes, [`Error::Probability`] unless 0 <= p < 1.
pub fn drop_connect_infer<F: Real>(
    weights: &Weights<'_, F>,
    inference: &Inference<'_, F>,
    activation: Activation,
    sizes: DropConnectSizes,
    x: &[F],
    y: &mut [F],
) -> Result<(), Error> {
    infer_on(Arch::new(), weights, inference, activation, sizes, x, y)
}

pub(crate) fn infer_on<F: Real>(
    arch: Arch,
    weights: &Weights<'_, F>,
    inference: &Inference<'_, F>,
    activation: Activation,
    sizes: DropConnectSizes,
    x: &[F],
    y: &mut [F],
) -> Result<(), Error> {
    let DropConnectSizes { steps, inputs, outputs, .. } = sizes;
    sizes.check(weights, x)?;
    check_len("y", sizes.rows() * outputs, y.len())?;
    if !(0.0..1.0).contains(&inference.p) {
        return Err(Error::Probability(inference.p));
    }
    match inference.noise {
        Noise::Drawn { of_step, .. } => check_len("noise.of_step", steps, of_step.len())?,
        Noise::Given(z) => check_len("noise", inference.samples_num * y.len(), z.len())?,
    }
    let (weights, inference) = (*weights, *inference);
    let blocks = Blocks { inputs, bias: weights.b.is_some() };
    let y = Columns::new(y, outputs);
    map_tiles(sizes.rows() * outputs, 16, inputs + 4 * inference.samples_num, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || {
                for (row, output) in tile.clone().map(|i| (i / outputs, i % outputs)) {
                    let (x, w) = (&x[row * inputs..][..inputs], &weights.w[output * inputs..][..inputs]);
                    let b = weights.b.map_or(F::ZERO, |b| b[output]);
                    let (mut sum, mut squares) = ([F::ZERO; LANES], [F::ZERO; LANES]);
                    for j in 0..blocks.count() {
                        let (x, w) = (blocks.load(x, F::ONE, j), blocks.load(w, b, j));
                        sum = lanes(|k| sum[k] + w[k] * x[k]);
                        squares = lanes(|k| squares[k] + (w[k] * x[k]) * (w[k] * x[k]));
                    }
                    let mu = F::of(1.0 - inference.p) * total(sum);
                    let variance = inference.p * (1.0 - inference.p) * total(squares).to_f64();
                    // SAFETY: each output is taken once.
                    let y = unsafe { &mut y.row(row, output..output + 1)[0] };
                    *y = if variance == 0.0 {
                        activation.apply(mu)
                    } else {
                        inference.mean(activation, sizes, [row, output], mu, F::of(variance.sqrt()))
                    };
                }
            },
        );
    });
    Ok(())
}

impl<F: Real> Inference<'_, F> {
    #[inline(always)]
    fn mean(&self, activation: Activation, sizes: DropConnectSizes, [row, output]: [usize; 2], mu: F, sigma: F) -> F {
        let mut sum = [F::ZERO; LANES];
        for j in 0..self.samples_num.div_ceil(LANES) {
            let z = self.noise(sizes, [row, output, j]);
            if (j + 1) * LANES <= self.samples_num {
                sum = lanes(|k| sum[k] + activation.apply(mu + sigma * z[k]));
            } else {
                for k in 0..self.samples_num - j * LANES {
                    sum[k] = sum[k] + activation.apply(mu + sigma * z[k]);
                }
            }
        }
        total(sum) * F::of(1.0 / self.samples_num as f64)
    }

    /// Block `j` of the numbers of an output.
    #[inline(always)]
    fn noise(&self, sizes: DropConnectSizes, [row, output, j]: [usize; 3]) -> [F; LANES] {
        let (t, n) = (row / sizes.samples, row % sizes.samples);
        match self.noise {
            Noise::Drawn { seed, stream, of_step } => {
                let z = normals(seed, [(n * sizes.outputs + output) as u32, of_step[t], stream], j);
                lanes(|k| F::of(f64::from(z[k])))
            }
            Noise::Given(z) => lanes(|k| {
                let s = j * LANES + k;
                let at = ((t * self.samples_num + s) * sizes.samples + n) * sizes.outputs + output;
                if s < self.samples_num { z[at] } else { F::ZERO }
            }),
        }
    }
}
