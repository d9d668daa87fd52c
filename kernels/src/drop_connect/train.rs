//! The masked layer. In: rows, weights, masks; out: activations of the masked sums, and gradients the way back.

use pulp::Arch;

use super::{Blocks, DropConnectSizes, Masks, Weights};
use crate::activation::Activation;
use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt};
use crate::lanes::{LANES, lanes};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Work of one connection in elements of other kernels: most of it is Philox.
const WORK: usize = 4;

/// y\[t, n\] = activation((W * mask) x\[t, n\] + b * mask), each sample of each step under its own mask; nothing is scaled up for what is
/// dropped.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes, [`Error::Probability`] unless 0 <= p < 1.
pub fn drop_connect<F: Real>(
    weights: &Weights<'_, F>,
    masks: &Masks<'_, F>,
    activation: Activation,
    sizes: DropConnectSizes,
    x: &[F],
    y: &mut [F],
) -> Result<(), Error> {
    forward_on(Arch::new(), weights, masks, activation, sizes, x, y)
}

pub(crate) fn forward_on<F: Real>(
    arch: Arch,
    weights: &Weights<'_, F>,
    masks: &Masks<'_, F>,
    activation: Activation,
    sizes: DropConnectSizes,
    x: &[F],
    y: &mut [F],
) -> Result<(), Error> {
    let DropConnectSizes { inputs, outputs, .. } = sizes;
    sizes.check(weights, x)?;
    masks.check(sizes, weights.b.is_some())?;
    check_len("y", sizes.rows() * outputs, y.len())?;
    let blocks = Blocks { inputs, bias: weights.b.is_some() };
    let (weights, masks) = (*weights, *masks);
    let y = Columns::new(y, outputs);
    map_tiles(sizes.rows() * outputs, 16, inputs * WORK, &|| (), &|(), tile| {
        vectorised(
            arch,
            #[inline(always)]
            || {
                for (row, output) in tile.clone().map(|i| (i / outputs, i % outputs)) {
                    let (x, w) = (&x[row * inputs..][..inputs], &weights.w[output * inputs..][..inputs]);
                    let b = weights.b.map_or(F::ZERO, |b| b[output]);
                    let mut sum = [F::ZERO; LANES];
                    for j in 0..blocks.count() {
                        let (x, w) = (blocks.load(x, F::ONE, j), blocks.load(w, b, j));
                        let kept = masks.keep(sizes, blocks, [row, output, j], lanes(|k| w[k] * x[k]));
                        sum = lanes(|k| sum[k] + kept[k]);
                    }
                    // SAFETY: each output is taken once.
                    unsafe { y.row(row, output..output + 1)[0] = activation.apply(total(sum)) };
                }
            },
        );
    });
    Ok(())
}

/// In halves, the same way in every vector width.
#[inline(always)]
pub(super) fn total<F: Real>(mut sum: [F; LANES]) -> F {
    let mut half = LANES / 2;
    while half > 0 {
        for k in 0..half {
            sum[k] = sum[k] + sum[k + half];
        }
        half /= 2;
    }
    sum[0]
}

/// Where [`drop_connect_backward`] writes; `None` is not computed.
#[derive(Debug)]
pub struct DropConnectGrads<'a, F> {
    /// `[steps, samples, inputs]`
    pub x: Option<&'a mut [F]>,
    /// `[outputs, inputs]`, summed over all rows.
    pub w: Option<&'a mut [F]>,
    /// `[outputs]`, summed over all rows; computed if `w` is.
    pub b: Option<&'a mut [F]>,
}

/// The gradients of a [`drop_connect`] call that gave `y`; `grad` is that of y. Computes the masks anew, for x and for the weights.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit the sizes, [`Error::Probability`] unless 0 <= p < 1.
#[allow(clippy::too_many_arguments, reason = "those of the forward pass, and gradients")]
pub fn drop_connect_backward<F: Real>(
    weights: &Weights<'_, F>,
    masks: &Masks<'_, F>,
    activation: Activation,
    sizes: DropConnectSizes,
    x: &[F],
    y: &[F],
    grad: &[F],
    out: DropConnectGrads<'_, F>,
) -> Result<(), Error> {
    backward_on(Arch::new(), weights, masks, activation, sizes, x, y, grad, out)
}

