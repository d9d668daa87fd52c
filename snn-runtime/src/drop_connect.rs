//! `DropConnectLinear`. In: `[N, in_features]`; out: `[N, out_features]`, in training with single connections missing; state: which ones.

mod device;

use std::sync::Once;

use snn_kernels::{
    Activation, DropConnectGrads, DropConnectSizes, Inference, MaskSource, Masks, Noise, Weights, drop_connect, drop_connect_backward,
    drop_connect_infer, drop_connect_masks,
};
use tch::{Device, Tensor};

use self::device::Mean;
use crate::autograd::{Backward, Gradients, Save, attach_one, recorded};
use crate::cuda::Launcher;
use crate::drop_connect_state::{DropConnectState, Dropped, Source};
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind, opt_slice};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::report::probe;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::state::steps_of;
use crate::weights::{positive, uniform};

/// Arguments of [`DropConnectLinear`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
pub struct DropConnectLinearConfig {
    /// Features that come in.
    pub in_features: usize,
    /// Features that go out.
    pub out_features: usize,
    /// Is something learned added to each output?
    pub bias: bool,
    /// The share of connections that is dropped, from 0 up to but not including 1.
    pub p: f64,
    /// How many random numbers an output is averaged over in evaluation.
    pub samples_num: usize,
    /// Does a mask stay until the state is reset? Else every step draws one.
    pub invariant: bool,
    /// What stands behind the weighted sums.
    pub activation: Activation,
}

impl DropConnectLinearConfig {
    /// SpikingJelly's defaults: a bias, p = 0.5, 1024 numbers, a new mask at every step, a relu.
    pub fn new(in_features: usize, out_features: usize) -> Self {
        let (bias, invariant, activation) = (true, false, Activation::Relu);
        DropConnectLinearConfig { in_features, out_features, bias, p: 0.5, samples_num: 1024, invariant, activation }
    }
}

/// A fully connected layer that drops connections instead of outputs, from "Regularization of Neural Networks using DropConnect" (Wan et
/// al., ICML 2013).
///
/// In training each sample of each step has a mask over the weights and the bias of its own: y = activation((W * mask) x + b * mask). What is
/// kept is not scaled up. With `invariant` the masks stay until the state is reset, for the batch they were drawn for.
///
/// In evaluation the masked sum is taken as normally distributed, and y is the mean of activation(mu + sigma z) over `samples_num` random
/// numbers z, where mu = (1 - p) (W x + b) and sigma^2 = p (1 - p) (W^2 x^2 + b^2). It is random, and has no gradient. Where sigma is 0 (p = 0,
/// or no spike arrives and there is no bias) it is activation(mu); SpikingJelly stops there with an error.
///
/// In a net the activation is written `activation = relu`, `tanh`, `sigmoid`, `identity`, or `None`, which is `identity`.
/// SpikingJelly equivalent: `layer.DropConnectLinear(..)`.
///
/// # Shapes
///
/// `[N, in_features]` to `[N, out_features]`; in evaluation `[.., in_features]`. Weights from U(-b, b) with b = 1 / sqrt(in_features). The state
/// stores no mask, only where the last one begins in the random stream, and the weights it was laid on.
#[derive(Debug)]
pub struct DropConnectLinear {
    /// `[out_features, in_features]`
    pub weight: Tensor,
    /// `[out_features]`
    pub bias: Option<Tensor>,
    config: DropConnectLinearConfig,
    name: String,
    stream: Stream,
    /// Said which kernel it has on a device?
    told: Once,
}

impl DropConnectLinear {
    /// What it was built with.
    pub fn config(&self) -> &DropConnectLinearConfig {
        &self.config
    }

