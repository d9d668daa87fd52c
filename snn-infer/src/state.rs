//! What a net remembers between steps. In: a batch size; out: numbers by layer, moved on by [`Model::step`](crate::Model::step).

use crate::run::Program;

/// The state of a frozen net, for one batch size. Made by [`Model::state`](crate::Model::state).
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) batch: usize,
    /// No step has been made: what is in `layers` is not yet written.
    pub(crate) fresh: bool,
    /// By instruction, numbers of a sample: what tells it from a state of another net.
    carries: Vec<usize>,
    /// By instruction, `[number][sample]`.
    pub(crate) layers: Vec<Vec<f32>>,
    /// What the last step gave, of the inside of a recurrent container.
    pub(crate) last: Vec<f32>,
    /// Of recurrent containers.
    pub(crate) inner: Vec<State>,
}

impl State {
    /// Fresh, for no sample.
    pub(crate) fn new(program: &Program) -> State {
        let carries = program.instructions.iter().map(|i| i.carries).collect();
        let layers = vec![Vec::new(); program.instructions.len()];
        State { batch: 0, fresh: true, carries, layers, last: Vec::new(), inner: program.loops().map(State::new).collect() }
    }

    /// Fresh, for `batch` samples. What is outside of recurrent containers is there only if it is `carried` from call to call.
    pub(crate) fn fit(&mut self, program: &Program, batch: usize, carried: bool) {
        (self.batch, self.fresh) = (batch, true);
        for (layer, instruction) in self.layers.iter_mut().zip(&program.instructions) {
            layer.resize(if carried { instruction.carries * batch } else { 0 }, 0.0);
        }
        for (inner, program) in self.inner.iter_mut().zip(program.loops()) {
            inner.fit(program, batch, true);
            let y = program.outputs.first().map_or(0, |y| program.values[*y].layout.len());
            inner.last.resize(y * batch, 0.0);
        }
    }

    /// Is it of that program?
    pub(crate) fn is_of(&self, program: &Program) -> bool {
        let layers = self.carries.iter().copied().eq(program.instructions.iter().map(|i| i.carries));
        layers && self.inner.len() == program.loops().count() && self.inner.iter().zip(program.loops()).all(|(s, p)| s.is_of(p))
    }

    /// Samples it is for.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Forgets everything, as before the first step.
    pub fn reset(&mut self) {
        self.fresh = true;
        self.inner.iter_mut().for_each(State::reset);
    }
}
