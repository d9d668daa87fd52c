//! Parallel spiking neurons: `PSN`, `SlidingPSN`, `MaskedPSN`. In: arguments, and currents; out: spikes.

use std::sync::Arc;

use snn_kernels::{ATan, Draw, Psn, Refused, Surrogate, TimeWeights, psn_forward};

use super::dense::{Call, DenseKernel, DenseLayer};
use super::{Frozen, space};
use crate::builder::{Builder, Place};
use crate::error::{Error, Result};
use crate::graph::{Fact, Layout, Op, Time, Value, Weight};

/// Arguments of [`PSN`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct PSNConfig {
    /// Steps of a sequence.
    pub T: usize,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
}

impl PSNConfig {
    /// SpikingJelly's default for the rest: the surrogate is `ATan`.
    #[allow(non_snake_case, reason = "as the field")]
    pub fn new(T: usize) -> Self {
        PSNConfig { T, surrogate_function: ATan::default().into() }
    }
}

/// Arguments of [`SlidingPSN`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
pub struct SlidingPSNConfig {
    /// How many inputs a step sees: its own and those before it.
    pub k: usize,
    /// Do the weights start at .., 1/4, 1/2, 1, as a leak would have them? Else they are random.
    pub exp_init: bool,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
}

impl SlidingPSNConfig {
    /// SpikingJelly's defaults for the rest: weights of a leak, the surrogate is `ATan`.
    pub fn new(k: usize) -> Self {
        SlidingPSNConfig { k, exp_init: true, surrogate_function: ATan::default().into() }
    }
}

/// Arguments of [`MaskedPSN`], in SpikingJelly's words.
#[derive(Clone, Debug, PartialEq)]
#[allow(non_snake_case, reason = "SpikingJelly's name")]
pub struct MaskedPSNConfig {
    /// How many inputs a step sees in the end: its own and those before it.
    pub k: usize,
    /// Steps of a sequence.
    pub T: usize,
    /// lambda at the start of training: 0 sees every step, 1 the last k.
    pub lambda_init: f64,
    /// What stands in for a spike's derivative.
    pub surrogate_function: Surrogate,
}

impl MaskedPSNConfig {
    /// SpikingJelly's defaults for the rest: lambda starts at 0, the surrogate is `ATan`.
    #[allow(non_snake_case, reason = "as the field")]
    pub fn new(k: usize, T: usize) -> Self {
        MaskedPSNConfig { k, T, lambda_init: 0.0, surrogate_function: ATan::default().into() }
    }
}

impl PSNConfig {
    /// Are these arguments that it can work with? (The surrogate function says so itself.)
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("T", self.T)])
    }
}

impl SlidingPSNConfig {
    /// Are these arguments that it can work with? (The surrogate function says so itself.)
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("k", self.k)])
    }
}

impl MaskedPSNConfig {
    /// Are these arguments that it can work with? (The surrogate function says so itself.)
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        space::positive(&[("k", self.k), ("T", self.T)])?;
        if self.lambda_init.is_nan() || self.lambda_init < 0.0 {
            let problem = format!("must be 0 or more, but is {:?}", self.lambda_init);
            return Err(Refused::new("lambda_init", problem, "0 sees every step, 1 the last k"));
        }
        Ok(())
    }
}

/// Frozen `PSN`.
#[derive(Debug)]
pub enum PSN {}

impl Frozen for PSN {
    type Config = PSNConfig;

    fn freeze(b: &mut Builder, label: &str, c: PSNConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "PSN", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let weights = vec![place.weight("weight", &[c.T, c.T]), place.weight("bias", &[c.T, 1])];
        parallel(b, place, Parallel { sees: Sees::All, surrogate: c.surrogate_function, weights }, Some(c.T), args)
    }
}

/// Frozen `SlidingPSN`.
#[derive(Debug)]
pub enum SlidingPSN {}

impl Frozen for SlidingPSN {
    type Config = SlidingPSNConfig;

    fn freeze(b: &mut Builder, label: &str, c: SlidingPSNConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "SlidingPSN", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let weights = vec![place.weight("weight", &[c.k]), place.weight("bias", &[])];
        parallel(b, place, Parallel { sees: Sees::Before(c.k), surrogate: c.surrogate_function, weights }, None, args)
    }
}

/// Frozen `MaskedPSN`: its mask is applied once, at load. It takes whole sequences.
#[derive(Debug)]
pub enum MaskedPSN {}

impl Frozen for MaskedPSN {
    type Config = MaskedPSNConfig;

