//! A max pool over planes as one node of the graph. In: `[N, C, H, W]`; out: `[N, C, H', W']`.
//!
//! For the backward pass a byte is kept of each window, where in it the maximum was; x is not.

use snn_kernels::{PoolSizes, max_pool, max_pool_backward};
use tch::Tensor;

use crate::autograd::{Save, attach, recorded};
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind};
use crate::error::{Error, Result};

/// The pool of `x`, on the CPU, with `sizes` of its planes.
pub(crate) fn pooled(layer: &str, x: &Tensor, sizes: PoolSizes) -> Result<Tensor> {
    in_its_kind!(layer, x, F => run::<F>(layer, x, sizes))
}

fn run<F: Elements>(layer: &str, x: &Tensor, sizes: PoolSizes) -> Result<Tensor> {
    let from = x.size();
    let axes = from.len() - 2;
    let mut y = Fresh::<F>::new(layer, &[&from[..axes], &sizes.output.map(|n| n as i64)[..]].concat())?;
    let windows = y.elements().len();
    let recorded = recorded(&[x]);
    let mut places = vec![0; if recorded { windows } else { 0 }];
    let wanted = recorded.then_some(&mut places[..]);
    max_pool(sizes, F::slice(layer, &dense(layer, x)?)?, y.elements(), wanted).map_err(|e| Error::bug(layer, e))?;
    let y = y.into_tensor();
    if !recorded {
        return Ok(y);
    }
    let name = layer.to_string();
    let save: [Save<'_>; 0] = [];
    let made = attach("MaxPool", &[x], vec![y], &save, move |b| {
        let Some(grad) = dense_as::<F>(&name, b.grads[0].as_ref())? else { return Ok(vec![None]) };
        let mut grad_x = Fresh::<F>::new(&name, &from)?;
        max_pool_backward(sizes, &places, F::slice(&name, &grad)?, grad_x.elements())?;
        Ok(vec![Some(grad_x.into_tensor())])
    });
    made.map_err(Error::in_layer(layer))?.into_iter().next().ok_or_else(|| Error::bug(layer, "the graph lost its output"))
}
