//! One layer of a recurrent network in one direction, over all steps. In: a sequence, the output and the memory before it; out: the
//! outputs, and the memory after it.

mod device;

use std::sync::Once;

use snn_kernels::{Cell, Draw, Gates, GatesGrads, GatesIn, GatesOut};
use tch::Tensor;

use crate::autograd::{Backward, Gradients, Save, attach, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, opt_slice};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::weights::uniform;

/// The weights of a layer in one direction.
#[derive(Debug)]
pub struct RecurrentCell {
    /// `linear_ih`: what the input does to the gates, `[gates * hidden_size, features]`.
    pub weight_ih: Tensor,
    /// `[gates * hidden_size]`
    pub bias_ih: Option<Tensor>,
    /// `linear_hh`: what the last output does to the gates, `[gates * hidden_size, hidden_size]`.
    pub weight_hh: Tensor,
    /// `[gates * hidden_size]`
    pub bias_hh: Option<Tensor>,
    name: String,
    network: &'static str,
    /// Said which kernel it has on a device?
    told: Once,
}

impl RecurrentCell {
    /// `scope` is that of the cell, `cells.0`; `network` labels its node of the graph.
    pub(super) fn build(
        scope: &Scope<'_>,
        network: &'static str,
        features: usize,
        hidden: usize,
        gates: usize,
        bias: bool,
    ) -> Result<Self> {
        let (ih, hh) = (scope.child("linear_ih"), scope.child("linear_hh"));
        let rows = gates * hidden;
        let added = |scope: &Scope<'_>| if bias { uniform(scope, "bias", &[rows], hidden).map(Some) } else { Ok(None) };
        Ok(RecurrentCell {
            weight_ih: uniform(&ih, "weight", &[rows, features], hidden)?,
            bias_ih: added(&ih)?,
            weight_hh: uniform(&hh, "weight", &[rows, hidden], hidden)?,
            bias_hh: added(&hh)?,
            name: scope.name().to_string(),
            network,
            told: Once::new(),
        })
    }

    /// `[T, N, features]` to `[T, N, hidden]`, from the output `h` and the memory `c`, `[N, hidden]`, of which the last comes back.
    pub(super) fn run(
        &self,
        gates: Gates,
        x: &Tensor,
        h: &Tensor,
        c: Option<&Tensor>,
        stream: &Stream,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let on = Launcher::of(&self.name, x)?;
        probe::linear(&self.name, x, self.weight_ih.size()[0]).map_err(Error::in_layer(&self.name))?;
        // What the input does is one product for all steps, a node of its own.
        let ih = x.f_linear(&self.weight_ih, self.bias_ih.as_ref()).map_err(Error::in_layer(&self.name))?;
        match on {
            Some(on) => self.recur_on(&on, gates, &ih, h, c, stream),
            None => in_its_kind!(self.name, ih, F => self.recur::<F>(gates, &ih, h, c, stream)),
        }
    }

    /// A run of that many steps and samples.
    fn node(&self, gates: Gates, ih: &Tensor, stream: &Stream) -> Node {
        let (steps, samples) = (ih.size()[0], ih.size()[1]);
        let draws = gates.surrogate.draws() || gates.content.is_some_and(|s| s.draws());
        let draws = (0..2 * steps).map(|_| if draws { stream.draw() } else { Draw::default() }).collect();
        Node { layer: self.name.clone(), gates, steps, samples, draws }
    }

    fn recur<F: Elements>(
        &self,
        gates: Gates,
        ih: &Tensor,
        h: &Tensor,
        c: Option<&Tensor>,
        stream: &Stream,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let layer = self.name.as_str();
        let node = self.node(gates, ih, stream);
        let (ih_dense, h0, c0) = (dense(layer, ih)?, dense_as::<F>(layer, Some(h))?, dense_as::<F>(layer, c)?);
        let weight = dense_as::<F>(layer, Some(&self.weight_hh))?;
        let (Some(h0), Some(weight)) = (h0, weight) else { return Err(Error::bug(layer, "a tensor was lost")) };
        let run = tch::no_grad(|| node.forward::<F>(&ih_dense, &h0, c0.as_ref(), &weight, self.bias_hh.as_ref()))?;
        let inputs: Vec<&Tensor> = [Some(ih), Some(h), Some(&self.weight_hh), c, self.bias_hh.as_ref()].into_iter().flatten().collect();
        let bias = self.bias_hh.is_some();
        self.attached(run, &inputs, [&ih_dense, &h0, &weight], c0.as_ref(), move |b| node.backward::<F>(&b, bias))
    }

