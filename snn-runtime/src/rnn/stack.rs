//! Layers and directions of a recurrent network. In: a sequence and the last outputs of all layers; out: the outputs of the last layer,
//! and the last outputs moved on.

use snn_infer::__private::check_share;
use snn_kernels::{Cell, Gates};
use tch::Tensor;

use super::cell::RecurrentCell;
use crate::error::{Error, Result};
use crate::layer::Cx;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::surrogate::{self, Surrogate};
use crate::weights::positive;

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// What the network is called: `SpikingLSTM`.
    pub(super) network: &'static str,
    pub(super) cell: Cell,
    pub(super) input_size: usize,
    pub(super) hidden_size: usize,
    pub(super) num_layers: usize,
    pub(super) bias: bool,
    pub(super) bidirectional: bool,
}

/// Everything but the weights.
#[derive(Debug)]
pub(super) struct Stack {
    shape: Shape,
    gates: Gates,
    dropout_p: f64,
    invariant_dropout_mask: bool,
    name: String,
    stream: Stream,
}

impl Stack {
    /// `surrogates` are those of the gates and of the content, with the arguments' names.
    pub(super) fn new(
        scope: &Scope<'_>,
        shape: Shape,
        surrogates: [(&str, Option<Surrogate>); 2],
        dropout_p: f64,
        invariant_dropout_mask: bool,
    ) -> Result<Stack> {
        let Shape { cell, input_size, hidden_size, num_layers, .. } = shape;
        positive(scope, &[("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)])?;
        check_share("dropout_p", dropout_p).map_err(Error::refused(scope))?;
        for (argument, function) in &surrogates {
            function.as_ref().map_or(Ok(()), |function| surrogate::check(function, scope.name(), argument))?;
        }
        let [(first, gate), (second, content)] = surrogates;
        let Some(gate) = gate else { return Err(Error::bug(scope.name(), format!("`{first}` is missing"))) };
        if content.is_some_and(|content| content.spiking() != gate.spiking()) {
            let problem = format!("spikes, and `{first}` does not, or the reverse");
            return Err(Error::argument(scope.name(), second, problem, "give both the same `spiking`"));
        }
        let gates = Gates { cell, hidden: hidden_size, surrogate: gate, content };
        Ok(Stack { shape, gates, dropout_p, invariant_dropout_mask, name: scope.name().to_string(), stream: Stream::new(scope) })
    }

    /// The weights, forward and in reverse.
    pub(super) fn cells(&self, scope: &Scope<'_>) -> Result<(Vec<RecurrentCell>, Vec<RecurrentCell>)> {
        let Shape { network, cell, input_size, hidden_size, num_layers, bias, bidirectional } = self.shape;
        let cells = |label: &str| {
            let features = |layer: usize| if layer == 0 { input_size } else { hidden_size * self.directions() };
            let cell = |l: usize| {
                RecurrentCell::build(&scope.child(format!("{label}.{l}")), network, features(l), hidden_size, cell.gates(), bias)
            };
            (0..num_layers).map(cell).collect::<Result<Vec<_>>>()
        };
        Ok((cells("cells")?, if bidirectional { cells("cells_reverse")? } else { Vec::new() }))
    }

    fn directions(&self) -> usize {
        if self.shape.bidirectional { 2 } else { 1 }
    }

    pub(super) fn needs_a_sequence(&self) -> Error {
        Error::WholeSequence { layer: self.name.clone() }
    }

    /// `c` is the memory of an LSTM.
    pub(super) fn run(
        &self,
        cells: [&[RecurrentCell]; 2],
        x: &Tensor,
        h: &mut Option<Tensor>,
        c: Option<&mut Option<Tensor>>,
        cx: &Cx,
    ) -> Result<Tensor> {
        let sizes = x.size();
        let batch = match sizes[..] {
            [steps, batch, features] if steps > 0 && features == self.shape.input_size as i64 => batch,
            [0, _, _] => return Err(Error::Steps { layer: self.name.clone(), problem: "the sequence has no steps".into() }),
            _ => return Err(Error::shape(&self.name, format!("[T, N, {}]", self.shape.input_size), &sizes, "")),
        };
        let start = self.start(h.as_ref(), batch, x)?;
        let memory = c.as_deref().map(|c| self.start(c.as_ref(), batch, x)).transpose()?;
        let (mut last_h, mut last_c) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let masks = self.masks(batch, x, cx)?;
        let mut y = x.shallow_clone();
        for layer in 0..self.shape.num_layers {
            let mut outputs = Vec::new();
            for (direction, cells) in cells.iter().enumerate().take(self.directions()) {
                let row = (direction * self.shape.num_layers + layer) as i64;
                let from = |t: &Tensor| t.f_get(row).map_err(Error::in_layer(&self.name));
                let turned = |t: &Tensor| if direction == 0 { Ok(t.shallow_clone()) } else { t.f_flip([0]) };
                let input = turned(&y).map_err(Error::in_layer(&self.name))?;
                let c0 = memory.as_ref().map(from).transpose()?;
                let (out, c_last) = cells[layer].run(self.gates, &input, &from(&start)?, c0.as_ref(), &self.stream)?;
                last_h[direction].push(out.f_get(-1).map_err(Error::in_layer(&self.name))?);
                last_c[direction].extend(c_last);
                outputs.push(turned(&out).map_err(Error::in_layer(&self.name))?);
            }
            y = if let [one] = &outputs[..] {
                one.shallow_clone()
            } else {
                Tensor::f_cat(&outputs, -1).map_err(Error::in_layer(&self.name))?
            };
            if layer + 1 < self.shape.num_layers {
                y = self.dropped(y, masks.as_ref(), layer, cx)?;
            }
        }
        let stacked = |last: [Vec<Tensor>; 2]| {
            let all: Vec<Tensor> = last.into_iter().flatten().collect();
            Tensor::f_stack(&all, 0).map_err(Error::in_layer(&self.name))
        };
        *h = Some(stacked(last_h)?);
        if let Some(c) = c {
            *c = Some(stacked(last_c)?);
        }
        Ok(y)
    }

    /// Last outputs or memories, zeros at first: `[layers * directions, N, hidden]`.
    fn start(&self, stored: Option<&Tensor>, batch: i64, x: &Tensor) -> Result<Tensor> {
        let want = [(self.shape.num_layers * self.directions()) as i64, batch, self.shape.hidden_size as i64];
        match stored {
            None => Tensor::f_zeros(want, (x.kind(), x.device())).map_err(Error::in_layer(&self.name)),
            Some(stored) if stored.size() == want => Ok(stored.shallow_clone()),
            Some(stored) => match stored.size()[..] {
                [layers, got, hidden] if [layers, hidden] == [want[0], want[2]] => {
                    Err(Error::Batch { layer: self.name.clone(), want: got, got: batch })
                }
                _ => Err(Error::shape(&self.name, format!("a state of {want:?}"), &stored.size(), "`reset()` the state first")),
            },
        }
    }

    /// One mask for each layer but the last, where a mask serves all steps: `[layers - 1, N, ..]`.
    fn masks(&self, batch: i64, x: &Tensor, cx: &Cx) -> Result<Option<Tensor>> {
        if !(cx.train && self.dropout_p > 0.0 && self.invariant_dropout_mask && self.shape.num_layers > 1) {
            return Ok(None);
        }
        let width = (self.shape.hidden_size * self.directions()) as i64;
        self.mask(&[self.shape.num_layers as i64 - 1, batch, width], x).map(Some)
    }

    fn dropped(&self, y: Tensor, masks: Option<&Tensor>, layer: usize, cx: &Cx) -> Result<Tensor> {
        if !(cx.train && self.dropout_p > 0.0) {
            return Ok(y);
        }
        let mask = match masks {
            Some(masks) => masks.f_get(layer as i64).map_err(Error::in_layer(&self.name))?,
            None => self.mask(&y.size(), &y)?,
        };
        y.f_mul(&mask).map_err(Error::in_layer(&self.name))
    }

    fn mask(&self, sizes: &[i64], like: &Tensor) -> Result<Tensor> {
        let at = self.stream.draw();
        let mut mask = vec![0.0f32; sizes.iter().product::<i64>() as usize];
        snn_kernels::dropout_mask(at.seed, at.stream, at.draw, self.dropout_p, &mut mask).map_err(|e| Error::bug(&self.name, e))?;
        let mask = Tensor::f_from_slice(&mask).and_then(|mask| mask.f_reshape(sizes)?.f_to_kind(like.kind())?.f_to_device(like.device()));
        mask.map_err(Error::in_layer(&self.name))
    }
}
