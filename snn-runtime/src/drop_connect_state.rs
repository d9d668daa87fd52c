//! What a `DropConnectLinear` remembers. In: masks and numbers from elsewhere, if wanted; out: where its last mask begins, and the weights
//! under it.

use snn_kernels::DropConnectSizes;
use tch::Tensor;

use crate::drop_connect::dropped;
use crate::error::{Error, Result};
use crate::state::State;

/// What `DropConnectLinear` keeps: the last mask, as a place in the random stream, and the weights it was laid on. It is visited as
/// SpikingJelly's memories `dropped_w` (`[N, out, in]`) and `dropped_b` (`[N, out]`), those weights under that mask, which are computed when
/// they are looked at; an optimiser's step in between does not change them.
///
/// Masks and numbers that were drawn elsewhere can be put in, to repeat what another library recorded; each draw then takes the first of
/// them, and an error says when there are not enough. `None`: the layer draws its own. A reset forgets the last mask alone: what was put in
/// and not yet taken stays for the steps that follow.
#[derive(Debug, Default)]
pub struct DropConnectState {
    /// `[draws, N, out, in]`: masks of 0 and 1 for the weights, one for every step, or for every reset if the layer is `invariant`.
    pub mask_w: Option<Tensor>,
    /// `[draws, N, out]`: the masks of the bias, together with `mask_w`.
    pub mask_b: Option<Tensor>,
    /// `[steps, samples_num, N, out]`: standard normal numbers for evaluation.
    pub eps: Option<Tensor>,
    pub(crate) dropped: Option<Dropped>,
}

/// The last mask and what it was laid on.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) source: Source,
    /// The draw, or the index of a mask from elsewhere.
    pub(crate) mask: u32,
    pub(crate) samples: usize,
    pub(crate) weight: Tensor,
    pub(crate) bias: Option<Tensor>,
}

impl Dropped {
    /// The same again: tensors are shared.
    fn share(&self) -> Dropped {
        let (weight, bias) = (self.weight.shallow_clone(), self.bias.shallow_clone());
        Dropped { source: self.source.share(), mask: self.mask, samples: self.samples, weight, bias }
    }
}

/// Where masks come from.
#[derive(Debug)]
pub(crate) enum Source {
    Drawn { seed: u64, stream: u32, p: f64 },
    Given { w: Tensor, b: Option<Tensor> },
}

impl Source {
    /// The same again: tensors are shared.
    pub(crate) fn share(&self) -> Source {
        match self {
            Source::Drawn { seed, stream, p } => Source::Drawn { seed: *seed, stream: *stream, p: *p },
            Source::Given { w, b } => Source::Given { w: w.shallow_clone(), b: b.as_ref().map(Tensor::shallow_clone) },
        }
    }

    pub(crate) fn drawn(&self) -> Option<(u64, u32, f64)> {
        match self {
            Source::Drawn { seed, stream, p } => Some((*seed, *stream, *p)),
            Source::Given { .. } => None,
        }
    }

    /// Masks from elsewhere, of weights and bias.
    pub(crate) fn tensors(&self) -> [Option<&Tensor>; 2] {
        match self {
            Source::Drawn { .. } => [None, None],
            Source::Given { w, b } => [Some(w), b.as_ref()],
        }
    }
}

impl DropConnectState {
    /// The next `wanted` masks from elsewhere, if any were put in.
    pub(crate) fn take_masks(&mut self, layer: &str, wanted: usize, s: DropConnectSizes, bias: bool) -> Result<Option<Source>> {
        if self.mask_w.is_none() && self.mask_b.is_none() {
            return Ok(None);
        }
        let w = take(&mut self.mask_w, layer, "mask_w", wanted, &[s.samples, s.outputs, s.inputs])?;
        let b = if bias { Some(take(&mut self.mask_b, layer, "mask_b", wanted, &[s.samples, s.outputs])?) } else { None };
        Ok(Some(Source::Given { w, b }))
    }

    /// The numbers of the next steps from elsewhere, if any were put in.
    pub(crate) fn take_noise(&mut self, layer: &str, s: DropConnectSizes, samples_num: usize) -> Result<Option<Tensor>> {
        if self.eps.is_none() {
            return Ok(None);
        }
        take(&mut self.eps, layer, "eps", s.steps, &[samples_num, s.samples, s.outputs]).map(Some)
    }
}

/// The first `wanted` of what is stored along its first axis; the rest stays.
fn take(stored: &mut Option<Tensor>, layer: &str, name: &str, wanted: usize, each: &[usize]) -> Result<Tensor> {
    let each: Vec<i64> = each.iter().map(|&n| n as i64).collect();
    let got = stored.as_ref().map_or(Vec::new(), Tensor::size);
    match stored {
        Some(t) if got.len() == each.len() + 1 && got[1..] == each && got[0] >= wanted as i64 => {
            let taken = t.f_narrow(0, 0, wanted as i64).map_err(Error::in_layer(layer))?.detach();
            *t = t.f_narrow(0, wanted as i64, got[0] - wanted as i64).map_err(Error::in_layer(layer))?;
            Ok(taken)
        }
        _ => {
            let sizes: String = each.iter().map(|n| format!(", {n}")).collect();
            let help = "put in as many as there are draws, or none at all";
            Err(Error::shape(&format!("{layer}: its state's `{name}`"), format!("at least [{wanted}{sizes}]"), &got, help))
        }
    }
}

impl State for DropConnectState {
    fn reset(&mut self) {
        self.dropped = None;
    }

    fn detach(&mut self) {
        if let Some(d) = &mut self.dropped {
            d.weight = d.weight.detach();
            d.bias = d.bias.as_ref().map(Tensor::detach);
        }
    }

    /// # Panics
    ///
    /// Memory ends: a mask that is stored has been through the kernel, so that nothing else is left to go wrong.
    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        let Some(last) = &self.dropped else { return };
        let (w, b) = dropped("DropConnectLinear", last).unwrap_or_else(|e| panic!("{e}"));
        f("dropped_w", &w);
        if let Some(b) = b {
            f("dropped_b", &b);
        }
    }

    /// A mask is a constant, and what it was laid on are the weights, which the layer has.
    fn visit_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}

    fn shallow_clone(&self) -> Self {
        DropConnectState {
            mask_w: self.mask_w.shallow_clone(),
            mask_b: self.mask_b.shallow_clone(),
            eps: self.eps.shallow_clone(),
            dropped: self.dropped.as_ref().map(Dropped::share),
        }
    }
}
