//! `PoissonEncoder`. In: numbers from 0 to 1; out: spikes at random, as often as the numbers say.

use std::sync::Once;

use snn_kernels::cuda::{POISSON, PoissonArguments, PoissonKernel};
use tch::{Kind, Tensor};

use crate::cuda::{Launcher, address};
use crate::elements::{Elements, Fresh, dense};
use crate::error::{Error, Result};
use crate::layer::{Cx, Layer};
use crate::ops;
use crate::rng::Stream;
use crate::scope::Scope;
use crate::state::steps_of;

/// Spikes at random, each with the probability that the number at its place says: never for 0, always for 1. Every step is drawn
/// anew, in evaluation as well, from the generator that [`manual_seed`](crate::manual_seed) seeds.
///
/// SpikingJelly equivalent: `encoding.PoissonEncoder()`.
///
/// # Shapes
///
/// Any, to the same.
#[derive(Debug)]
pub struct PoissonEncoder {
    name: String,
    stream: Stream,
    /// Said which kernel it has on a device?
    told: Once,
}

impl PoissonEncoder {
    fn draw(&self, x: &Tensor) -> Result<Tensor> {
        if let Some(on) = Launcher::of(&self.name, x)? {
            return self.draw_on(&on, x);
        }
        match x.kind() {
            Kind::Float => self.draw_in::<f32>(x),
            Kind::Double => self.draw_in::<f64>(x),
            // Drawn in f32, which holds the few digits of such numbers.
            kind @ (Kind::Half | Kind::BFloat16) => Ok(self.draw_in::<f32>(&x.f_to_kind(Kind::Float)?)?.f_to_kind(kind)?),
            got => Err(Error::Kind { layer: self.name.clone(), wants: "floats", got }),
        }
    }

    fn draw_on(&self, on: &Launcher<'_>, x: &Tensor) -> Result<Tensor> {
        on.tell(&self.told, "PoissonEncoder");
        let (at, x) = (self.stream.draw(), on.dense(x, on.kind)?);
        let (out, kernel) = (on.fresh(&x.size(), on.kind)?, PoissonKernel { element: on.element });
        let call = PoissonArguments::new(address(&x), address(&out), x.numel(), at);
        // SAFETY: the kernel's own argument; both tensors are on this device and of the length and kind that it says.
        unsafe { on.call(&kernel.source(), POISSON, kernel.blocks(x.numel()), call) }?;
        Ok(out)
    }

    fn draw_in<F: Elements>(&self, x: &Tensor) -> Result<Tensor> {
        let at = self.stream.draw();
        let x = dense(&self.name, x)?;
        let mut out = Fresh::<F>::new(&self.name, &x.size())?;
        snn_kernels::poisson(at.seed, at.stream, at.draw, F::slice(&self.name, &x)?, out.elements())
            .map_err(|e| Error::bug(&self.name, e))?;
        Ok(out.into_tensor())
    }
}

impl Layer for PoissonEncoder {
    type Config = ();
    type State = ();

    fn build(scope: &Scope<'_>, (): ()) -> Result<Self> {
        Ok(PoissonEncoder { name: scope.name().to_string(), stream: Stream::new(scope), told: Once::new() })
    }

    fn state(&self) {}

    fn step(&self, x: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        self.draw(x)
    }

    /// Step by step: each has a draw of its own, so that single steps give the same spikes.
    fn sequence(&self, x: &Tensor, (): &mut (), _: &Cx) -> Result<Tensor> {
        let (steps, _) = steps_of(&self.name, &x.size())?;
        let series = (0..steps).map(|t| self.draw(&ops::at_step(x, t as i64)?)).collect::<Result<Vec<_>>>()?;
        ops::series(&series)
    }
}
