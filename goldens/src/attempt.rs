//! A row of `errors.json`. In: a net and the shapes of its inputs; out: nothing if it takes them all and gives the recorded shape,
//! or the error, and where it came up.

use anyhow::Result;
use serde::Deserialize;
use tch::{Device, Kind, Tensor, nn, no_grad};

use crate::compare::Difference;
use crate::runner::Open;
use crate::session::Session;

/// Inputs for one state, one call after the other.
#[derive(Debug, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) net: String,
    /// `[N, ..]` per call; else `[T, N, ..]`.
    single_step: bool,
    train: bool,
    calls: Vec<Vec<i64>>,
}

/// Builds the net and calls it. What the library refuses is a difference; the shapes of outputs are declared in the net.
///
/// # Errors
/// If there is no call.
pub(crate) fn run(attempt: &Attempt, open: Open) -> Result<Vec<Difference>> {
    let refused = |run, error: &anyhow::Error| vec![Difference { run, what: "error".to_string(), text: format!("{error:#}") }];
    let store = nn::VarStore::new(Device::Cpu);
    let batch_axis = if attempt.single_step { 0 } else { 1 };
    let batch = attempt.calls.first().and_then(|x| x.get(batch_axis)).copied().unwrap_or(1);
    let mut session = match open(&store.root(), batch) {
        Ok(session) => session,
        Err(error) => return Ok(refused("build", &error)),
    };
    for x in &attempt.calls {
        if let Err(error) = attempt.call(&mut *session, x) {
            return Ok(refused("call", &error));
        }
    }
    Ok(Vec::new())
}

impl Attempt {
    fn call(&self, session: &mut dyn Session, x: &[i64]) -> Result<()> {
        no_grad(|| {
            let x = Tensor::f_rand(x, (Kind::Float, Device::Cpu))?;
            let y = if self.single_step { session.step(x, self.train)? } else { session.chunk(x, self.train)? };
            // What is not read may not have been computed.
            y.iter().try_for_each(|y| y.f_sum(Kind::Float).map(drop).map_err(Into::into))
        })
    }
}
