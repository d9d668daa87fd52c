//! A net of the benchmark behind one interface. In: the work; out: its weights, a forward pass on plain tensors, and the file
//! of weights, inputs and targets that every framework loads.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use snn::monitor::FiringRate;
use snn::{Device, Kind, Recording, Tensor, infer, nn, no_grad};

use crate::nets::{Csnn, Dense, Lif, SewResNet18};
use crate::protocol::{Net, Task, Work};

const SEED: i64 = 2026;
const CLASSES: i64 = 10;
/// The share of inputs of `Dense` that are spikes.
const INPUT_RATE: f64 = 0.1;
/// The share of a batch's statistics in the running ones of a norm.
const MOMENTUM: f64 = 0.1;

type Forward = Box<dyn Fn(&Tensor, bool) -> snn::Result<Tensor>>;
type Freeze = Box<dyn Fn() -> snn::Result<infer::Model>>;
type Firing = Box<dyn Fn(&Tensor) -> snn::Result<Vec<FiringRate>>>;

/// A built net.
pub(crate) struct Model {
    pub(crate) vs: nn::VarStore,
    forward: Forward,
    freeze: Freeze,
    /// Rates of inner layers; without it, the output is made of spikes.
    firing: Option<Firing>,
}

macro_rules! model {
    ($net:ty, $device:expr) => {{
        let vs = nn::VarStore::new($device);
        let net = Rc::new(<$net>::new(&vs.root())?);
        let same = Rc::clone(&net);
        let forward: Forward = Box::new(move |x, train| Ok(net.forward_t(&<$net>::input(x.shallow_clone())?, train)?.into_tensor()));
        Model { vs, forward, freeze: Box::new(move || Ok(same.freeze()?.into_model())), firing: None }
    }};
}

impl Model {
    /// Fresh weights on that device.
    ///
    /// # Errors
    /// If no net of that size was compiled.
    pub(crate) fn build(work: &Work, device: Device) -> Result<Model> {
        snn::manual_seed(SEED);
        Ok(match work.net {
            Net::Lif { steps: 4 } => model!(Lif<4>, device),
            Net::Lif { steps: 8 } => model!(Lif<8>, device),
            Net::Lif { steps: 16 } => model!(Lif<16>, device),
            Net::Lif { steps: 32 } => model!(Lif<32>, device),
            Net::Lif { steps: 64 } => model!(Lif<64>, device),
            Net::Lif { steps: 128 } => model!(Lif<128>, device),
            Net::Lif { steps } => bail!("there is no Lif net of {steps} steps: 4, 8, 16, 32, 64, 128"),
            Net::Dense { features: 512 } => model!(Dense<512>, device),
            Net::Dense { features: 2048 } => model!(Dense<2048>, device),
            Net::Dense { features } => bail!("there is no Dense net of {features} features: 512, 2048"),
            Net::Csnn { .. } => csnn(device)?,
            Net::SewResnet18 => model!(SewResNet18<64, 32, 10>, device),
        })
    }

