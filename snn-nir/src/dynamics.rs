//! What the six neurons of NIR have in common. In: a neuron's fields, and how long a step is; out: one step of Euler's method.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::node::Node;

/// A neuron: a synapse, if it has one, a membrane, and spikes, if it sends them.
#[derive(Debug)]
pub(crate) struct Dynamics<'a> {
    pub(crate) synapse: Option<Synapse<'a>>,
    pub(crate) leak: Option<Leak<'a>>,
    pub(crate) r: &'a Array,
    pub(crate) fire: Option<Fire<'a>>,
}

/// tau_syn di/dt = -i + w_in x.
#[derive(Debug)]
pub(crate) struct Synapse<'a> {
    pub(crate) tau: &'a Array,
    pub(crate) weight: Option<&'a Array>,
}

/// tau dv/dt = (v_leak - v) + r i; without it dv/dt = r i.
#[derive(Debug)]
pub(crate) struct Leak<'a> {
    /// The field's name, of several spellings.
    pub(crate) tau_field: &'static str,
    pub(crate) tau: &'a Array,
    pub(crate) to: &'a Array,
}

/// 1 where v > threshold; then v becomes reset.
#[derive(Debug)]
pub(crate) struct Fire<'a> {
    pub(crate) threshold: &'a Array,
    pub(crate) reset: Option<&'a Array>,
}

/// What a neuron remembers of the steps before: all 0 at first.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    pub(crate) v: f64,
    pub(crate) i: f64,
}

impl Node {
    /// A neuron's equations; `None` for the nodes without any.
    pub(crate) fn dynamics(&self) -> Option<Dynamics<'_>> {
        let (synapse, leak, r, fire) = match self {
            Node::LIF(n) => (None, Some(("tau", &n.tau, &n.v_leak)), &n.r, Some((&n.v_threshold, &n.v_reset))),
            Node::IF(n) => (None, None, &n.r, Some((&n.v_threshold, &n.v_reset))),
            Node::LI(n) => (None, Some(("tau", &n.tau, &n.v_leak)), &n.r, None),
            Node::I(n) => (None, None, &n.r, None),
            Node::CubaLIF(n) => {
                (Some((&n.tau_syn, &n.w_in)), Some(("tau_mem", &n.tau_mem, &n.v_leak)), &n.r, Some((&n.v_threshold, &n.v_reset)))
            }
            Node::CubaLI(n) => (Some((&n.tau_syn, &n.w_in)), Some(("tau_mem", &n.tau_mem, &n.v_leak)), &n.r, None),
            _ => return None,
        };
        Some(Dynamics {
            synapse: synapse.map(|(tau, weight)| Synapse { tau, weight: weight.as_ref() }),
            leak: leak.map(|(tau_field, tau, to)| Leak { tau_field, tau, to }),
            r,
            fire: fire.map(|(threshold, reset)| Fire { threshold, reset: reset.as_ref() }),
        })
    }
}

impl Dynamics<'_> {
    /// All parameters, by the names that files give them.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, &Array)> {
        let synapse = self.synapse.as_ref();
        let leak = self.leak.as_ref();
        let fire = self.fire.as_ref();
        let all = [
            synapse.map(|s| ("tau_syn", s.tau)),
            synapse.and_then(|s| Some(("w_in", s.weight?))),
            leak.map(|l| (l.tau_field, l.tau)),
            leak.map(|l| ("v_leak", l.to)),
            Some(("r", self.r)),
            fire.map(|f| ("v_threshold", f.threshold)),
            fire.and_then(|f| Some(("v_reset", f.reset?))),
        ];
        all.into_iter().flatten()
    }

    /// Its time constants, by name.
    pub(crate) fn times(&self) -> impl Iterator<Item = (&'static str, &Array)> {
        self.parameters().filter(|(name, _)| name.starts_with("tau"))
    }

    /// Do the time constants allow steps of this length?
    pub(crate) fn check_step(&self, node: &str, dt: f64) -> Result<()> {
        for (name, tau) in self.times() {
            let shortest = tau.data().iter().copied().fold(f64::INFINITY, f64::min);
            if shortest < dt {
                let wants = format!("times of at least one step, which is {dt} seconds");
                return Err(Error::field(node, name, wants, format!("{shortest} seconds")));
            }
        }
        Ok(())
    }

    /// One step of `dt` seconds for cell `n`, by Euler's method: the potential sees the current of this step. Gives what it sends.
    pub(crate) fn step(&self, n: usize, memory: &mut Memory, x: f64, dt: f64) -> f64 {
        let current = match &self.synapse {
            None => x,
            Some(synapse) => {
                memory.i += dt / synapse.tau.at(n) * (synapse.weight.map_or(1.0, |w| w.at(n)) * x - memory.i);
                memory.i
            }
        };
        memory.v += match &self.leak {
            None => dt * self.r.at(n) * current,
            Some(leak) => dt / leak.tau.at(n) * (leak.to.at(n) - memory.v + self.r.at(n) * current),
        };
        match &self.fire {
            None => memory.v,
            Some(fire) if memory.v > fire.threshold.at(n) => {
                memory.v = fire.reset.map_or(0.0, |reset| reset.at(n));
                1.0
            }
            Some(_) => 0.0,
        }
    }
}
