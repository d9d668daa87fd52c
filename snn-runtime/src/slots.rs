//! `SpikeCountToBinary` and `TemporalBinSum`. In: spike counts per step; out: binary spikes in slots of time, and sums of slots again.
//!
//! They change the number of time steps, for which the language has no shape: they are called from Rust, before and behind a net
//! without biases.

use snn_kernels::{count_to_slots, gather_rows, sum_slots};
use tch::{Kind, TchError, Tensor};

use crate::autograd::{Save, attach_one, recorded};
use crate::cuda::Launcher;
use crate::elements::{Elements, Fresh, dense, dense_as, in_its_kind};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::ops::places;
use crate::scope::Scope;
use crate::state::steps_of;
use crate::weights::positive;

macro_rules! slotted {
    ($(#[$doc:meta])* $layer:ident, $(#[$config_doc:meta])* $config:ident, $run:ident, $run_on:ident) => {
        $(#[$config_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $config {
            /// Slots per step, at least 1.
            pub num_slots: usize,
            /// In training, too? Else only in evaluation: training then works on the counts themselves.
            pub always_convert: bool,
        }

        $(#[$doc])*
        #[derive(Debug)]
        pub struct $layer {
            config: $config,
            name: String,
        }

        impl $layer {
            /// What it was built with.
            pub fn config(&self) -> &$config {
                &self.config
            }
        }

        impl Layer for $layer {
            type Config = $config;
            type State = ();

            fn build(scope: &Scope<'_>, config: $config) -> Result<Self> {
                positive(scope, &[("num_slots", config.num_slots)])?;
                Ok($layer { config, name: scope.name().to_string() })
            }

            fn state(&self) {}

            fn step(&self, _: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
                Err(Error::WholeSequence { layer: self.name.clone() })
            }

            fn sequence(&self, x: &Tensor, (): &mut (), cx: &Cx) -> Result<Tensor> {
                let sizes = x.size();
                let (steps, step) = steps_of(&self.name, &sizes)?;
                if cx.train && !self.config.always_convert {
                    return Ok(x.shallow_clone());
                }
                let slots = Slots { layer: self.name.clone(), steps, slots: self.config.num_slots, step: step.to_vec() };
                match Launcher::of(&self.name, x)? {
                    Some(on) => slots.$run_on(x, on.compute()),
                    None => in_its_kind!(self.name, x, F => slots.$run::<F>(x)),
                }
            }
        }
    };
}

slotted! {
    /// Each spike count as so many binary spikes in `num_slots` slots of time: slot d spikes if d is below the count.
    ///
    /// Backward, each slot's gradient counts 1 / `num_slots`: a layer without bias on the slots, and [`TemporalBinSum`] behind it, give
    /// what that layer gives on the counts, and the same gradients. SpikingJelly equivalent: `layer.SpikeCountToBinary(..)`.
    ///
    /// # Shapes
    ///
    /// `[T, N, ..]` of whole numbers from 0 to `num_slots` to `[T * num_slots, N, ..]`, other numbers are an error; unchanged in
    /// training, unless `always_convert`.
    SpikeCountToBinary,
    /// Arguments of [`SpikeCountToBinary`].
    SpikeCountToBinaryConfig,
    spread,
    spread_on
}

slotted! {
    /// The sum of each `num_slots` steps, zeros after the last: the way back from [`SpikeCountToBinary`].
    ///
    /// SpikingJelly equivalent: `layer.TemporalBinSum(..)`.
    ///
    /// # Shapes
    ///
    /// `[T, N, ..]` to `[ceil(T / num_slots), N, ..]`; unchanged in training, unless `always_convert`.
    TemporalBinSum,
    /// Arguments of [`TemporalBinSum`].
    TemporalBinSumConfig,
    gather,
    gather_on
}

/// A call on a sequence.
#[derive(Clone)]
struct Slots {
    layer: String,
    steps: usize,
    slots: usize,
    step: Vec<i64>,
}

impl Slots {
    fn neurons(&self) -> usize {
        self.step.iter().product::<i64>() as usize
    }

    /// A tensor of so many steps.
    fn fresh<F: Elements>(&self, steps: usize) -> Result<Fresh<F>> {
        Fresh::new(&self.layer, &[&[steps as i64], &self.step[..]].concat())
    }

    /// Each of `counts` is a whole number of spikes for which there are slots.
    fn check<F: Elements>(&self, counts: &[F]) -> Result<()> {
        let most = self.slots as f64;
        // NaN is in no range.
        let fits = |count: f64| (0.0..=most).contains(&count) && count.fract() == 0.0;
        counts.iter().map(|count| count.to_f64()).find(|&count| !fits(count)).map_or(Ok(()), |count| Err(self.refused(count)))
    }

    /// A number of spikes for which there are no slots.
    fn refused(&self, count: f64) -> Error {
        let most = self.slots as f64;
        let (problem, help) = match count > most {
            true => (
                format!("holds a count of {count}, but there are {} slots", self.slots),
                "give it as many `num_slots` as a neuron spikes at most in a step",
            ),
            false => (format!("holds {count}, which is no number of spikes"), "give it whole numbers, such as an `ILIFNode` fires"),
        };
        Error::argument(&self.layer, "x", problem, help)
    }

    /// All slots of all steps.
    fn rows(&self) -> Result<usize> {
        let rows = self.steps.checked_mul(self.slots).filter(|&rows| i64::try_from(rows).is_ok());
        rows.ok_or_else(|| {
            let problem = format!("is {}, too many for {} steps", self.slots, self.steps);
            Error::argument(&self.layer, "num_slots", problem, "give as many as a neuron spikes at most in a step")
        })
    }

    /// On a CUDA device both ways are a few operations of libtorch's, which move as many bytes as kernels of our own would. The counts are read
    /// back to be checked. `kind` is that of the arithmetic: 16 bits do not hold every count.
    fn spread_on(self, x: &Tensor, kind: Kind) -> Result<Tensor> {
        let rows = self.rows()? as i64;
        let torch = |slots: &Slots| -> Result<(Option<f64>, Tensor), TchError> {
            let counts = x.f_to_kind(kind)?;
            let in_range = counts.f_ge(0.0)?.f_bitwise_and_tensor(&counts.f_le(slots.slots as f64)?)?;
            let wrong = in_range.f_bitwise_and_tensor(&counts.f_eq_tensor(&counts.f_floor()?)?)?.f_bitwise_not()?;
            let count = match wrong.f_any()?.f_int64_value(&[])? {
                0 => None,
                _ => Some(counts.f_masked_select(&wrong)?.f_double_value(&[0])?),
            };
            let each = places(slots.slots, slots.step.len(), kind, x.device())?;
            let spikes = each.f_lt_tensor(&counts.f_unsqueeze(1)?)?.f_to_kind(x.kind())?;
            Ok((count, spikes.f_reshape([&[rows], &slots.step[..]].concat())?))
        };
        let layer = self.layer.clone();
        let (count, y) = tch::no_grad(|| torch(&self)).map_err(Error::in_layer(&layer))?;
        if let Some(count) = count {
            return Err(self.refused(count));
        }
        let save: [Save<'_>; 0] = [];
        attach_one(&layer, "SpikeCountToBinary", &[x], y, &save, move |b| {
            let Some(grad) = &b.grads[0] else { return Ok(vec![None]) };
            let grad = grad.f_reshape([&[self.steps as i64, self.slots as i64], &self.step[..]].concat())?;
            let sum = grad.f_sum_dim_intlist(1, false, grad.kind())?;
            Ok(vec![Some(sum.f_mul_scalar(1.0 / self.slots as f64)?)])
        })
    }

    fn gather_on(self, x: &Tensor, _: Kind) -> Result<Tensor> {
        // More slots than steps are one bin.
        let slots = self.slots.min(self.steps);
        let bins = self.steps.div_ceil(slots);
        let missing = (bins * slots - self.steps) as i64;
        let torch = || {
            let zeros = Tensor::f_zeros([&[missing], &self.step[..]].concat(), (x.kind(), x.device()))?;
            let all = if missing > 0 { Tensor::f_cat(&[x, &zeros], 0)? } else { x.shallow_clone() };
            all.f_reshape([&[bins as i64, slots as i64], &self.step[..]].concat())?.f_sum_dim_intlist(1, false, x.kind())
        };
        torch().map_err(Error::in_layer(&self.layer))
    }

    fn spread<F: Elements>(self, x: &Tensor) -> Result<Tensor> {
        let layer = self.layer.as_str();
        let counts = dense(layer, x)?;
        let counts = F::slice(layer, &counts)?;
        self.check(counts)?;
        let mut out = self.fresh::<F>(self.rows()?)?;
        count_to_slots(counts, self.steps, self.slots, self.neurons(), out.elements()).map_err(|e| Error::bug(layer, e))?;
        self.attached::<F>("SpikeCountToBinary", x, out.into_tensor(), |slots, grad| {
            let mut out = slots.fresh::<F>(slots.steps)?;
            let share = F::of(1.0 / slots.slots as f64);
            sum_slots(F::slice(&slots.layer, grad)?, slots.steps * slots.slots, slots.slots, slots.neurons(), share, out.elements())
                .map_err(|e| Error::bug(&slots.layer, e))?;
            Ok(out.into_tensor())
        })
    }

    fn gather<F: Elements>(self, x: &Tensor) -> Result<Tensor> {
        let layer = self.layer.as_str();
        let spikes = dense(layer, x)?;
        let mut out = self.fresh::<F>(self.steps.div_ceil(self.slots))?;
        sum_slots(F::slice(layer, &spikes)?, self.steps, self.slots, self.neurons(), F::ONE, out.elements())
            .map_err(|e| Error::bug(layer, e))?;
        self.attached::<F>("TemporalBinSum", x, out.into_tensor(), |slots, grad| {
            let grad = F::slice(&slots.layer, grad)?;
            let rows: Vec<_> = (0..slots.steps).map(|t| Some(&grad[t / slots.slots * slots.neurons()..][..slots.neurons()])).collect();
            let mut out = slots.fresh::<F>(slots.steps)?;
            gather_rows(&rows, slots.neurons(), out.elements()).map_err(|e| Error::bug(&slots.layer, e))?;
            Ok(out.into_tensor())
        })
    }

    /// `y` as one node of the graph; `backward` makes x's gradient of y's, which is dense.
    fn attached<F: Elements>(
        self,
        label: &str,
        x: &Tensor,
        y: Tensor,
        backward: impl Fn(&Slots, &Tensor) -> Result<Tensor> + Send + 'static,
    ) -> Result<Tensor> {
        if !recorded(&[x]) {
            return Ok(y);
        }
        let layer = self.layer.clone();
        attach_one(&layer, label, &[x], y, &[], move |b| {
            let grad = dense_as::<F>(&self.layer, b.grads[0].as_ref())?;
            Ok(vec![grad.map(|grad| backward(&self, &grad)).transpose()?])
        })
    }
}