    /// `leading`: axes before the batch.
    fn run(&self, x: &Tensor, leading: usize, s: &mut DropConnectState, cx: &Cx) -> Result<Tensor> {
        let (sizes, c) = (x.size(), &self.config);
        let fits = if cx.train { sizes.len() == leading + 2 } else { sizes.len() > leading };
        if !fits || sizes.last() != Some(&(c.in_features as i64)) {
            let lead = if leading == 1 { "T, N" } else { "N" };
            let help = if sizes.len() > leading + 2 { "put a `Flatten()` before it" } else { "" };
            return Err(Error::shape(&self.name, format!("[{lead}, {}]", c.in_features), &sizes, help));
        }
        let on = Launcher::of(&self.name, x)?;
        probe::linear(&self.name, x, c.out_features as i64).map_err(Error::in_layer(&self.name))?;
        let steps = if leading == 1 { steps_of(&self.name, &sizes)?.0 } else { 1 };
        let samples = sizes[leading..sizes.len() - 1].iter().product::<i64>() as usize;
        let sizes = DropConnectSizes { steps, samples, inputs: c.in_features, outputs: c.out_features };
        match (cx.train, on) {
            (true, on) => self.train(on.as_ref(), x, sizes, s),
            (false, Some(on)) => self.infer_on(&on, x, sizes, s),
            (false, None) => in_its_kind!(self.name, x, F => self.infer::<F>(x, sizes, s)),
        }
    }

    fn out_sizes(&self, x: &Tensor) -> Vec<i64> {
        let mut sizes = x.size();
        if let Some(last) = sizes.last_mut() {
            *last = self.config.out_features as i64;
        }
        sizes
    }

    /// The masks of the steps to come.
    fn draw(&self, sizes: DropConnectSizes, s: &mut DropConnectState) -> Result<(Source, Vec<u32>)> {
        let (layer, steps) = (self.name.as_str(), sizes.steps);
        let kept = s.dropped.as_ref().filter(|_| self.config.invariant);
        match kept {
            Some(dropped) if dropped.samples != sizes.samples => {
                Err(Error::Batch { layer: layer.into(), want: dropped.samples as i64, got: sizes.samples as i64 })
            }
            Some(dropped) => Ok((dropped.source.share(), vec![dropped.mask; steps])),
            None => {
                let wanted = if self.config.invariant { 1 } else { steps };
                let (source, mut drawn) = match s.take_masks(layer, wanted, sizes, self.bias.is_some())? {
                    Some(given) => (given, (0..wanted as u32).collect()),
                    None => {
                        let draws: Vec<_> = (0..wanted).map(|_| self.stream.draw()).collect();
                        let Some(first) = draws.first() else { return Err(Error::bug(layer, "a sequence without steps")) };
                        let source = Source::Drawn { seed: first.seed, stream: first.stream, p: self.config.p };
                        (source, draws.iter().map(|d| d.draw).collect::<Vec<u32>>())
                    }
                };
                let Some(&first) = drawn.first() else { return Err(Error::bug(layer, "no mask for a step")) };
                drawn.resize(steps, first);
                Ok((source, drawn))
            }
        }
    }

    /// The last of these masks, and a copy of what it was laid on: an optimiser changes weights in place.
    fn last(&self, source: Source, of_step: &[u32], samples: usize) -> Result<Dropped> {
        let layer = self.name.as_str();
        let Some(&mask) = of_step.last() else { return Err(Error::bug(layer, "a sequence without steps")) };
        let copy = |t: &Tensor| t.f_to_dtype(t.kind(), false, true).map_err(Error::in_layer(layer));
        Ok(Dropped { source, mask, samples, weight: copy(&self.weight)?, bias: self.bias.as_ref().map(copy).transpose()? })
    }

