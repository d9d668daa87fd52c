//! Adam in one pass over the weights. In: the variables of a store, and their gradients; out: the variables moved on.

use std::collections::HashMap;

use snn_kernels::AdamStep;
use snn_kernels::cuda::{ADAM, AdamArguments, AdamKernel};
use tch::{Device, Tensor, nn};

use crate::autograd::forget_gradient;
use crate::cuda::{Launcher, address};
use crate::elements::{Elements, dense_as, in_its_kind, on};
use crate::error::{Error, Result};

/// What errors name.
const NAME: &str = "Adam";

/// Arguments of [`Adam`], torch's and its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// How far a weight moves at most, about.
    pub lr: f64,
    /// How much of the first and the second moment stays from step to step.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// The share of a weight that counts as its gradient.
    pub weight_decay: f64,
    /// Is `weight_decay` taken off the weight instead (times `lr`), as `torch.optim.AdamW` does?
    pub decoupled_weight_decay: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0, decoupled_weight_decay: false }
    }
}

impl AdamConfig {
    fn check(&self) -> Result<()> {
        let wrong = |argument, wants: &str, got: f64| Err(Error::argument(NAME, argument, format!("must be {wants}, but is {got:?}"), ""));
        for (argument, got) in [("lr", self.lr), ("eps", self.eps), ("weight_decay", self.weight_decay)] {
            if !(got >= 0.0 && got.is_finite()) {
                return wrong(argument, "a number from 0 up", got);
            }
        }
        match self.betas.into_iter().find(|beta| !(0.0..1.0).contains(beta)) {
            Some(got) => wrong("betas", "from 0 to below 1", got),
            None => Ok(()),
        }
    }
}

/// "Adam: A Method for Stochastic Optimization" (Kingma and Ba, ICLR 2015), in one kernel per weight: gradient, weight and both
/// moments are read once, and nothing else is allocated. On a CUDA device it is a kernel of the same bits, and nothing is waited for.
///
/// PyTorch equivalent: `torch.optim.Adam(..)`, with `fused=True`; `torch.optim.AdamW(..)` with `decoupled_weight_decay`. tch's `nn::Adam` computes
/// the same in about ten passes.
///
/// ```
/// use snn_runtime::train::{Adam, AdamConfig};
/// use snn_runtime::{Device, Kind, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let w = vs.root().ones("w", &[3]);
/// let mut optimizer = Adam::new(&vs, AdamConfig { lr: 0.1, ..Default::default() })?;
/// optimizer.zero_grad();
/// (&w * &w).sum(Kind::Float).backward();
/// optimizer.step()?;
/// assert!((w.double_value(&[0]) - 0.9).abs() < 1e-6);
/// # Ok::<(), snn_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    weights: Vec<Weight>,
}

/// A variable with what is remembered of its gradients.
#[derive(Debug)]
struct Weight {
    /// As the store has it; empty if it has none.
    name: String,
    value: Tensor,
    /// Both moments, once there was a gradient.
    moments: Option<[Tensor; 2]>,
    steps: i32,
}

impl Adam {
    /// Of the trainable variables that the store holds now.
    ///
    /// # Errors
    ///
    /// An argument that it cannot work with, or a variable that is neither on the CPU nor on a CUDA device.
    pub fn new(vs: &nn::VarStore, config: AdamConfig) -> Result<Adam> {
        config.check()?;
        // The store tells names and what is trained apart: the same tensor has the same memory.
        let place = |t: &Tensor| (!t.is_sparse() && !t.is_mkldnn()).then(|| t.data_ptr() as usize);
        let names: HashMap<_, _> = vs.variables().into_iter().map(|(name, t)| (place(&t), name)).collect();
        let weight = |value: Tensor| -> Result<Weight> {
            if !matches!(value.device(), Device::Cuda(_)) {
                on(NAME, &value, Device::Cpu)?;
            }
            Ok(Weight { name: names.get(&place(&value)).cloned().unwrap_or_default(), value, moments: None, steps: 0 })
        };
        Ok(Adam { config, weights: vs.trainable_variables().into_iter().map(weight).collect::<Result<_>>()? })
    }

    /// What it works with.
    pub fn config(&self) -> &AdamConfig {
        &self.config
    }

    /// Another learning rate from here on.
    pub fn set_lr(&mut self, lr: f64) {
        self.config.lr = lr;
    }

    /// Steps and moments of each variable, in the order of the store's trainable variables.
    pub(crate) fn memory(&self) -> impl Iterator<Item = (i32, Option<&[Tensor; 2]>)> {
        self.weights.iter().map(|weight| (weight.steps, weight.moments.as_ref()))
    }

    /// Goes on from what [`memory`](Self::memory) gave: one entry per variable, whose sizes have been compared.
    pub(crate) fn remember(&mut self, memory: Vec<(i32, Option<[Tensor; 2]>)>) {
        for (weight, (steps, moments)) in self.weights.iter_mut().zip(memory) {
            (weight.steps, weight.moments) = (steps, moments);
        }
    }

