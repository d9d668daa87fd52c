//! A row of `errors.json`. In: a net, the shapes of its inputs and of what comes out last; out: nothing if it takes them all and
//! gives that shape, or what differs: the shape, or the error and where it came up.

use anyhow::{Result, bail};
use serde::Deserialize;
use tch::{Device, Kind, TchError, Tensor, nn, no_grad};

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
    /// The recorded shape of what the last call gives; `null`: there is none.
    out: Option<Vec<i64>>,
}

/// Builds the net and calls it. What the library refuses is a difference, and so is another shape than the recorded one.
///
/// # Errors
/// If there is no call.
pub(crate) fn run(attempt: &Attempt, open: Open) -> Result<Vec<Difference>> {
    let refused = |run, error: &anyhow::Error| vec![Difference { run, what: kind(error).to_string(), text: format!("{error:#}") }];
    let store = nn::VarStore::new(Device::Cpu);
    let batch_axis = if attempt.single_step { 0 } else { 1 };
    let batch = attempt.calls.first().and_then(|x| x.get(batch_axis)).copied().unwrap_or(1);
    let mut session = match open(&store.root(), batch) {
        Ok(session) => session,
        Err(error) => return Ok(refused("build", &error)),
    };
    let mut last = Vec::new();
    for x in &attempt.calls {
        match attempt.call(&mut *session, x) {
            Ok(sizes) => last = sizes,
            Err(error) => return Ok(refused("call", &error)),
        }
    }
    let differs = |want: &Vec<i64>| {
        let text = format!("want a shape of {want:?}, got {last:?}");
        (*want != last).then(|| Difference { run: "call", what: "y".to_string(), text })
    };
    Ok(attempt.out.as_ref().and_then(differs).into_iter().collect())
}

/// Whose error it is. Only `error` is a refusal: the library saw what was wrong, and says so in its own words.
fn kind(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<snn::Error>() {
        Some(snn::Error::Bug { .. }) => "bug",
        Some(snn::Error::Layer { .. } | snn::Error::Torch(_)) => "error of libtorch",
        None if error.is::<TchError>() => "error of libtorch",
        // No net here names a function of the user's own.
        Some(snn::Error::Own(_)) | None => "error of something else",
        Some(_) => "error",
    }
}

impl Attempt {
    /// The sizes of the only output.
    fn call(&self, session: &mut dyn Session, x: &[i64]) -> Result<Vec<i64>> {
        no_grad(|| {
            let x = Tensor::f_rand(x, (Kind::Float, Device::Cpu))?;
            let y = if self.single_step { session.step(x, self.train)? } else { session.chunk(x, self.train)? };
            // What is not read may not have been computed.
            let [y] = y.as_slice() else { bail!("want one output, got {}", y.len()) };
            drop(y.f_sum(Kind::Float)?);
            Ok(y.size())
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use serde_json::json;

    use super::*;
    use crate::session::Recorded;

    /// Gives what comes with one column less.
    struct Narrow;

    impl Session for Narrow {
        fn step(&mut self, x: Tensor, _: bool) -> Result<Vec<Tensor>> {
            Ok(vec![x.f_narrow(1, 0, x.size()[1] - 1)?])
        }
        fn chunk(&mut self, _: Tensor, _: bool) -> Result<Vec<Tensor>> {
            bail!("driven step by step")
        }
        fn whole(&mut self, _: Tensor, _: bool) -> Result<Vec<Tensor>> {
            bail!("driven step by step")
        }
        fn recorded(&self, _: Tensor, _: bool) -> Result<(Vec<Tensor>, Vec<Recorded>)> {
            bail!("driven step by step")
        }
        fn states(&self) -> Vec<(String, Tensor)> {
            Vec::new()
        }
        fn set(&mut self, _: &str, _: Tensor) -> bool {
            false
        }
    }

    fn attempt(calls: &[[i64; 2]], out: Option<[i64; 2]>) -> Attempt {
        let order = json!({"id": "a", "net": "n", "single_step": true, "train": true, "calls": calls, "out": out});
        serde_json::from_value(order).unwrap()
    }

    #[test]
    fn another_shape_than_the_recorded_one_is_a_difference() {
        let narrow: Open = |_, _| Ok(Box::new(Narrow));
        let differences = |out| run(&attempt(&[[2, 3], [2, 5]], out), narrow).unwrap();
        assert!(differences(Some([2, 4])).is_empty(), "the shape after the last call counts");
        assert!(differences(None).is_empty());
        let found = differences(Some([1, 4]));
        assert_eq!((found.len(), found[0].text.as_str()), (1, "want a shape of [1, 4], got [2, 4]"));
    }

    #[test]
    fn only_the_library_s_own_errors_are_refusals() {
        let layer = || "Net.m".to_string();
        let torch = || TchError::Torch("mat1 and mat2 shapes cannot be multiplied".to_string());
        let bug = snn::Error::Bug { layer: layer(), problem: "`out.y` holds 3 elements".to_string() };
        assert_eq!(kind(&bug.into()), "bug");
        assert_eq!(kind(&snn::Error::Layer { layer: layer(), source: torch() }.into()), "error of libtorch");
        assert_eq!(kind(&snn::Error::Torch(torch()).into()), "error of libtorch");
        assert_eq!(kind(&torch().into()), "error of libtorch");
        assert_eq!(kind(&anyhow!("Net.m: something")), "error of something else");
        assert_eq!(kind(&snn::Error::Own("Net.m: something".into()).into()), "error of something else");
        assert_eq!(kind(&snn::Error::argument("Net.m", "tau", "must be greater than 1", "").into()), "error");
        assert_eq!(kind(&snn::Error::Batch { layer: "Net".to_string(), want: 2, got: 5 }.into()), "error");
    }

    #[test]
    fn a_libtorch_error_of_a_call_is_told_as_one() {
        let narrow: Open = |_, _| Ok(Box::new(Narrow));
        let found = run(&attempt(&[[2, 0]], None), narrow).unwrap();
        assert_eq!((found[0].run, found[0].what.as_str()), ("call", "error of libtorch"));
        let broken: Open = |_, _| Err(snn::Error::Bug { layer: "Net.m".to_string(), problem: "p".to_string() }.into());
        let found = run(&attempt(&[[2, 3]], None), broken).unwrap();
        assert_eq!((found[0].run, found[0].what.as_str()), ("build", "bug"));
    }
}
