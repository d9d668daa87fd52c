//! A max pool over planes as one node of the graph. In: `[N, C, H, W]`; out: `[N, C, H', W']`.
//!
//! For the backward pass a byte is kept of each window, where in it the maximum was; x is not.

use std::sync::Once;

use snn_kernels::cuda::{MAX_POOL, MAX_POOL_BACKWARD, MaxPoolArguments, MaxPoolKernel};
use snn_kernels::{PoolSizes, max_pool, max_pool_backward};
use tch::{Device, Kind, Tensor};

use crate::autograd::{Save, attach_one, recorded};
use crate::cuda::{Launcher, address};
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind};
use crate::error::{Error, Result};

/// Can the kernels pool such numbers on that device?
pub(crate) fn serves(device: Device, kind: Kind) -> bool {
    match device {
        Device::Cpu => matches!(kind, Kind::Float | Kind::Double),
        Device::Cuda(_) => matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16),
        _ => false,
    }
}

/// The pool of `x` with `sizes` of its planes.
pub(crate) fn pooled(layer: &str, told: &Once, x: &Tensor, sizes: PoolSizes) -> Result<Tensor> {
    match Launcher::of(layer, x)? {
        Some(on) => {
            on.tell(told, "max pool");
            on_device(layer, &on, x, sizes)
        }
        None => in_its_kind!(layer, x, F => run::<F>(layer, x, sizes)),
    }
}

/// Sizes of the output.
fn out(x: &[i64], sizes: PoolSizes) -> Vec<i64> {
    [&x[..x.len() - 2], &sizes.output.map(|n| n as i64)[..]].concat()
}

fn run<F: Elements>(layer: &str, x: &Tensor, sizes: PoolSizes) -> Result<Tensor> {
    let from = x.size();
    let mut y = Fresh::<F>::new(layer, &out(&from, sizes))?;
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
    attach_one(layer, "MaxPool", &[x], y, &save, move |b| {
        let Some(grad) = dense_as::<F>(&name, b.grads[0].as_ref())? else { return Ok(vec![None]) };
        let mut grad_x = Fresh::<F>::new(&name, &from)?;
        max_pool_backward(sizes, &places, F::slice(&name, &grad)?, grad_x.elements())?;
        Ok(vec![Some(grad_x.into_tensor())])
    })
}

fn on_device(layer: &str, on: &Launcher<'_>, x: &Tensor, sizes: PoolSizes) -> Result<Tensor> {
    let (from, kernel) = (x.size(), MaxPoolKernel { element: on.element });
    let (x_dense, y) = (on.dense(x, on.kind)?, on.fresh(&out(&from, sizes), on.kind)?);
    let places = on.fresh_if(recorded(&[x]), &y.size(), Kind::Uint8)?;
    let paired = kernel.is_paired(sizes, [&x_dense, &y].map(address));
    let call = MaxPoolArguments {
        x: address(&x_dense),
        y: address(&y),
        places: places.as_ref().map_or(0, address),
        ..MaxPoolArguments::new(sizes, paired)
    };
    // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
    unsafe { on.call(&kernel.source(), MAX_POOL, kernel.blocks(sizes, paired), call) }?;
    let Some(places) = places else { return Ok(y) };
    let (name, kind) = (layer.to_string(), on.kind);
    attach_one(layer, "MaxPool", &[x], y, &[Save::Tensor(&places)], move |b| {
        let (Some(grad), Some(places)) = (&b.grads[0], &b.saved[0]) else { return Ok(vec![None]) };
        let on = Launcher::at(&name, places, kind)?;
        let (grad, grad_x) = (on.dense(grad, kind)?, on.fresh(&from, kind)?);
        let paired = kernel.is_paired(sizes, [&grad, &grad_x].map(address));
        let call = MaxPoolArguments {
            places: address(places),
            grad_y: address(&grad),
            grad_x: address(&grad_x),
            ..MaxPoolArguments::new(sizes, paired)
        };
        // SAFETY: as above.
        unsafe { on.call(&kernel.source(), MAX_POOL_BACKWARD, kernel.backward_blocks(sizes, paired), call) }?;
        Ok(vec![Some(grad_x)])
    })
}