    /// Forgets the gradients, like torch's `zero_grad(set_to_none=True)`.
    pub fn zero_grad(&mut self) {
        self.weights.iter_mut().for_each(|weight| forget_gradient(&mut weight.value));
    }

    /// Moves every variable that has a gradient.
    ///
    /// # Errors
    ///
    /// A gradient that is not dense numbers on the variable's device, a variable that is neither `Float` nor `Double` or has other sizes than at
    /// its first step, a learning rate that is no number from 0 up, or a device whose kernels do not run.
    pub fn step(&mut self) -> Result<()> {
        self.config.check()?;
        let config = self.config;
        self.weights.iter_mut().try_for_each(|weight| match Launcher::of(NAME, &weight.value)? {
            Some(on) if on.kind == on.compute() => weight.step_on(&on, &config),
            _ => in_its_kind!(NAME, weight.value, F => weight.step::<F>(&config)),
        })
    }
}

impl Weight {
    /// The moments that fit the value as it is now: `VarStore::set_device`, `double` and their like replace the data under a variable. They lie in
    /// memory as the kernels read weights.
    fn fitting(&self) -> Result<[Tensor; 2]> {
        let (sizes, kind, device) = (self.value.size(), self.value.kind(), self.value.device());
        let Some([first, second]) = &self.moments else {
            let zeros = || Tensor::f_zeros(&sizes[..], (kind, device));
            return Ok([zeros()?, zeros()?]);
        };
        if let Some(other) = [first, second].into_iter().find(|moment| moment.size() != sizes) {
            let wants = format!("`{}` with sizes {:?}, as its moments have", self.name, other.size());
            return Err(Error::shape(NAME, wants, &sizes, "make a new `Adam` for it"));
        }
        let moved = |moment: &Tensor| moment.f_to_device(device)?.f_to_kind(kind);
        Ok([moved(first)?, moved(second)?])
    }

    /// The numbers of its next step, before which there are moments that fit.
    fn next(&mut self, config: &AdamConfig) -> Result<AdamStep> {
        let (sizes, kind, device) = (self.value.size(), self.value.kind(), self.value.device());
        let fits = |moment: &Tensor| moment.size() == sizes && moment.kind() == kind && moment.device() == device;
        if !self.moments.as_ref().is_some_and(|moments| moments.iter().all(fits)) {
            self.moments = Some(self.fitting()?);
        }
        self.steps += 1;
        let correction = config.betas.map(|beta| 1.0 - beta.powi(self.steps));
        let decay = |decoupled: bool| if config.decoupled_weight_decay == decoupled { config.weight_decay } else { 0.0 };
        Ok(AdamStep {
            betas: config.betas,
            eps: config.eps,
            step_size: config.lr / correction[0],
            root_correction: correction[1].sqrt(),
            decay: decay(false),
            shrink: config.lr * decay(true),
        })
    }

    fn step<F: Elements>(&mut self, config: &AdamConfig) -> Result<()> {
        let grad = self.value.grad();
        if !grad.defined() {
            return Ok(());
        }
        let grad = dense_as::<F>(NAME, Some(&grad))?.ok_or_else(|| Error::bug(NAME, "a gradient was lost"))?;
        let step = self.next(config)?;
        let mut value = self.value.detach();
        let Some([first, second]) = &mut self.moments else { return Err(Error::bug(NAME, "moments were lost")) };
        let weights = F::slice_mut(NAME, &mut value)?;
        snn_kernels::adam(&step, weights, F::slice(NAME, &grad)?, F::slice_mut(NAME, first)?, F::slice_mut(NAME, second)?)
            .map_err(|e| Error::bug(NAME, e))?;
        self.tell()
    }

    fn step_on(&mut self, on: &Launcher<'_>, config: &AdamConfig) -> Result<()> {
        let grad = self.value.grad();
        if !grad.defined() {
            return Ok(());
        }
        if !self.value.is_contiguous() {
            return Err(Error::bug(NAME, format!("its kernel was given {:?}", self.value)));
        }
        let grad = on.dense(&grad, on.kind)?;
        let step = self.next(config)?;
        let Some([first, second]) = &self.moments else { return Err(Error::bug(NAME, "moments were lost")) };
        let [weights, grads, first, second] = [&self.value, &grad, first, second].map(address);
        let (kernel, elements) = (AdamKernel { element: on.element }, self.value.numel());
        let call = AdamArguments {
            weights,
            grads,
            first,
            second,
            numbers: step.numbers(),
            elements: elements as u64,
            wide: on.wide(0, [weights, grads, first, second]),
            padding: 0,
        };
        // SAFETY: the kernel's own argument; all four are on this device, of one kind, dense and of that many elements.
        unsafe { on.call(&kernel.source(), ADAM, kernel.blocks(elements), call) }?;
        self.tell()
    }

    /// To libtorch nothing has happened yet: a graph that kept the old weights has to notice.
    fn tell(&self) -> Result<()> {
        let _ = tch::no_grad(|| self.value.f_view([-1])?.f_narrow(0, 0, 0)?.f_zero_())?;
        Ok(())
    }
}