    fn train(&self, on: Option<&Launcher<'_>>, x: &Tensor, sizes: DropConnectSizes, s: &mut DropConnectState) -> Result<Tensor> {
        let layer = self.name.as_str();
        let (source, of_step) = self.draw(sizes, s)?;
        let last = self.last(source.share(), &of_step, sizes.samples)?;
        let node = Node { layer: layer.to_string(), source: source.drawn(), of_step, sizes, activation: self.config.activation };
        let [mask_w, mask_b] = source.tensors();
        let others = [Some(&self.weight), self.bias.as_ref(), mask_w, mask_b];
        let (read, y) = match on {
            Some(on) => {
                on.tell(&self.told, "DropConnectLinear");
                let (read, y) = (read_on(on, sizes, x, others)?, on.fresh(&self.out_sizes(x), on.kind)?);
                node.forward_on(on, &read, &y)?;
                (read, y)
            }
            None => in_its_kind!(layer, x, F => node.forward::<F>(x, others, &self.out_sizes(x)))?,
        };
        // Only now: masks that the kernel took can be looked at without an error.
        s.dropped = Some(last);

        let inputs: Vec<&Tensor> = [Some(x), Some(&self.weight), self.bias.as_ref()].into_iter().flatten().collect();
        if !recorded(&inputs) {
            return Ok(y);
        }
        let mut save: Vec<Save<'_>> = read.iter().map(|t| t.as_ref().map_or(Save::Nothing, Save::Tensor)).collect();
        save.push(Save::Output(0));
        let kinds: Vec<_> = inputs.iter().map(|t| t.kind()).collect();
        attach_one(layer, "DropConnectLinear", &inputs, y, &save, move |b| {
            let gradients = node.backward(&b)?;
            Ok(gradients.into_iter().zip(&kinds).map(|(g, &kind)| g.map(|g| g.f_to_kind(kind)).transpose()).collect::<Result<_, _>>()?)
        })
    }

    fn infer<F: Elements>(&self, x: &Tensor, sizes: DropConnectSizes, s: &mut DropConnectState) -> Result<Tensor> {
        let (layer, c) = (self.name.as_str(), &self.config);
        let (x_dense, w) = (dense(layer, x)?, dense_as::<F>(layer, Some(&self.weight))?);
        let b = dense_as::<F>(layer, self.bias.as_ref())?;
        let w = w.ok_or_else(|| Error::bug(layer, "its weight is gone"))?;
        let given = s.take_noise(layer, sizes, c.samples_num)?;
        let given = dense_as::<F>(layer, given.as_ref())?;
        let draws: Vec<_> = (0..if given.is_some() { 0 } else { sizes.steps }).map(|_| self.stream.draw()).collect();
        let of_step: Vec<u32> = draws.iter().map(|d| d.draw).collect();
        let noise = match (&given, draws.first()) {
            (None, Some(first)) => Noise::Drawn { seed: first.seed, stream: first.stream, of_step: &of_step },
            (given, _) => Noise::Given(opt_slice(layer, given.as_ref())?.unwrap_or(&[])),
        };
        let mut y = Fresh::<F>::new(layer, &self.out_sizes(x))?;
        let weights = Weights { w: F::slice(layer, &w)?, b: opt_slice(layer, b.as_ref())? };
        let inference = Inference { p: c.p, samples_num: c.samples_num, noise };
        drop_connect_infer(&weights, &inference, c.activation, sizes, F::slice(layer, &x_dense)?, y.elements())
            .map_err(|e| Error::bug(layer, e))?;
        Ok(y.into_tensor())
    }

    fn infer_on(&self, on: &Launcher<'_>, x: &Tensor, sizes: DropConnectSizes, s: &mut DropConnectState) -> Result<Tensor> {
        on.tell(&self.told, "DropConnectLinear");
        let (layer, c) = (self.name.as_str(), &self.config);
        let given = on.dense_opt(s.take_noise(layer, sizes, c.samples_num)?.as_ref(), on.compute())?;
        let draws: Vec<_> = (0..if given.is_some() { 0 } else { sizes.steps }).map(|_| self.stream.draw()).collect();
        let (seed, stream) = draws.first().map_or((0, 0), |first| (first.seed, first.stream));
        let of_step = if draws.is_empty() { vec![0; sizes.steps] } else { draws.iter().map(|d| d.draw).collect() };
        let node = Node { layer: layer.to_string(), source: None, of_step, sizes, activation: c.activation };
        let read = read_on(on, sizes, x, [Some(&self.weight), self.bias.as_ref(), None, None])?;
        let y = on.fresh(&self.out_sizes(x), on.kind)?;
        node.mean_on(on, &read, &Mean { p: c.p, samples_num: c.samples_num, seed, stream, noise: given.as_ref() }, &y)?;
        Ok(y)
    }
}