    fn freeze(b: &mut Builder, label: &str, c: MaskedPSNConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "MaskedPSN", &c);
        c.check().map_err(Error::refused(&place.full))?;
        let weights = [("weight", vec![c.T, c.T]), ("bias", vec![c.T, 1]), ("_lambda_", vec![]), ("mask0", vec![c.T, c.T])];
        let weights = weights.iter().map(|(name, shape)| place.weight(name, shape)).collect();
        parallel(b, place, Parallel { sees: Sees::Masked(c.k), surrogate: c.surrogate_function, weights }, Some(c.T), args)
    }
}

fn parallel(b: &mut Builder, place: Place, layer: Parallel, steps: Option<usize>, args: &[Value]) -> Result<Value> {
    layer.surrogate.check().map_err(Error::refused(&place.full))?;
    if layer.surrogate.draws() {
        let help = "use one that fires at the threshold";
        return Err(Error::unsupported(&place.full, "its surrogate function fires at random", help));
    }
    if let Some(steps) = steps.filter(|steps| *steps != b.steps()) {
        let problem = format!("is {steps}, but the sequence has {} steps", b.steps());
        return Err(Error::refused(&place.full)(Refused::new("T", problem, "")));
    }
    let x = b.only(&place, args)?;
    let x = b.at_every_step(x);
    let fact = Fact { time: Time::Sequence, ..b.fact(x).clone() };
    Ok(b.push(place, Op::Dense(Arc::new(layer)), &[x], fact))
}

/// Which inputs an output sees.
#[derive(Clone, Copy, Debug)]
enum Sees {
    All,
    /// Its own and those before it, so many in all, through the same weights at every step.
    Before(usize),
    /// As far as a mask lets it; in the end so many.
    Masked(usize),
}

#[derive(Debug)]
struct Parallel {
    sees: Sees,
    surrogate: Surrogate,
    weights: Vec<Weight>,
}

impl DenseLayer for Parallel {
    fn weights(&self) -> &[Weight] {
        &self.weights
    }

    fn kernel(&self, weights: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        let mut weights = weights.into_iter();
        let mut next = || weights.next().unwrap_or_default();
        let (mut weight, bias) = (next(), next());
        let mut window = None;
        if let Sees::Masked(k) = self.sees {
            let (lambda, mask) = (next(), next());
            let lambda = lambda.first().copied().unwrap_or(1.0);
            for (w, mask) in weight.iter_mut().zip(mask) {
                *w *= if lambda >= 1.0 { mask } else { mask * lambda + (1.0 - lambda) };
            }
            window = (lambda >= 1.0).then_some(k);
        }
        Box::new(Kernel { sees: self.sees, window, surrogate: self.surrogate, weight, bias })
    }
}

#[derive(Debug)]
struct Kernel {
    sees: Sees,
    window: Option<usize>,
    surrogate: Surrogate,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl DenseKernel for Kernel {
    /// The inputs before the next step, oldest first.
    fn carries(&self, layout: Layout) -> usize {
        match self.sees {
            Sees::Before(k) => (k - 1) * layout.len(),
            Sees::All | Sees::Masked(_) => 0,
        }
    }

    fn whole_sequences(&self) -> bool {
        !matches!(self.sees, Sees::Before(_))
    }

    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let neurons = call.batch * call.layout.len();
        let weights = match self.sees {
            Sees::Before(_) => TimeWeights::Sliding(&self.weight),
            Sees::All | Sees::Masked(_) => TimeWeights::Matrix { weight: &self.weight, window: self.window },
        };
        // Where the inputs before this step are: on the stack, but for a layer that sees very many.
        let (mut few, mut many): ([&[f32]; 64], Vec<&[f32]>) = ([&[]; 64], Vec::new());
        let before: &[&[f32]] = match &call.memory {
            Some(memory) if !memory.fresh && neurons > 0 => {
                let rows = memory.numbers.len() / neurons;
                if rows > few.len() {
                    many.resize(rows, &[]);
                }
                let places = if rows > few.len() { &mut many[..] } else { &mut few[..rows] };
                places.iter_mut().zip(memory.numbers.chunks_exact(neurons)).for_each(|(place, row)| *place = row);
                places
            }
            _ => &[],
        };
        let psn = Psn {
            steps: call.steps,
            neurons,
            before,
            x: call.x,
            weights,
            bias: &self.bias,
            surrogate: self.surrogate,
            draw: Draw::default(),
        };
        psn_forward(&psn, call.out)?;
        if let Some(memory) = call.memory {
            memory.enqueue(call.steps, neurons, |t| &call.x[t * neurons..][..neurons]);
        }
        Ok(())
    }
}
