//! Attention gates on a CUDA device. In: tensors there; out: the numbers of the CPU's kernels, up to the order of sums. Perceptrons and the
//! convolution, which see a few numbers per row, are libtorch's, and so are their gradients.

use snn_kernels::AttentionSizes;
use snn_kernels::cuda::{
    ATTENTION_ALONG, ATTENTION_CHANNEL_GATES, ATTENTION_CHANNELS, ATTENTION_GATE, ATTENTION_INPUTS, ATTENTION_PIXELS, ATTENTION_PLANES,
    ATTENTION_ROWS, ATTENTION_STEP_GATES, ATTENTION_STEPS, AttentionArguments, AttentionKernels, AttentionStage,
};
use tch::{Kind, TchError, Tensor};

use super::Gates;
use crate::autograd::{Backward, Save, attach_one, gradients, recorded};
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};

/// A stage: its weights, and what the forward pass finds out.
#[derive(Debug, Default)]
struct Stage {
    weights: Vec<Tensor>,
    /// Means and maxima, where the maxima are, gates.
    kept: Option<[Tensor; 3]>,
    /// On the way back: the gates' gradient.
    grad: Option<Tensor>,
    /// And that of means and maxima.
    back: Option<Tensor>,
}

impl Stage {
    /// Is it there?
    fn is(&self) -> bool {
        !self.weights.is_empty()
    }

    fn addresses(&self) -> AttentionStage {
        let kept = |i: usize| self.kept.as_ref().map_or(0, |kept| address(&kept[i]));
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        AttentionStage { stats: kept(0), first: kept(1), gates: kept(2), grad: at(&self.grad), back: at(&self.back) }
    }

    /// Its gates, of weights and of means and maxima: `[N, 2, H, W]` for the convolution, else `[2, N, size]`.
    fn formula(stats: &Tensor, weights: &[Tensor]) -> Result<Tensor, TchError> {
        match weights {
            [kernel] => {
                let pad = kernel.size().last().copied().unwrap_or(1) / 2;
                stats.f_conv2d(kernel, None::<Tensor>, 1, pad, 1, 1)?.f_sigmoid()
            }
            [first, last, ..] => {
                let (samples, size) = (stats.size()[1], stats.size()[2]);
                let hidden = stats.f_reshape([2 * samples, size])?.f_matmul(&first.f_reshape([-1, size])?.f_tr()?)?.f_relu()?;
                let both = hidden.f_reshape([2, samples, -1])?.f_sum_dim_intlist(0, false, stats.kind())?;
                both.f_matmul(&last.f_reshape([size, -1])?.f_tr()?)?.f_sigmoid()
            }
            [] => Err(TchError::Torch("a stage without weights has no gates".into())),
        }
    }

    /// The gradients of means and maxima, which stay here, and of the weights.
    fn backward(&mut self, on: &Launcher<'_>, layer: &str) -> Result<Vec<Tensor>> {
        let (Some([stats, ..]), Some(grad)) = (&self.kept, &self.grad) else { return Err(Error::bug(layer, "its gates are gone")) };
        let run = || {
            let leaf = |t: &Tensor| t.detach().f_set_requires_grad(true);
            let stats = leaf(stats)?;
            let weights = self.weights.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
            let gates = tch::with_grad(|| Stage::formula(&stats, &weights))?;
            let inputs: Vec<&Tensor> = [&stats].into_iter().chain(&weights).collect();
            gradients(&[&gates], &[&grad.f_reshape(gates.size())?], &inputs)
        };
        let all = run().map_err(Error::in_layer(layer))?.into_iter().collect::<Option<Vec<_>>>();
        let mut all = all.ok_or_else(|| Error::bug(layer, "its gates have no gradient"))?.into_iter();
        self.back = all.next().map(|back| on.dense(&back, on.compute())).transpose()?;
        Ok(all.collect())
    }
}

/// What a call of the layer is of.
#[derive(Clone, Debug)]
struct Outline {
    layer: String,
    sizes: AttentionSizes,
    relu: bool,
    kind: Kind,
}

