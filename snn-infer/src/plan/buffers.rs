//! Buffers by liveness. In: a program whose values have none; out: the same, with as few as its values allow: a buffer is used again once all
//! who read what is in it have run.

use crate::run::{Format, Program};

/// Gives every value a buffer among those of its kind. Of those that are free the one that fits best is taken.
pub(super) fn share(program: &mut Program) {
    let end = program.instructions.len();
    let mut last = vec![0; program.values.len()];
    for (at, instruction) in program.instructions.iter().enumerate() {
        for value in &instruction.args {
            last[*value] = at;
        }
        // Even a value that nobody reads lives while it is written.
        last[instruction.out] = last[instruction.out].max(at);
    }
    // The net's outputs are read behind the last instruction; its inputs are there before the first.
    program.outputs.iter().for_each(|value| last[*value] = end);

    let mut pools = [Pool::default(), Pool::default()];
    let born = program.inputs.iter().chain(program.spikes.iter().flatten()).map(|value| (0, *value));
    let born = born.chain(program.instructions.iter().enumerate().map(|(at, i)| (at, i.out))).collect::<Vec<_>>();
    for (at, value) in born {
        let stored = &mut program.values[value];
        let (pool, size) = match stored.format {
            Format::Dense => (&mut pools[0], stored.layout.len()),
            Format::Bits(planes) => (&mut pools[1], planes * stored.layout.cells * stored.layout.channels.div_ceil(64)),
        };
        // Steps count: what is one for all of them is small.
        stored.slot = pool.take(if stored.series { size * STEPS } else { size }, at, last[value]);
    }
    program.slots = (pools[0].slots.len(), pools[1].slots.len());
}

/// What a series weighs against a single step, where sizes are compared.
const STEPS: usize = 4;

/// Buffers of one kind: size, and the last instruction that reads what is in each.
#[derive(Default)]
struct Pool {
    slots: Vec<(usize, usize)>,
}

impl Pool {
    /// A buffer for a value that is written by instruction `at` and read until `last`.
    fn take(&mut self, size: usize, at: usize, last: usize) -> usize {
        // What an instruction reads must not be where it writes.
        let free = self.slots.iter().enumerate().filter(|(_, (_, until))| *until < at);
        // The smallest that it fits in; else the largest, which grows.
        let best = free.min_by_key(|(_, (room, _))| if *room >= size { (0, *room) } else { (1, usize::MAX - room) }).map(|(slot, _)| slot);
        match best {
            Some(slot) => {
                self.slots[slot] = (self.slots[slot].0.max(size), last);
                slot
            }
            None => {
                self.slots.push((size, last));
                self.slots.len() - 1
            }
        }
    }
}
