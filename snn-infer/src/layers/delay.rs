//! `Delay`. In: any value; out: what came in some steps ago, zeros at first.

use std::sync::Arc;

use super::Frozen;
use super::dense::{Call, DenseKernel, DenseLayer};
use crate::builder::Builder;
use crate::error::Result;
use crate::graph::{Fact, Layout, Op, Time, Value};

/// Arguments of [`Delay`], in SpikingJelly's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DelayConfig {
    /// Steps between in and out; 0 gives what it gets.
    pub delay_steps: usize,
}

/// Frozen delay line.
#[derive(Debug)]
pub enum Delay {}

impl Frozen for Delay {
    type Config = DelayConfig;

    fn freeze(b: &mut Builder, label: &str, c: DelayConfig, args: &[Value]) -> Result<Value> {
        let place = b.place(label, "Delay", &c);
        let x = b.only(&place, args)?;
        let fact = Fact { time: Time::Sequence, ..b.fact(x).clone() };
        Ok(b.push(place, Op::Dense(Arc::new(Line { steps: c.delay_steps })), &[x], fact))
    }
}

#[derive(Clone, Copy, Debug)]
struct Line {
    steps: usize,
}

impl DenseLayer for Line {
    fn kernel(&self, _: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        Box::new(*self)
    }
}

impl DenseKernel for Line {
    /// What is on its way, oldest first.
    fn carries(&self, layout: Layout) -> usize {
        self.steps * layout.len()
    }

    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        let len = call.batch * call.layout.len();
        let x = |t: usize| &call.x[if call.fixed { 0 } else { t * len }..][..len];
        let queued = call.memory.as_ref().filter(|m| !m.fresh).map(|m| &*m.numbers);
        for (t, y) in call.out.chunks_exact_mut(len.max(1)).enumerate() {
            match (t.checked_sub(self.steps), queued) {
                (Some(t), _) => y.copy_from_slice(x(t)),
                (None, Some(queued)) => y.copy_from_slice(&queued[t * len..][..len]),
                (None, None) => y.fill(0.0),
            }
        }
        if let Some(memory) = call.memory {
            memory.enqueue(call.steps, len, x);
        }
        Ok(())
    }
}