/// A call of the layer.
#[derive(Debug)]
struct Call {
    of: Outline,
    /// Temporal, channel, spatial.
    stages: [Stage; 3],
    /// Sums and maxima of rows of pixels, and where these are.
    rows: Option<[Tensor; 3]>,
}

impl Gates<'_> {
    pub(super) fn run_on(&self, on: &Launcher<'_>, x: &Tensor, sizes: AttentionSizes) -> Result<Tensor> {
        on.tell(self.told, self.label);
        let (layer, states) = (self.layer, on.compute());
        if x.numel() == 0 {
            return self.of_nobody(on, x);
        }
        // Where only steps have gates, what is in a step may be cut into rows of any length.
        let sizes = match (self.channel, self.spatial, &x.size()[..]) {
            (None, None, &[_, _, channels, height, width]) => {
                let [channels, height, width] = [channels, height, width].map(|n| n as usize);
                AttentionSizes { channels, height, width, ..sizes }
            }
            _ => sizes,
        };
        on.neurons(&x.size()[1..])?;
        on.neurons(&[sizes.steps, sizes.samples, sizes.channels].map(|n| n as i64))?;
        let dense = |weights: Option<&[Tensor]>| -> Result<Stage> {
            let weights = weights.unwrap_or_default().iter().map(|w| on.dense(w, states)).collect::<Result<_>>()?;
            Ok(Stage { weights, ..Stage::default() })
        };
        let stages =
            [dense(self.temporal.map(|w| &w[..]))?, dense(self.channel.map(|w| &w[..]))?, dense(self.spatial.map(std::slice::from_ref))?];
        let of = Outline { layer: layer.to_string(), sizes, relu: self.relu, kind: on.kind };
        let mut call = Call { of, stages, rows: None };
        let x_dense = on.dense(x, on.kind)?;
        let y = tch::no_grad(|| call.forward(on, &x_dense))?;

        let weights = self.weights();
        let inputs: Vec<&Tensor> = [x].into_iter().chain(weights.iter().copied()).collect();
        if !recorded(&inputs) {
            return Ok(y);
        }
        let shapes: Vec<(Kind, Vec<i64>)> = weights.iter().map(|w| (w.kind(), w.size())).collect();
        let (saved, rest) = call.saved(&x_dense);
        let save: Vec<Save<'_>> = saved.iter().map(Save::Tensor).collect();
        attach_one(layer, self.label, &inputs, y, &save, move |b| {
            let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
            let (x, call) = rest.restored(&b)?;
            let (grad_x, of_weights) = call.backward(&x, grad, b.needs[0])?;
            let mut all = vec![grad_x];
            for ((kind, sizes), g) in shapes.iter().zip(of_weights) {
                all.push(Some(g.f_reshape(&sizes[..])?.f_to_kind(*kind)?));
            }
            Ok(all)
        })
    }

    /// Of no samples, as a part of the graph: the gradients of the weights are zeros.
    fn of_nobody(&self, on: &Launcher<'_>, x: &Tensor) -> Result<Tensor> {
        let weights = self.weights();
        weights.iter().try_for_each(|w| on.check(w))?;
        let y = || weights.iter().try_fold(x.f_mul_scalar(1.0)?, |y, w| y.f_add(&w.f_sum(on.kind)?));
        y().map_err(Error::in_layer(self.layer))
    }
}

/// A call without its tensors: how many weights each stage has, and whether there were sums of rows.
struct Rest {
    of: Outline,
    weights: [usize; 3],
    pooled: bool,
}