/// x, weight, bias and masks as the kernels of a device read them.
fn read_on(on: &Launcher<'_>, sizes: DropConnectSizes, x: &Tensor, others: [Option<&Tensor>; 4]) -> Result<Vec<Option<Tensor>>> {
    let (outputs, inputs) = (sizes.outputs as i64, sizes.inputs as i64);
    others[0].map_or(Ok(()), |weight| on.sized(weight, &[outputs, inputs]))?;
    others[1].map_or(Ok(()), |bias| on.sized(bias, &[outputs]))?;
    let x = on.dense(x, on.kind).map(Some);
    [x].into_iter().chain(others.map(|t| on.dense_opt(t, on.compute()))).collect()
}

/// What the kernels are given besides tensors. Those come as x, weight, bias, then the masks from elsewhere if there are any.
struct Node {
    layer: String,
    /// Seed, stream and share of drawn masks.
    source: Option<(u64, u32, f64)>,
    of_step: Vec<u32>,
    sizes: DropConnectSizes,
    activation: Activation,
}

impl Node {
    fn x<'a, F: Elements>(&self, read: &'a [Option<Tensor>]) -> Result<&'a [F]> {
        self.read(read, 0)?.ok_or_else(|| Error::bug(&self.layer, "its input is gone"))
    }

    fn weights<'a, F: Elements>(&self, read: &'a [Option<Tensor>]) -> Result<Weights<'a, F>> {
        let w = self.read(read, 1)?.ok_or_else(|| Error::bug(&self.layer, "its weight is gone"))?;
        Ok(Weights { w, b: self.read(read, 2)? })
    }

    fn masks<'a, F: Elements>(&'a self, read: &'a [Option<Tensor>]) -> Result<Masks<'a, F>> {
        let source = match self.source {
            Some((seed, stream, p)) => MaskSource::Drawn { seed, stream, p },
            None => MaskSource::Given { w: self.read(read, 3)?.unwrap_or(&[]), b: self.read(read, 4)? },
        };
        Ok(Masks { of_step: &self.of_step, source })
    }

    fn read<'a, F: Elements>(&self, read: &'a [Option<Tensor>], i: usize) -> Result<Option<&'a [F]>> {
        opt_slice(&self.layer, read.get(i).and_then(Option::as_ref))
    }

    /// The output, and what was read for it; `others` are weight, bias and masks from elsewhere.
    fn forward<F: Elements>(&self, x: &Tensor, others: [Option<&Tensor>; 4], out: &[i64]) -> Result<(Vec<Option<Tensor>>, Tensor)> {
        let layer = self.layer.as_str();
        let mut read = vec![Some(dense(layer, x)?)];
        for tensor in others {
            read.push(dense_as::<F>(layer, tensor)?);
        }
        let mut y = Fresh::<F>::new(layer, out)?;
        let (weights, masks) = (self.weights::<F>(&read)?, self.masks::<F>(&read)?);
        drop_connect(&weights, &masks, self.activation, self.sizes, self.x::<F>(&read)?, y.elements()).map_err(|e| Error::bug(layer, e))?;
        Ok((read, y.into_tensor()))
    }

    /// Gradients of x, weight and bias; the masks are computed again.
    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let [read @ .., Some(y)] = &b.saved[..] else { return Err("its output was not saved".into()) };
        // The masks of weight and bias are computed together.
        let wanted = [b.needs[0], b.needs[1..].contains(&true), b.needs[1..].contains(&true)];
        let gradients = match y.device() {
            Device::Cuda(_) => self.backward_on(&Launcher::at(&self.layer, y, y.kind())?, read, y, grad, wanted)?,
            _ => in_its_kind!(self.layer, y, F => self.backward_in::<F>(read, y, grad, wanted))?,
        };
        Ok(gradients.into_iter().take(b.needs.len()).collect())
    }

    fn backward_in<F: Elements>(
        &self,
        read: &[Option<Tensor>],
        y: &Tensor,
        grad: &Tensor,
        wanted: [bool; 3],
    ) -> Result<[Option<Tensor>; 3]> {
        let layer = self.layer.as_str();
        let grad = dense_as::<F>(layer, Some(grad))?.ok_or_else(|| Error::bug(layer, "its gradient is gone"))?;
        let fresh = |i: usize| match &read[i] {
            Some(t) if wanted[i] => Fresh::<F>::new(layer, &t.size()).map(Some),
            _ => Ok(None),
        };
        let (mut grad_x, mut grad_w, mut grad_b) = (fresh(0)?, fresh(1)?, fresh(2)?);
        let out = DropConnectGrads {
            x: grad_x.as_mut().map(Fresh::elements),
            w: grad_w.as_mut().map(Fresh::elements),
            b: grad_b.as_mut().map(Fresh::elements),
        };
        let (weights, masks, y) = (self.weights::<F>(read)?, self.masks::<F>(read)?, F::slice(layer, y)?);
        drop_connect_backward(&weights, &masks, self.activation, self.sizes, self.x::<F>(read)?, y, F::slice(layer, &grad)?, out)
            .map_err(|e| Error::bug(layer, e))?;
        Ok([grad_x, grad_w, grad_b].map(|g| g.map(Fresh::into_tensor)))
    }
}

