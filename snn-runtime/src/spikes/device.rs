//! A linear map of spikes on a CUDA device. In: `[rows, in]` there; out: sums of the rows of the weight that spike, or nothing where a dense
//! product does as well.
//!
//! Which it is, is decided by the share of ones, as on the CPU, but not in each call: to know it, one has to wait for the device. The first call
//! of a layer reads it, then every 64th, and the first one after a checkpoint; the calls in between do the same as that one. So a run depends on its
//! seed and its checkpoints alone, not on how fast the device was. The sums are right for any numbers, also where what was read holds no longer.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Once};

use snn_kernels::Channels;
use snn_kernels::cuda::{
    Element, PACK_SPIKES, PackSpikesArguments, SPIKE_PRODUCT, SpikeProductArguments, SpikesKernel, TRANSPOSE_BITS, TransposeBitsArguments,
};
use tch::{Device, Kind, Tensor};

use super::Map;
use crate::autograd::{Save, attach_one, recorded};
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};
use crate::rng;

/// Calls between two in which the share of ones is read.
const EVERY: u32 = 64;

/// The largest share of ones at which sums of rows are taken. Reckoned, not measured: per element of the product a dense one does two
/// operations, of which an H100 has 67 T/s in F32 and F64, and ten times as many with 16-bit elements; the sums read 4 bytes per one from shared
/// memory, of which it has 30 TB/s.
fn most_ones(element: Element) -> f64 {
    match element {
        Element::F32 | Element::F64 => 0.1,
        Element::F16 | Element::Bf16 => 0.01,
    }
}

/// Counts the saves of a run and the returns to one.
static SAVES: AtomicU64 = AtomicU64::new(0);

/// Every layer reads in its next call. What it does is no part of a checkpoint: a run that goes on from one begins with reading, and so does the one that
/// was saved.
pub(crate) fn read_again() {
    SAVES.fetch_add(1, Relaxed);
}

/// What a layer does on a device, in training and else: a run does not depend on what is evaluated in between.
#[derive(Debug)]
pub(crate) struct Pick {
    training: Choice,
    evaluation: Choice,
    told: Once,
}

impl Pick {
    pub(crate) const fn new() -> Pick {
        Pick { training: Choice::new(), evaluation: Choice::new(), told: Once::new() }
    }

    fn of(&self, train: bool) -> &Choice {
        if train { &self.training } else { &self.evaluation }
    }
}

/// One or the other, until it is read again.
#[derive(Debug)]
struct Choice {
    calls: AtomicU32,
    saves: AtomicU64,
    sums: AtomicBool,
}

impl Choice {
    const fn new() -> Choice {
        Choice { calls: AtomicU32::new(0), saves: AtomicU64::new(0), sums: AtomicBool::new(false) }
    }

    /// Counts a call: is it one that reads? Of a block under `#[checkpoint]` that runs again it is not, nor is it counted.
    fn reads(&self) -> bool {
        if rng::replaying() {
            return false;
        }
        let saves = SAVES.load(Relaxed);
        if self.saves.swap(saves, Relaxed) != saves {
            self.calls.store(0, Relaxed);
        }
        self.calls.fetch_add(1, Relaxed).is_multiple_of(EVERY)
    }
}

/// Spikes as two bits each: is it 1, is it another number than 0 and 1.
struct Packed {
    /// What was packed.
    x: Tensor,
    ones: Tensor,
    others: Tensor,
    /// Are the bits those of x's transpose?
    turned: bool,
}