impl Rest {
    /// x and the call.
    fn restored(&self, b: &Backward<'_>) -> Result<(Tensor, Call)> {
        let mut saved = b.saved.iter();
        let mut next = || {
            saved
                .next()
                .and_then(Option::as_ref)
                .map(Tensor::shallow_clone)
                .ok_or_else(|| Error::bug(&self.of.layer, "a tensor was not saved"))
        };
        let x = next()?;
        let rows = if self.pooled { Some([next()?, next()?, next()?]) } else { None };
        let mut stage = |weights: usize| -> Result<Stage> {
            let weights = (0..weights).map(|_| next()).collect::<Result<Vec<_>>>()?;
            let kept = if weights.is_empty() { None } else { Some([next()?, next()?, next()?]) };
            Ok(Stage { weights, kept, ..Stage::default() })
        };
        let stages = [stage(self.weights[0])?, stage(self.weights[1])?, stage(self.weights[2])?];
        Ok((x, Call { of: self.of.clone(), stages, rows }))
    }
}

/// Temporal, channel, spatial.
fn stage_of(call: &mut AttentionArguments, i: usize) -> &mut AttentionStage {
    match i {
        0 => &mut call.step,
        1 => &mut call.channel,
        _ => &mut call.pixel,
    }
}

impl Call {
    /// The tensors in the order in which [`Rest::restored`] takes them, and the rest.
    fn saved(self, x: &Tensor) -> (Vec<Tensor>, Rest) {
        let weights = self.stages.each_ref().map(|stage| stage.weights.len());
        let rest = Rest { of: self.of, weights, pooled: self.rows.is_some() };
        let of_stages = self.stages.into_iter().flat_map(|stage| stage.weights.into_iter().chain(stage.kept.into_iter().flatten()));
        let all = [x.shallow_clone()].into_iter().chain(self.rows.into_iter().flatten()).chain(of_stages);
        (all.collect(), rest)
    }

    /// `given` are the other tensors of which a row of pixels is read or written at once.
    fn arguments(&self, on: &Launcher<'_>, x: &Tensor, given: &[&Tensor]) -> AttentionArguments {
        let pixels = self.of.sizes.height * self.of.sizes.width;
        let [.., spatial] = &self.stages;
        let of_pixels = spatial.kept.iter().flat_map(|[stats, _, gates]| [stats, gates]).chain(&spatial.grad).chain(&spatial.back);
        let row = |i: usize| self.rows.as_ref().map_or(0, |rows| address(&rows[i]));
        let [step, channel, pixel] = self.stages.each_ref().map(Stage::addresses);
        AttentionArguments {
            x: address(x),
            row_sum: row(0),
            row_max: row(1),
            row_first: row(2),
            step,
            channel,
            pixel,
            wide: on.wide(pixels, given.iter().copied().chain([x]).chain(of_pixels).map(address)),
            ..AttentionArguments::new(self.of.sizes, self.of.relu)
        }
    }

    /// Room for a stage's means and maxima of so many sizes, and the gates that libtorch makes of them once `kernel` filled it.
    fn gates(&mut self, on: &Launcher<'_>, x: &Tensor, i: usize, kernel: &str) -> Result<()> {
        if !self.stages[i].is() {
            return Ok(());
        }
        let AttentionSizes { steps, samples, channels, height, width } = self.of.sizes;
        let sizes = [samples, steps, channels, height, width].map(|n| n as i64);
        let (stats, each): (Vec<i64>, Vec<i64>) = match i {
            0 => (vec![2, sizes[0], sizes[1]], vec![sizes[0], sizes[1]]),
            1 => (vec![2, sizes[0], sizes[2]], vec![sizes[0], sizes[2]]),
            _ => (vec![sizes[0], 2, sizes[3], sizes[4]], vec![sizes[0], sizes[3], sizes[4]]),
        };
        let (stats, first) = (on.fresh(&stats, on.compute())?, on.fresh(&each, Kind::Int)?);
        let mut call = self.arguments(on, x, &[&stats]);
        let stage = stage_of(&mut call, i);
        (stage.stats, stage.first) = (address(&stats), address(&first));
        self.launch(on, kernel, call)?;
        let gates = Stage::formula(&stats, &self.stages[i].weights).map_err(Error::in_layer(&self.of.layer))?;
        on.sized(&gates, &each)?;
        self.stages[i].kept = Some([stats, first, on.dense(&gates, on.compute())?]);
        Ok(())
    }

