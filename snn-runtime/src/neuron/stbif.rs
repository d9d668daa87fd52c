//! `STBIFNode`: a quantised activation as spikes of both signs, for nets converted from a quantised one.

mod device;

use std::sync::Once;

use snn_kernels::{Stbif, StbifState};
use tch::Tensor;

use crate::autograd::{attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, in_its_kind};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::report::probe;
use crate::scope::Scope;
use crate::state::{State, check_sizes, steps_of};
use crate::weights::buffer_of;

/// Arguments of [`STBIFNode`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
pub struct STBIFNodeConfig {
    /// Height of a spike: the step of the quantiser.
    pub q_threshold: f64,
    /// Levels of the quantiser, at least 2.
    pub level: usize,
    /// Do the levels lie on both sides of 0? Else from 0 up.
    pub sym: bool,
    /// The highest level; `None`: as `level` and `sym` have it.
    pub pos_max: Option<f64>,
    /// The lowest level; `None`: as `level` and `sym` have it.
    pub neg_min: Option<f64>,
}

impl STBIFNodeConfig {
    /// SpikingJelly's defaults for the rest: levels from 0 up.
    pub fn new(q_threshold: f64, level: usize) -> Self {
        STBIFNodeConfig { q_threshold, level, sym: false, pos_max: None, neg_min: None }
    }

    /// The highest and the lowest level.
    fn range(&self) -> (f64, f64) {
        let level = self.level as f64;
        let (highest, lowest) = if self.sym { ((level / 2.0).floor() - 1.0, (-level / 2.0).floor()) } else { (level - 1.0, 0.0) };
        (self.pos_max.unwrap_or(highest), self.neg_min.unwrap_or(lowest))
    }
}

/// Spike-tracing bipolar integrate and fire, from "SpikeZIP-TF: Conversion is All You Need for Transformer-based SNN" (You et al., ICML
/// 2024): over time its spikes add up to the quantised sum of its inputs.
///
/// q = q + x / q_threshold, from 1/2; c = 1 where q >= 1 and fewer than `pos_max` spikes were sent, -1 where q < 0 and more than
/// `neg_min` were, else 0; the spike is c q_threshold, and c leaves q. SpikingJelly equivalent: `neuron.STBIFNode(..)`.
///
/// It is made for inference: a gradient that reaches it is an error of `backward()`.
///
/// # Shapes
///
/// Any; the state has three tensors with the sizes of one step.
#[derive(Debug)]
pub struct STBIFNode {
    /// One number, not learned.
    pub q_threshold: Tensor,
    /// One number, not learned: the highest level.
    pub pos_max: Tensor,
    /// One number, not learned: the lowest level.
    pub neg_min: Tensor,
    config: STBIFNodeConfig,
    name: String,
    /// Said which kernel it has on a device?
    told: Once,
}

impl STBIFNode {
    fn new(scope: &Scope<'_>, config: STBIFNodeConfig) -> Result<Self> {
        let argument = |name, problem: String, help| Err(Error::argument(scope.name(), name, problem, help));
        if config.level < 2 {
            return argument("level", format!("must be at least 2, but is {}", config.level), "a quantiser of one level says nothing");
        }
        if !(config.q_threshold > 0.0 && config.q_threshold.is_finite()) {
            return argument(
                "q_threshold",
                format!("must be greater than 0, but is {:?}", config.q_threshold),
                "it is the step of the quantiser",
            );
        }
        let (pos_max, neg_min) = config.range();
        if !(pos_max >= neg_min && pos_max.is_finite() && neg_min.is_finite()) {
            return argument("pos_max", format!("must be at least `neg_min`, which is {neg_min:?}, but is {pos_max:?}"), "");
        }
        let number = |name, value: f64| {
            let tensor = Tensor::f_full([0; 0], value, (scope.path().kind(), scope.path().device()));
            buffer_of(scope, name, tensor.map_err(Error::in_layer(scope.name()))?)
        };
        let q_threshold = number("q_threshold", config.q_threshold)?;
        let (pos_max, neg_min) = (number("pos_max", pos_max)?, number("neg_min", neg_min)?);
        Ok(STBIFNode { q_threshold, pos_max, neg_min, config, name: scope.name().to_string(), told: Once::new() })
    }

    /// What it was built with.
    pub fn config(&self) -> &STBIFNodeConfig {
        &self.config
    }

