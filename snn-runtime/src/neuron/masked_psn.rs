//! `MaskedPSN`: a `PSN` that unlearns the future. Its weights fade out of all steps but the last k as lambda goes from 0 to 1.

pub use snn_infer::MaskedPSNConfig;
use tch::nn::Init;
use tch::{TchError, Tensor};

use super::firing::Firing;
use super::parallel::{Parallel, Sees, check_steps};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::state::{QueueState, State};
use crate::weights::{buffer_of, learnable, uniform};

/// Masked parallel spiking neuron, from "Parallel Spiking Neurons with High Efficiency and Long-term Dependencies Learning Ability"
/// (Fang et al., NeurIPS 2023).
///
/// h = (weight * (lambda mask0 + (1 - lambda))) x + bias, s = 1 where h >= 0; mask0 is 1 for a step's own input and the k - 1 before
/// it. From lambda = 1 on no step sees the future: only then can it run step by step, which gives what the whole sequence gives.
/// Raise it with [`set_lambda`](MaskedPSN::set_lambda) while training. SpikingJelly equivalent: `neuron.MaskedPSN(..)`.
///
/// A whole sequence stands for itself: it must not come in the middle of another that runs step by step.
///
/// # Shapes
///
/// `[T, N, ..]` to the same, with exactly the T it was built for; step by step `[N, ..]`, up to T times.
#[derive(Debug)]
pub struct MaskedPSN {
    /// `[T, T]`: by output step, then by input step.
    pub weight: Tensor,
    /// `[T, 1]`: starts at -1.
    pub bias: Tensor,
    /// One number, not learned.
    pub lambda: Tensor,
    /// `[T, T]`: 1 for what a step sees in the end. Not learned.
    pub mask0: Tensor,
    /// `[T, T]`: what a step sees at first, all ones. Not learned.
    pub mask1: Tensor,
    config: MaskedPSNConfig,
    firing: Firing,
    name: String,
}

impl MaskedPSN {
    fn new(scope: &Scope<'_>, config: MaskedPSNConfig) -> Result<Self> {
        config.check().map_err(Error::refused(scope))?;
        let firing = Firing::new(scope, config.surrogate_function)?;
        let weight = uniform(scope, "weight", &[config.T, config.T], config.T)?;
        let bias = learnable(scope, "bias", &[config.T, 1], Init::Const(-1.0))?;
        let [lambda, mask0, mask1] = masks(scope, &config).map_err(Error::in_layer(scope.name()))?;
        let lambda = buffer_of(scope, "_lambda_", lambda)?;
        let (mask0, mask1) = (buffer_of(scope, "mask0", mask0)?, buffer_of(scope, "mask1", mask1)?);
        Ok(MaskedPSN { weight, bias, lambda, mask0, mask1, config, firing, name: scope.name().to_string() })
    }

    /// What it was built with.
    pub fn config(&self) -> &MaskedPSNConfig {
        &self.config
    }

    /// lambda as it is now.
    ///
    /// # Errors
    ///
    /// libtorch cannot read it.
    pub fn lambda(&self) -> Result<f64> {
        self.lambda.f_double_value(&[]).map_err(Error::in_layer(&self.name))
    }

    /// Sets lambda: as a rule to epoch / (epochs - 1), so that training ends at 1.
    ///
    /// # Errors
    ///
    /// It is not 0 or more.
    pub fn set_lambda(&self, lambda: f64) -> Result<()> {
        check_lambda(&self.name, "lambda", lambda)?;
        let _filled = tch::no_grad(|| self.lambda.shallow_clone().f_fill_(lambda)).map_err(Error::in_layer(&self.name))?;
        Ok(())
    }

    /// The weights with their mask, and how far back a step sees.
    fn masked(&self) -> Result<(Tensor, Option<usize>)> {
        let lambda = self.lambda()?;
        let mask = || match lambda >= 1.0 {
            true => Ok(self.mask0.shallow_clone()),
            false => self.mask0.f_mul_scalar(lambda)?.f_add(&self.mask1.f_mul_scalar(1.0 - lambda)?),
        };
        let weight = mask().and_then(|mask| self.weight.f_mul(&mask)).map_err(Error::in_layer(&self.name))?;
        Ok((weight, (lambda >= 1.0).then_some(self.config.k)))
    }