#[allow(clippy::too_many_arguments, reason = "as above")]
pub(crate) fn backward_on<F: Real>(
    arch: Arch,
    weights: &Weights<'_, F>,
    masks: &Masks<'_, F>,
    activation: Activation,
    sizes: DropConnectSizes,
    x: &[F],
    y: &[F],
    grad: &[F],
    out: DropConnectGrads<'_, F>,
) -> Result<(), Error> {
    let DropConnectSizes { inputs, outputs, .. } = sizes;
    sizes.check(weights, x)?;
    masks.check(sizes, weights.b.is_some())?;
    check_len("y", sizes.rows() * outputs, y.len())?;
    check_len("grad", sizes.rows() * outputs, grad.len())?;
    check_opt("out.x", x.len(), out.x.as_deref())?;
    check_opt("out.w", weights.w.len(), out.w.as_deref())?;
    check_opt("out.b", outputs, out.b.as_deref())?;
    let inner: Vec<F> = y.iter().zip(grad).map(|(&y, &grad)| grad * activation.derivative(y)).collect();
    let pass = Backward { blocks: Blocks { inputs, bias: weights.b.is_some() }, weights: *weights, masks: *masks, sizes, x, inner: &inner };
    if let Some(grad_x) = out.x {
        let grad_x = Columns::new(grad_x, inputs);
        map_tiles(sizes.rows(), 1, inputs * outputs * WORK, &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for row in tile.clone() {
                        // SAFETY: each row is taken once.
                        pass.x(row, unsafe { grad_x.row(row, 0..inputs) });
                    }
                },
            );
        });
    }
    if let Some(grad_w) = out.w {
        let (grad_w, grad_b) = (Columns::new(grad_w, inputs), out.b.map(|b| Columns::new(b, outputs)));
        map_tiles(outputs, 1, inputs * sizes.rows() * WORK, &|| (), &|(), tile| {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    for output in tile.clone() {
                        // SAFETY: each output's weights are taken once.
                        let bias = pass.w(output, unsafe { grad_w.row(output, 0..inputs) });
                        if let Some(grad_b) = &grad_b {
                            // SAFETY: as above.
                            unsafe { grad_b.row(0, output..output + 1)[0] = bias };
                        }
                    }
                },
            );
        });
    }
    Ok(())
}

struct Backward<'a, F> {
    blocks: Blocks,
    weights: Weights<'a, F>,
    masks: Masks<'a, F>,
    sizes: DropConnectSizes,
    x: &'a [F],
    /// `[steps, samples, outputs]`: the gradient of the masked sums. Where it is 0, as behind a relu, no mask is computed.
    inner: &'a [F],
}

impl<F: Real> Backward<'_, F> {
    /// One row of dL/dx.
    #[inline(always)]
    fn x(&self, row: usize, out: &mut [F]) {
        let DropConnectSizes { inputs, outputs, .. } = self.sizes;
        for j in 0..self.blocks.count() {
            let mut sum = [F::ZERO; LANES];
            for output in 0..outputs {
                let g = self.inner[row * outputs + output];
                if g != F::ZERO {
                    let w = self.blocks.load(&self.weights.w[output * inputs..][..inputs], F::ZERO, j);
                    let kept = self.masks.keep(self.sizes, self.blocks, [row, output, j], w);
                    sum = lanes(|k| sum[k] + g * kept[k]);
                }
            }
            self.blocks.store(&sum, out, j);
        }
    }

    /// One output's dL/dw; returns its dL/db.
    #[inline(always)]
    fn w(&self, output: usize, out: &mut [F]) -> F {
        let DropConnectSizes { inputs, outputs, .. } = self.sizes;
        let mut bias = F::ZERO;
        for j in 0..self.blocks.count() {
            let mut sum = [F::ZERO; LANES];
            for row in 0..self.sizes.rows() {
                let g = self.inner[row * outputs + output];
                if g != F::ZERO {
                    let x = self.blocks.load(&self.x[row * inputs..][..inputs], F::ONE, j);
                    let kept = self.masks.keep(self.sizes, self.blocks, [row, output, j], x);
                    sum = lanes(|k| sum[k] + g * kept[k]);
                }
            }
            bias = self.blocks.store(&sum, out, j).unwrap_or(bias);
        }
        bias
    }
}