impl Layer for DropConnectLinear {
    type Config = DropConnectLinearConfig;
    type State = DropConnectState;

    fn build(scope: &Scope<'_>, c: DropConnectLinearConfig) -> Result<Self> {
        positive(scope, &[("in_features", c.in_features), ("out_features", c.out_features), ("samples_num", c.samples_num)])?;
        snn_infer::__private::check_share("p", c.p).map_err(Error::refused(scope))?;
        let weight = uniform(scope, "weight", &[c.out_features, c.in_features], c.in_features)?;
        let bias = if c.bias { Some(uniform(scope, "bias", &[c.out_features], c.in_features)?) } else { None };
        Ok(DropConnectLinear { weight, bias, config: c, name: scope.name().to_string(), stream: Stream::new(scope), told: Once::new() })
    }

    fn state(&self) -> DropConnectState {
        DropConnectState::default()
    }

    fn step(&self, x: &Tensor, s: &mut DropConnectState, cx: &Cx) -> Result<Tensor> {
        self.run(x, 0, s, cx)
    }

    fn sequence(&self, x: &Tensor, s: &mut DropConnectState, cx: &Cx) -> Result<Tensor> {
        self.run(x, 1, s, cx)
    }
}

/// The weights under the last mask, computed for whoever looks: `[samples, out, in]` and `[samples, out]`.
pub(crate) fn dropped(layer: &str, d: &Dropped) -> Result<(Tensor, Option<Tensor>)> {
    let size = d.weight.size();
    let sizes = DropConnectSizes { steps: 1, samples: d.samples, inputs: size[1] as usize, outputs: size[0] as usize };
    let here = |t: Option<&Tensor>| {
        let t = t.map(|t| t.f_to_device(Device::Cpu)).transpose().map_err(Error::in_layer(layer))?;
        dense_as::<f32>(layer, t.as_ref())
    };
    let [w, b] = d.source.tensors().map(here);
    let node = Node { layer: layer.to_string(), source: d.source.drawn(), of_step: vec![d.mask], sizes, activation: Activation::Identity };
    let read = [None, None, None, w?, b?];
    let mut mask_w = Fresh::<f32>::new(layer, &[d.samples as i64, size[0], size[1]])?;
    let mut mask_b = if d.bias.is_some() { Some(Fresh::<f32>::new(layer, &[d.samples as i64, size[0]])?) } else { None };
    drop_connect_masks(&node.masks::<f32>(&read)?, sizes, mask_w.elements(), mask_b.as_mut().map(Fresh::elements))
        .map_err(|e| Error::bug(layer, e))?;
    let under = |weight: &Tensor, mask: Fresh<f32>| {
        let mask = mask.into_tensor().f_to_device(weight.device());
        mask.and_then(|mask| weight.f_mul(&mask)).map_err(Error::in_layer(layer))
    };
    let b = d.bias.as_ref().zip(mask_b).map(|(bias, mask)| under(bias, mask)).transpose()?;
    Ok((under(&d.weight, mask_w)?, b))
}