    /// The outputs of a run and its last memory, as a node of the graph where that is wanted: behind `inputs`, with what the kernels have read.
    fn attached(
        &self,
        run: Run,
        inputs: &[&Tensor],
        [ih, h0, weight]: [&Tensor; 3],
        c0: Option<&Tensor>,
        backward: impl FnMut(Backward<'_>) -> Gradients + Send + 'static,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let layer = self.name.as_str();
        let Run { h: all_h, c: all_c, hh } = run;
        let mut outputs = vec![all_h];
        if let Some(all_c) = &all_c {
            let last = || all_c.f_get(all_c.size()[0] - 1)?.f_detach_copy();
            outputs.push(tch::no_grad(last).map_err(Error::in_layer(layer))?);
        }
        if recorded(inputs) {
            let save = [
                Save::Tensor(ih),
                Save::Tensor(&hh),
                Save::Tensor(h0),
                c0.map_or(Save::Nothing, Save::Tensor),
                all_c.as_ref().map_or(Save::Nothing, Save::Tensor),
                Save::Tensor(weight),
                Save::Output(0),
            ];
            outputs = attach(self.network, inputs, outputs, &save, backward).map_err(Error::in_layer(layer))?;
        }
        let mut outputs = outputs.into_iter();
        let y = outputs.next().ok_or_else(|| Error::bug(layer, "the graph lost its output"))?;
        Ok((y, outputs.next()))
    }
}

/// What a forward pass leaves: `[T, N, hidden]` of outputs and memories, and `[T, N, gates * hidden]` of what outputs did to gates.
struct Run {
    h: Tensor,
    c: Option<Tensor>,
    hh: Tensor,
}

/// What both passes know besides tensors.
struct Node {
    layer: String,
    gates: Gates,
    steps: i64,
    samples: i64,
    /// Two per step.
    draws: Vec<Draw>,
}

impl Node {
    fn rows(&self) -> i64 {
        (self.gates.hidden * self.gates.cell.gates()) as i64
    }

    fn hidden(&self) -> i64 {
        self.gates.hidden as i64
    }

    fn draws(&self, t: usize) -> [Draw; 2] {
        [self.draws[2 * t], self.draws[2 * t + 1]]
    }

    fn forward<F: Elements>(&self, ih: &Tensor, h0: &Tensor, c0: Option<&Tensor>, weight: &Tensor, bias: Option<&Tensor>) -> Result<Run> {
        let layer = self.layer.as_str();
        let bias = dense_as::<F>(layer, bias)?;
        let step = [self.samples, self.hidden()];
        let row = (self.samples * self.rows()) as usize;
        let (mut all_h, mut all_c, mut all_hh) = (Vec::new(), Vec::new(), Vec::new());
        let (mut h, mut c) = (h0.shallow_clone(), c0.map(Tensor::shallow_clone));
        for t in 0..self.steps as usize {
            probe::linear(layer, &h, self.rows()).map_err(Error::in_layer(layer))?;
            let hh = h.f_linear(weight, bias.as_ref()).map_err(Error::in_layer(layer))?;
            let x = GatesIn {
                ih: &F::slice(layer, ih)?[t * row..(t + 1) * row],
                hh: F::slice(layer, &hh)?,
                h: F::slice(layer, &h)?,
                c: opt_slice(layer, c.as_ref())?.unwrap_or_default(),
                draws: self.draws(t),
            };
            let mut next_h = Fresh::<F>::new(layer, &step)?;
            let mut next_c = c.as_ref().map(|_| Fresh::<F>::new(layer, &step)).transpose()?;
            let out = GatesOut { h: next_h.elements(), c: next_c.as_mut().map(Fresh::elements).unwrap_or_default() };
            self.gates.forward(x, out).map_err(|e| Error::bug(layer, e))?;
            (h, c) = (next_h.into_tensor(), next_c.map(Fresh::into_tensor));
            all_hh.push(hh);
            all_h.push(h.shallow_clone());
            all_c.extend(c.as_ref().map(Tensor::shallow_clone));
        }
        let series = |steps: &[Tensor]| Tensor::f_stack(steps, 0).map_err(Error::in_layer(layer));
        let all_c = if all_c.is_empty() { None } else { Some(series(&all_c)?) };
        Ok(Run { h: series(&all_h)?, c: all_c, hh: series(&all_hh)? })
    }