    fn run<F: Elements>(&self, x: &Tensor, s: &mut STBIFState) -> Result<Tensor> {
        let torch = Error::in_layer;
        let sizes = x.size();
        let (steps, step) = steps_of(&self.name, &sizes)?;
        let value = |t: &Tensor| t.f_double_value(&[]).map(F::of).map_err(torch(&self.name));
        let kernel = Stbif { q_threshold: value(&self.q_threshold)?, pos_max: value(&self.pos_max)?, neg_min: value(&self.neg_min)? };
        // The kernel moves these on in place: they are copies, and the state's own stay as they are if anything fails.
        let from = |stored: &Option<Tensor>, start: f64| -> Result<Fresh<F>> {
            let mut fresh = Fresh::<F>::new(&self.name, step)?;
            match stored {
                None => fresh.elements().fill(F::of(start)),
                Some(stored) => {
                    check_sizes(&self.name, stored, step)?;
                    let stored = dense(&self.name, &stored.f_to_kind(F::KIND).map_err(torch(&self.name))?)?;
                    fresh.elements().copy_from_slice(F::slice(&self.name, &stored)?);
                }
            }
            Ok(fresh)
        };
        let (mut q, mut acc_q, mut cur_output) = (from(&s.q, 0.5)?, from(&s.acc_q, 0.0)?, from(&s.cur_output, 0.0)?);
        let mut spikes = Fresh::<F>::new(&self.name, &sizes)?;
        let state = StbifState { q: q.elements(), acc_q: acc_q.elements(), cur_output: cur_output.elements() };
        let dense_x = dense(&self.name, x)?;
        kernel.forward(steps, F::slice(&self.name, &dense_x)?, state, spikes.elements()).map_err(|e| Error::bug(&self.name, e))?;
        (s.q, s.acc_q, s.cur_output) = (Some(q.into_tensor()), Some(acc_q.into_tensor()), Some(cur_output.into_tensor()));
        let spikes = spikes.into_tensor();
        probe::fired(&self.name, &spikes, 1).map_err(torch(&self.name))?;
        self.refuse_gradient(x, spikes)
    }

    /// A node whose backward is an error: silence would look like training.
    fn refuse_gradient(&self, x: &Tensor, spikes: Tensor) -> Result<Tensor> {
        if !recorded(&[x]) {
            return Ok(spikes);
        }
        let layer = self.name.clone();
        let refuse = move |_: crate::autograd::Backward<'_>| -> crate::autograd::Gradients {
            Err(format!("{layer}: `STBIFNode` has no gradient\n  help: train the quantised net, and convert it afterwards").into())
        };
        attach_one(&self.name, "STBIFNode", &[x], spikes, &[], refuse)
    }
}

/// What [`STBIFNode`] remembers.
#[derive(Debug, Default)]
pub struct STBIFState {
    /// `[N, ..]`: what is left over, in steps of the threshold; `None` at 1/2, before the first step.
    pub q: Option<Tensor>,
    /// `[N, ..]`: spikes so far, up minus down; `None` at 0.
    pub acc_q: Option<Tensor>,
    /// `[N, ..]`: -1, 0 or 1 at the last step; `None` before the first.
    pub cur_output: Option<Tensor>,
}

impl State for STBIFState {
    fn reset(&mut self) {
        *self = STBIFState::default();
    }

    /// Nothing to cut: there is no gradient.
    fn detach(&mut self) {}

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        for (name, t) in [("q", &self.q), ("acc_q", &self.acc_q), ("cur_output", &self.cur_output)] {
            if let Some(t) = t {
                f(name, t);
            }
        }
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        [&mut self.q, &mut self.acc_q, &mut self.cur_output].into_iter().for_each(|t| t.visit_mut(f));
    }

    fn shallow_clone(&self) -> Self {
        STBIFState { q: self.q.shallow_clone(), acc_q: self.acc_q.shallow_clone(), cur_output: self.cur_output.shallow_clone() }
    }
}

impl Layer for STBIFNode {
    type Config = STBIFNodeConfig;
    type State = STBIFState;

    fn build(scope: &Scope<'_>, config: STBIFNodeConfig) -> Result<Self> {
        STBIFNode::new(scope, config)
    }

    fn state(&self) -> STBIFState {
        STBIFState::default()
    }

    fn step(&self, x: &Tensor, s: &mut STBIFState, cx: &Cx) -> Result<Tensor> {
        let x = x.f_unsqueeze(0).map_err(Error::in_layer(&self.name))?;
        self.sequence(&x, s, cx)?.f_squeeze_dim(0).map_err(Error::in_layer(&self.name))
    }

    fn sequence(&self, x: &Tensor, s: &mut STBIFState, _: &Cx) -> Result<Tensor> {
        match Launcher::of(&self.name, x)? {
            Some(on) => self.run_on(&on, x, s),
            None => in_its_kind!(self.name, x, F => self.run::<F>(x, s)),
        }
    }
}
