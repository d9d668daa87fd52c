//! A recurrent container at work. In: x of all steps; out: what its layers give at each, from x and what they gave at the step before.

use snn_kernels::Error;

use super::{Buffers, Extent, Program, Stored};
use crate::state::State;

/// Runs `body`, whose inputs are the last output and x, step by step. Its own state is number `at` of those in `state`, its buffers likewise.
pub(crate) fn run(
    at: usize,
    body: &Program,
    buffers: &mut Buffers,
    state: &mut State,
    x: &Stored,
    out: &mut [f32],
    of: Extent,
) -> Result<(), Error> {
    let mut inner = std::mem::take(&mut buffers.inner[at]);
    let memory = &mut state.inner[at];
    if !of.carry {
        memory.reset();
    }
    let ran = steps(body, &mut inner, memory, buffers.dense(x, of), x, out, of);
    buffers.inner[at] = inner;
    ran
}

fn steps(
    body: &Program,
    buffers: &mut Buffers,
    state: &mut State,
    x: &[f32],
    stored: &Stored,
    out: &mut [f32],
    of: Extent,
) -> Result<(), Error> {
    let step = Extent { steps: 1, batch: of.batch, carry: true };
    let [last, now] = [body.inputs[0], body.inputs[1]].map(|v| &body.values[v]);
    let y = &body.values[body.outputs[0]];
    for (t, out) in out.chunks_exact_mut(y.len(step).max(1)).enumerate() {
        let fresh = state.fresh;
        buffers.write(last, step, |buffer| match fresh {
            true => buffer.fill(0.0),
            false => buffer.copy_from_slice(&state.last),
        });
        let len = now.len(step);
        let from = if stored.series { t * len } else { 0 };
        buffers.write(now, step, |buffer| buffer.copy_from_slice(&x[from..from + len]));
        for (bits, input) in body.spikes.iter().zip(&body.inputs) {
            if let Some(bits) = bits {
                buffers.fill(body, *bits, &body.values[*input], step)?;
            }
        }
        body.run(buffers, state, step)?;
        out.copy_from_slice(buffers.dense(y, step));
        state.last.copy_from_slice(out);
    }
    Ok(())
}