    /// Gradients of ih, h, the weight, and where they are of the memory and the bias.
    fn backward<F: Elements>(&self, b: &Backward<'_>, bias: bool) -> Gradients {
        let layer = self.layer.as_str();
        let lstm = self.gates.cell == Cell::Lstm;
        let saved = |i: usize| b.saved[i].as_ref().ok_or("what the forward pass saved is lost");
        let (ih, hh, h0, weight, all_h) = (saved(0)?, saved(1)?, saved(2)?, saved(5)?, saved(6)?);
        let (c0, all_c) = if lstm { (F::slice(layer, saved(3)?)?, F::slice(layer, saved(4)?)?) } else { (&[][..], &[][..]) };
        let grad_y = dense_as::<F>(layer, b.grads[0].as_ref())?;
        let grad_c = dense_as::<F>(layer, b.grads.get(1).and_then(Option::as_ref))?;
        let (row, one) = ((self.samples * self.rows()) as usize, (self.samples * self.hidden()) as usize);
        let mut d_ih = Fresh::<F>::new(layer, &ih.size())?;
        let mut d_hh = Vec::new();
        let mut d_h = Fresh::<F>::new(layer, &[self.samples, self.hidden()])?;
        d_h.elements().fill(F::ZERO);
        let mut d_c = if lstm { Some(Fresh::<F>::new(layer, &[self.samples, self.hidden()])?) } else { None };
        match (d_c.as_mut().map(Fresh::elements), &grad_c) {
            (Some(d_c), Some(grad)) => d_c.copy_from_slice(F::slice(layer, grad)?),
            (Some(d_c), None) => d_c.fill(F::ZERO),
            (None, _) => {}
        }
        let (ih, hh, h0_elements, h_elements) = (F::slice(layer, ih)?, F::slice(layer, hh)?, F::slice(layer, h0)?, F::slice(layer, all_h)?);
        for t in (0..self.steps as usize).rev() {
            let (at, rows) = (t * one..(t + 1) * one, t * row..(t + 1) * row);
            if let Some(grad_y) = &grad_y {
                let grad_y = &F::slice(layer, grad_y)?[at.clone()];
                d_h.elements().iter_mut().zip(grad_y).for_each(|(d, g)| *d = *d + *g);
            }
            let before = |all: &[F]| -> std::ops::Range<usize> { if all.is_empty() { 0..0 } else { (t - 1) * one..t * one } };
            let mut d_hh_t = Fresh::<F>::new(layer, &[self.samples, self.rows()])?;
            let x = GatesIn {
                ih: &ih[rows.clone()],
                hh: &hh[rows.clone()],
                h: if t == 0 { h0_elements } else { &h_elements[before(h_elements)] },
                c: if t == 0 { c0 } else { &all_c[before(all_c)] },
                draws: self.draws(t),
            };
            let grads = GatesGrads {
                h: d_h.elements(),
                c: d_c.as_mut().map(Fresh::elements).unwrap_or_default(),
                ih: &mut d_ih.elements()[rows],
                hh: d_hh_t.elements(),
            };
            self.gates.backward(x, if lstm { &all_c[at] } else { &[] }, grads)?;
            // And what flows through the product with the weight.
            let d_hh_t = d_hh_t.into_tensor();
            let through = dense(layer, &d_hh_t.f_mm(weight)?)?;
            d_hh.push(d_hh_t);
            d_h.elements().iter_mut().zip(F::slice(layer, &through)?).for_each(|(d, g)| *d = *d + *g);
        }
        d_hh.reverse();
        self.gradients(&Tensor::f_cat(&d_hh, 0)?, d_ih.into_tensor(), d_h.into_tensor(), d_c.map(Fresh::into_tensor), h0, all_h, bias)
    }

    /// All gradients; `d_hh` is `[T * N, gates * hidden]`.
    fn gradients(
        &self,
        d_hh: &Tensor,
        d_ih: Tensor,
        d_h: Tensor,
        d_c: Option<Tensor>,
        h0: &Tensor,
        all_h: &Tensor,
        bias: bool,
    ) -> Gradients {
        // All steps at once: each product of a gate's gradient and the output before it.
        let outputs = Tensor::f_cat(&[&h0.f_unsqueeze(0)?, &all_h.f_narrow(0, 0, self.steps - 1)?], 0)?;
        let d_weight = d_hh.f_transpose(0, 1)?.f_mm(&outputs.f_reshape([-1, self.hidden()])?)?;
        let mut gradients = vec![Some(d_ih), Some(d_h), Some(d_weight)];
        if let Some(d_c) = d_c {
            gradients.push(Some(d_c));
        }
        if bias {
            gradients.push(Some(d_hh.f_sum_dim_intlist(0, false, None)?));
        }
        Ok(gradients)
    }
}