    /// The net's answer, without time where the net ends it.
    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        Ok((self.forward)(x, train)?)
    }

    /// The net without libtorch, with its weights as they are.
    pub(crate) fn freeze(&self) -> Result<infer::Model> {
        Ok((self.freeze)()?)
    }

    /// Writes weights, inputs and targets to `file`: the same ones for the same work. How often its neurons fire.
    pub(crate) fn draw(self, work: &Work, file: &Path) -> Result<Vec<(String, f64)>> {
        let x = input(work);
        no_grad(|| self.settle(work, &x))?;
        let y = no_grad(|| self.forward(&x, false))?;
        let mut tensors: Vec<(String, Tensor)> = self.vs.variables().into_iter().map(|(name, t)| (format!("weight.{name}"), t)).collect();
        tensors.push(("x".to_string(), x.shallow_clone()));
        match work.task {
            Task::Backward => tensors.push(("upstream".to_string(), y.rand_like())),
            Task::Train => {
                let labels = Tensor::f_randint(CLASSES, [work.batch], (Kind::Int64, Device::Cpu))?;
                tensors.push(("target".to_string(), labels.onehot(CLASSES)));
            }
            Task::Forward | Task::Infer => {}
        }
        Tensor::write_safetensors(&tensors, file).with_context(|| format!("cannot write {}", file.display()))?;
        let rates = match &self.firing {
            Some(firing) => no_grad(|| firing(&x))?,
            None if matches!(work.net, Net::SewResnet18) => Vec::new(), // its output is no spikes
            None => vec![FiringRate::of("sn", &y)?],
        };
        Ok(rates.into_iter().map(|rate| (rate.layer, rate.rate)).collect())
    }

    /// Makes the net fire as often as the work asks for, and sets the norms' running statistics to those of `x`, as after a long training.
    fn settle(&self, work: &Work, x: &Tensor) -> Result<()> {
        let ending = |end: &'static str| self.vs.variables().into_iter().filter(move |(name, _)| name.ends_with(end));
        let running = || ending(".running_mean").chain(ending(".running_var"));
        if let Net::Csnn { bias } = work.net {
            for (_, mut variable) in ending(".bias") {
                let _ = variable.f_fill_(bias)?;
            }
        }
        // Fresh linear weights are too small for the neurons behind them to fire as they do after training.
        let gain = match work.net {
            Net::Csnn { .. } => 4.0,
            Net::Dense { .. } => 8.0,
            Net::Lif { .. } | Net::SewResnet18 => 1.0,
        };
        for (_, mut variable) in ending(".weight").filter(|(name, _)| name.starts_with("fc")) {
            let _ = variable.f_mul_scalar_(gain)?;
        }
        for (_, mut variable) in running() {
            let _ = variable.f_zero_()?;
        }
        let _ = self.forward(x, true)?;
        for (_, mut variable) in running() {
            let _ = variable.f_div_scalar_(MOMENTUM)?;
        }
        Ok(())
    }

    /// Takes the weights of the file's tensors.
    pub(crate) fn load(&mut self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        no_grad(|| {
            for (name, mut variable) in self.vs.variables() {
                let stored = tensors.get(&format!("weight.{name}")).with_context(|| format!("the file has no weights {name}"))?;
                variable.f_copy_(stored)?;
            }
            Ok(())
        })
    }
}

/// The one net with inner layers whose spikes are recorded.
fn csnn(device: Device) -> Result<Model> {
    let vs = nn::VarStore::new(device);
    let net = Rc::new(Csnn::new(&vs.root())?);
    let (recorded, same) = (Rc::clone(&net), Rc::clone(&net));
    let forward: Forward = Box::new(move |x, train| Ok(net.forward_t(&Csnn::input(x.shallow_clone())?, train)?.into_tensor()));
    let firing: Firing = Box::new(move |x| {
        let (_, rec) = recorded.forward_recorded(&Csnn::input(x.shallow_clone())?, false)?;
        Ok(rec.firing_rates()?.layers)
    });
    Ok(Model { vs, forward, freeze: Box::new(move || Ok(same.freeze()?.into_model())), firing: Some(firing) })
}

/// Random numbers; for `Dense`, random spikes.
fn input(work: &Work) -> Tensor {
    let rand = |size: &[i64]| Tensor::rand(size, (Kind::Float, Device::Cpu));
    match work.net {
        Net::Lif { steps } => rand(&[steps as i64, work.batch, 128, 14, 14]) * 2.0,
        Net::Csnn { .. } => rand(&[work.batch, 1, 28, 28]),
        Net::Dense { features } => rand(&[500, work.batch, features as i64]).lt(INPUT_RATE).to_kind(Kind::Float),
        Net::SewResnet18 => rand(&[work.batch, 3, 32, 32]),
    }
}