    fn at_work<'a>(&'a self, weight: &'a Tensor, bias: &'a Tensor, window: Option<usize>) -> Parallel<'a> {
        let (layer, firing, sees) = (&self.name, &self.firing, Sees::Matrix(window));
        Parallel { layer, label: "MaskedPSN", firing, sees, weight, bias }
    }
}

/// lambda, mask0 and mask1.
fn masks(scope: &Scope<'_>, config: &MaskedPSNConfig) -> Result<[Tensor; 3], TchError> {
    let (steps, options) = (config.T as i64, (scope.path().kind(), scope.path().device()));
    let all = Tensor::f_ones([steps, steps], options)?;
    Ok([Tensor::f_full([0; 0], config.lambda_init, options)?, all.f_tril(0)?.f_triu(1 - config.k as i64)?, all])
}

fn check_lambda(layer: &str, argument: &str, lambda: f64) -> Result<()> {
    if lambda >= 0.0 {
        return Ok(());
    }
    Err(Error::argument(layer, argument, format!("must be 0 or more, but is {lambda:?}"), "0 sees every step, 1 the last k"))
}

/// What [`MaskedPSN`] remembers, step by step. A sequence that comes at once changes nothing.
#[derive(Debug, Default)]
pub struct MaskedPSNState {
    /// Steps since the reset.
    pub time_step: usize,
    /// The inputs of the last k steps.
    pub inputs: QueueState,
}

impl State for MaskedPSNState {
    fn reset(&mut self) {
        self.time_step = 0;
        self.inputs.reset();
    }

    fn detach(&mut self) {
        self.inputs.detach();
    }

    fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
        f("time_step", &Tensor::from(self.time_step as i64));
        self.inputs.visit(f);
    }

    fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.inputs.visit_mut(f);
    }

    fn shallow_clone(&self) -> Self {
        MaskedPSNState { time_step: self.time_step, inputs: self.inputs.shallow_clone() }
    }
}

impl Layer for MaskedPSN {
    type Config = MaskedPSNConfig;
    type State = MaskedPSNState;

    fn build(scope: &Scope<'_>, config: MaskedPSNConfig) -> Result<Self> {
        MaskedPSN::new(scope, config)
    }

    fn state(&self) -> MaskedPSNState {
        MaskedPSNState::default()
    }

    fn step(&self, x: &Tensor, s: &mut MaskedPSNState, _: &Cx) -> Result<Tensor> {
        let (steps, t) = (self.config.T, s.time_step);
        let (weight, Some(k)) = self.masked()? else {
            let problem = format!("is {:?}: a step sees steps that are still to come", self.lambda()?);
            return Err(Error::argument(&self.name, "lambda", problem, "run whole sequences in 'm', or `set_lambda(1.0)` first"));
        };
        if t >= steps {
            let problem = format!("is {steps}, but this is step {}", t + 1);
            return Err(Error::argument(&self.name, "T", problem, "`reset()` the state before the next sequence"));
        }
        let torch = Error::in_layer;
        let before = s.inputs.last(&self.name, k - 1, &x.size())?;
        let x = x.f_unsqueeze(0).map_err(torch(&self.name))?;
        let Some(from) = t.checked_sub(before.len()) else {
            let problem = format!("its state is at `time_step` {t}, but has the inputs of {} steps before it", before.len());
            return Err(Error::Steps { layer: self.name.clone(), problem: format!("{problem}; `reset()` the state, which sets both") });
        };
        let sees = before.len() + 1;
        let slice = || -> Result<_, TchError> {
            Ok((weight.f_narrow(0, t as i64, 1)?.f_narrow(1, from as i64, sees as i64)?, self.bias.f_narrow(0, t as i64, 1)?))
        };
        let (weight, bias) = slice().map_err(torch(&self.name))?;
        let spikes = self.at_work(&weight, &bias, None).run(before, &x)?;
        s.inputs.push(&x, k)?;
        s.time_step += 1;
        spikes.f_squeeze_dim(0).map_err(torch(&self.name))
    }

    fn sequence(&self, x: &Tensor, s: &mut MaskedPSNState, _: &Cx) -> Result<Tensor> {
        check_steps(&self.name, self.config.T, x)?;
        if s.time_step > 0 {
            let problem = format!("a whole sequence comes after {} single steps of another", s.time_step);
            return Err(Error::Steps { layer: self.name.clone(), problem: format!("{problem}; `reset()` the state first") });
        }
        let (weight, window) = self.masked()?;
        self.at_work(&weight, &self.bias, window).run(&[], x)
    }
}
