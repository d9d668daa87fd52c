//! What a neuron or surrogate says to arguments that it cannot work with: the argument, the problem, the fix.

/// A refused argument. The layer that was given it is named by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The argument: `tau`.
    pub argument: &'static str,
    /// What is wrong with it: `must be greater than 1, but is 1.0`.
    pub problem: String,
    /// The fix; may be empty.
    pub help: &'static str,
}

impl Refused {
    /// An argument, its problem and the fix.
    pub fn new(argument: &'static str, problem: impl Into<String>, help: &'static str) -> Refused {
        Refused { argument, problem: problem.into(), help }
    }

    /// Refuses a threshold or reset that makes a neuron silent or its potential NaN for ever. `v_reset = None` is the soft reset.
    ///
    /// # Errors
    /// `v_threshold` is NaN, or infinite with a soft reset; `v_reset` is not finite.
    pub fn threshold_and_reset(v_threshold: f64, v_reset: Option<f64>) -> Result<(), Refused> {
        if v_threshold.is_nan() {
            return Err(Refused::new("v_threshold", "must be a number, but is NaN", "`f64::INFINITY` never fires"));
        }
        match v_reset {
            Some(v) if !v.is_finite() => {
                Err(Refused::new("v_reset", format!("must be a finite number, but is {v:?}"), "`None` is the soft reset"))
            }
            None if v_threshold.is_infinite() => {
                let problem = "must be finite for the soft reset, which subtracts it";
                Err(Refused::new("v_threshold", problem, "give a `v_reset`: a neuron that never fires is never reset"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a time constant that makes no leak.
    ///
    /// # Errors
    /// `tau` is not a finite number greater than 1.
    pub fn time_constant(argument: &'static str, tau: f64) -> Result<(), Refused> {
        if tau > 1.0 && tau.is_finite() {
            return Ok(());
        }
        let help = "it counts steps; `IFNode` is the neuron without a leak";
        Err(Refused::new(argument, format!("must be greater than 1, but is {tau:?}"), help))
    }

    /// Refuses a number that is not a finite one greater than 0.
    ///
    /// # Errors
    /// It is not.
    pub fn positive(argument: &'static str, value: f64) -> Result<(), Refused> {
        if value > 0.0 && value.is_finite() {
            return Ok(());
        }
        Err(Refused::new(argument, format!("must be greater than 0, but is {value:?}"), ""))
    }
}