impl Map {
    pub(super) fn run_on(
        self,
        on: &Launcher<'_>,
        pick: &Pick,
        train: bool,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Option<Tensor>> {
        let layer = self.layer.clone();
        let choice = pick.of(train);
        let reads = choice.reads();
        if !reads && !choice.sums.load(Relaxed) {
            return Ok(None);
        }
        let packed = self.pack(on, on.dense(x, on.kind)?, reads.then_some(choice))?;
        if !choice.sums.load(Relaxed) {
            return Ok(None);
        }
        on.tell(&pick.told, "sums of rows that spike");
        let transposed = on.dense(&weight.f_tr().map_err(Error::in_layer(&layer))?, on.kind)?;
        let bias_dense = on.dense_opt(bias, on.kind)?;
        let out = [&x.size()[..x.dim() - 1], &[self.outputs]].concat();
        let y = self.product(on, &packed, [self.rows, self.inputs], &transposed, bias_dense.as_ref(), &out)?;
        let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
        if !recorded(&inputs) {
            return Ok(Some(y));
        }
        let (sizes, kind) = (x.size(), on.kind);
        let save = [Save::Tensor(weight), Save::Tensor(&packed.x), Save::Tensor(&packed.ones), Save::Tensor(&packed.others)];
        let map = Arc::new(self);
        let made = attach_one(&layer, "SpikesLinear", &inputs, y, &save, move |b| {
            let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
            let [Some(weight), Some(x), Some(ones), Some(others)] = &b.saved[..] else { return Err("its spikes were not saved".into()) };
            let on = Launcher::at(&map.layer, x, kind)?;
            let grad = on.dense(grad, kind)?.f_view([map.rows, map.outputs])?;
            let of_x = b.needs[0].then(|| grad.f_matmul(weight)?.f_view(&sizes[..])).transpose()?;
            let packed = Packed { x: x.shallow_clone(), ones: ones.shallow_clone(), others: others.shallow_clone(), turned: false };
            let of_weight = b.needs[1].then(|| map.gradient_of_weight_on(&on, &packed, &grad)).transpose()?;
            let of_bias = b.needs.get(2).map(|needed| needed.then(|| grad.f_sum_dim_intlist(0, false, None)).transpose()).transpose()?;
            Ok([of_x, of_weight].into_iter().chain(of_bias).collect())
        });
        made.map(Some)
    }

    /// The bits of x; `choice` is told what there are of them, if it is given.
    fn pack(&self, on: &Launcher<'_>, x: Tensor, choice: Option<&Choice>) -> Result<Packed> {
        let kernel = SpikesKernel { element: on.element };
        let (rows, columns) = (self.rows as usize, self.inputs as usize);
        let fresh = || on.fresh(&[self.rows, SpikesKernel::words(columns) as i64], Kind::Int);
        let (ones, others, grid) = (fresh()?, fresh()?, kernel.pack(rows, columns));
        let counts = on.fresh(&[2, grid[0] as i64], on.compute())?;
        let call = PackSpikesArguments {
            x: address(&x),
            ones: address(&ones),
            others: address(&others),
            counts: address(&counts),
            rows: rows as u32,
            columns: columns as u32,
            wide: on.wide(columns, [address(&x)]),
            padding: 0,
        };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernel.source(), PACK_SPIKES, grid, call) }?;
        if let Some(choice) = choice {
            let sums = on.sums(&counts, 2, grid[0], Channels::ONE)?;
            let sums = sums.f_to_device(Device::Cpu).and_then(|t| Vec::<f64>::try_from(t.f_reshape([-1])?));
            let [ones, others] = sums.map_err(Error::in_layer(&self.layer))?[..] else { return Err(Error::bug(&self.layer, "no counts")) };
            let rate = ones / (rows * columns).max(1) as f64;
            choice.sums.store(others == 0.0 && rate <= most_ones(on.element), Relaxed);
            tracing::trace!(layer = self.layer, rate, others, "what arrives");
        }
        Ok(Packed { x, ones, others, turned: false })
    }

    /// A product `[rows, columns]`, of sizes `out`, from bits `[rows, along]`.
    fn product(
        &self,
        on: &Launcher<'_>,
        packed: &Packed,
        [rows, along]: [i64; 2],
        dense: &Tensor,
        first: Option<&Tensor>,
        out: &[i64],
    ) -> Result<Tensor> {
        let (kernel, columns) = (SpikesKernel { element: on.element }, dense.size()[1] as usize);
        let strides = if packed.turned { [1, self.inputs as u64] } else { [self.inputs as u64, 1] };
        let out = on.fresh(out, on.kind)?;
        let read = [Some(dense), Some(&out), first].into_iter().flatten();
        let call = SpikeProductArguments {
            ones: address(&packed.ones),
            others: address(&packed.others),
            x: address(&packed.x),
            dense: address(dense),
            first: first.map_or(0, address),
            out: address(&out),
            strides,
            rows: rows as u32,
            along: along as u32,
            columns: columns as u32,
            wide: on.wide(columns, read.map(address)),
        };
        // SAFETY: as above.
        unsafe { on.call(&kernel.source(), SPIKE_PRODUCT, kernel.product(rows as usize, columns), call) }?;
        Ok(out)
    }

    /// The product of the transposed bits and `grad`, transposed.
    fn gradient_of_weight_on(&self, on: &Launcher<'_>, packed: &Packed, grad: &Tensor) -> Result<Tensor> {
        let (kernel, rows, columns) = (SpikesKernel { element: on.element }, self.rows as usize, self.inputs as usize);
        let turn = |from: &Tensor| -> Result<Tensor> {
            let to = on.fresh(&[self.inputs, SpikesKernel::words(rows) as i64], Kind::Int)?;
            let call = TransposeBitsArguments { from: address(from), to: address(&to), rows: rows as u32, columns: columns as u32 };
            // SAFETY: as above.
            unsafe { on.call(&kernel.source(), TRANSPOSE_BITS, kernel.transpose(rows, columns), call) }?;
            Ok(to)
        };
        let turned = Packed { x: packed.x.shallow_clone(), ones: turn(&packed.ones)?, others: turn(&packed.others)?, turned: true };
        let out = self.product(on, &turned, [self.inputs, self.rows], grad, None, &[self.inputs, self.outputs])?;
        on.dense(&out.f_tr().map_err(Error::in_layer(&self.layer))?, on.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::{EVERY, Pick, read_again};

    #[test]
    fn a_run_that_goes_on_reads_in_the_calls_of_the_one_that_was_saved() {
        let (saved, resumed) = (Pick::new(), Pick::new());
        let reads = (0..2 * EVERY).filter(|_| saved.of(true).reads()).count();
        assert!(reads >= 2, "the first call, and every 64th");
        // Tests beside this one may save as well, so that a few tries may be needed.
        let alike = || {
            for _ in 0..5 {
                let _ = (saved.of(true).reads(), saved.of(false).reads());
            }
            read_again();
            let first = saved.of(true).reads() && resumed.of(true).reads();
            first && saved.of(false).reads() && (1..2 * EVERY).all(|_| saved.of(true).reads() == resumed.of(true).reads())
        };
        assert!((0..100).any(|_| alike()));
    }
}