    fn launch(&self, on: &Launcher<'_>, name: &str, call: AttentionArguments) -> Result<()> {
        let kernels = AttentionKernels { element: on.element };
        let grid = match name {
            ATTENTION_STEPS | ATTENTION_STEP_GATES => kernels.steps(self.of.sizes),
            ATTENTION_CHANNELS | ATTENTION_CHANNEL_GATES => kernels.channels(self.of.sizes),
            ATTENTION_PLANES | ATTENTION_PIXELS => kernels.pixels(self.of.sizes),
            _ => kernels.rows(self.of.sizes),
        };
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernels.source(), name, grid, call) }
    }

    /// y.
    fn forward(&mut self, on: &Launcher<'_>, x: &Tensor) -> Result<Tensor> {
        if self.stages[0].is() || self.stages[1].is() {
            let rows = [self.of.sizes.steps, self.of.sizes.samples, self.of.sizes.channels].map(|n| n as i64);
            let rows = [on.fresh(&rows, on.compute())?, on.fresh(&rows, on.compute())?, on.fresh(&rows, Kind::Int)?];
            self.rows = Some(rows);
            self.launch(on, ATTENTION_ROWS, self.arguments(on, x, &[]))?;
        }
        self.gates(on, x, 0, ATTENTION_STEPS)?;
        self.gates(on, x, 1, ATTENTION_CHANNELS)?;
        self.gates(on, x, 2, ATTENTION_PLANES)?;
        let y = on.fresh(&x.size(), on.kind)?;
        let call = AttentionArguments { y: address(&y), ..self.arguments(on, x, &[&y]) };
        self.launch(on, ATTENTION_GATE, call)?;
        Ok(y)
    }

    /// The gradients of a stage's gates, then of what they are made of.
    fn back(&mut self, on: &Launcher<'_>, i: usize, mut call: AttentionArguments, name: &str) -> Result<Vec<Tensor>> {
        let Some([.., gates]) = &self.stages[i].kept else { return Ok(Vec::new()) };
        let grad = on.fresh(&gates.size(), on.compute())?;
        stage_of(&mut call, i).grad = address(&grad);
        self.launch(on, name, call)?;
        self.stages[i].grad = Some(grad);
        self.stages[i].backward(on, &self.of.layer)
    }

    /// Gradients of x, if it is wanted, and of the weights.
    fn backward(mut self, x: &Tensor, grad: &Tensor, of_x: bool) -> Result<(Option<Tensor>, Vec<Tensor>)> {
        let layer = self.of.layer.clone();
        let on = &Launcher::at(&layer, x, self.of.kind)?;
        let grad = on.dense(grad, on.kind)?;
        let given = |call: &Call| AttentionArguments { grad_y: address(&grad), ..call.arguments(on, x, &[&grad]) };
        let spatial = self.back(on, 2, given(&self), ATTENTION_PIXELS)?;
        let along = self.rows.as_ref().map(|rows| on.fresh(&rows[0].size(), on.compute())).transpose()?;
        let row_along = along.as_ref().map_or(0, address);
        let given = |call: &Call| AttentionArguments { row_along, ..given(call) };
        if along.is_some() {
            self.launch(on, ATTENTION_ALONG, given(&self))?;
        }
        let channel = self.back(on, 1, given(&self), ATTENTION_CHANNEL_GATES)?;
        let temporal = self.back(on, 0, given(&self), ATTENTION_STEP_GATES)?;
        let grad_x = on.fresh_if(of_x, &x.size(), on.kind)?;
        if let Some(grad_x) = &grad_x {
            let call = AttentionArguments { grad_x: address(grad_x), ..self.arguments(on, x, &[&grad, grad_x]) };
            self.launch(on, ATTENTION_INPUTS, AttentionArguments { grad_y: address(&grad), ..call })?;
        }
        Ok((grad_x, [temporal, channel, spatial].into_iter().flatten().collect()))
    }
}
