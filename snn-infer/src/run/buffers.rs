//! Where values lie: buffers that are used again as soon as nobody reads what is in them. In: a value's format and the size of a batch; out: its
//! elements.

use snn_kernels::Error;
use snn_kernels::frozen::{count, from_dense, words};

use super::{Extent, Program};
use crate::graph::Layout;

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// So many planes of bits, `[plane][step][sample][cell][word]`.
    Bits(usize),
    /// `f32`, `[step][sample][cell][channel]`.
    Dense,
}

/// A value at run time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) format: Format,
    pub(crate) layout: Layout,
    /// One for each step, else one.
    pub(crate) series: bool,
    /// Its buffer among those of its kind.
    pub(crate) slot: usize,
}

impl Stored {
    pub(crate) fn steps(&self, of: Extent) -> usize {
        if self.series { of.steps } else { 1 }
    }

    pub(crate) fn planes(&self) -> usize {
        match self.format {
            Format::Bits(planes) => planes,
            Format::Dense => 0,
        }
    }

    /// Elements in its buffer.
    pub(crate) fn len(&self, of: Extent) -> usize {
        let Layout { cells, channels } = self.layout;
        let rows = self.steps(of) * of.batch * cells;
        match self.format {
            Format::Bits(planes) => planes * rows * words(channels),
            Format::Dense => rows * channels,
        }
    }
}

/// All buffers of a program. They grow to the largest batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    dense: Vec<Vec<f32>>,
    bits: Vec<Vec<u64>>,
    /// Of recurrent containers.
    pub(crate) inner: Vec<Buffers>,
    /// By value: it is there as bits in this call, where that depends on what comes in.
    pub(crate) filled: Vec<bool>,
    /// By instruction: what it sent other than 0, and elements in all.
    pub(crate) spikes: Vec<(u64, u64)>,
}

/// A buffer while it is written.
#[derive(Debug)]
pub(crate) enum Written {
    Dense(Vec<f32>, usize),
    /// Words, and the elements they stand for.
    Bits(Vec<u64>, usize, u64),
}

impl Written {
    pub(crate) fn dense(&mut self) -> &mut [f32] {
        match self {
            Written::Dense(buffer, len) => &mut buffer[..*len],
            Written::Bits(..) => &mut [],
        }
    }

    pub(crate) fn bits(&mut self) -> &mut [u64] {
        match self {
            Written::Bits(buffer, len, _) => &mut buffer[..*len],
            Written::Dense(..) => &mut [],
        }
    }
}

impl Buffers {
    pub(crate) fn new(program: &Program) -> Buffers {
        let (dense, bits) = program.slots;
        Buffers {
            dense: vec![Vec::new(); dense],
            bits: vec![Vec::new(); bits],
            inner: program.loops().map(Buffers::new).collect(),
            filled: vec![false; program.values.len()],
            spikes: vec![(0, 0); program.instructions.len()],
        }
    }

    /// The buffer of a value, to be written and given back.
    pub(crate) fn take(&mut self, value: &Stored, of: Extent) -> Written {
        let len = value.len(of);
        match value.format {
            Format::Dense => {
                let mut buffer = std::mem::take(&mut self.dense[value.slot]);
                grow(&mut buffer, len);
                Written::Dense(buffer, len)
            }
            Format::Bits(_) => {
                let mut buffer = std::mem::take(&mut self.bits[value.slot]);
                grow(&mut buffer, len);
                Written::Bits(buffer, len, (value.steps(of) * of.batch * value.layout.len()) as u64)
            }
        }
    }

    pub(crate) fn give_back(&mut self, value: &Stored, written: Written) {
        match written {
            Written::Dense(buffer, _) => self.dense[value.slot] = buffer,
            Written::Bits(buffer, ..) => self.bits[value.slot] = buffer,
        }
    }

    /// Writes a value of numbers.
    pub(crate) fn write<R>(&mut self, value: &Stored, of: Extent, fill: impl FnOnce(&mut [f32]) -> R) -> R {
        let mut written = self.take(value, of);
        let done = fill(written.dense());
        self.give_back(value, written);
        done
    }

    /// Writes value number `bits` of `program`, if `from` holds zeros and ones only.
    pub(crate) fn fill(&mut self, program: &Program, bits: usize, from: &Stored, of: Extent) -> Result<(), Error> {
        self.filled[bits] = self.dense(from, of).iter().all(|x| *x == 0.0 || *x == 1.0);
        if self.filled[bits] {
            let to = &program.values[bits];
            let mut written = self.take(to, of);
            let done = from_dense(self.dense(from, of), from.layout.channels, written.bits());
            self.give_back(to, written);
            done?;
        }
        Ok(())
    }

    /// Counts what an instruction sent.
    pub(crate) fn count(&mut self, instruction: usize, written: &Written) {
        self.spikes[instruction] = match written {
            Written::Bits(words, len, of) => (count(&words[..*len]), *of),
            Written::Dense(x, len) => (x[..*len].iter().map(|x| u64::from(*x != 0.0)).sum(), *len as u64),
        };
    }

    /// A value of numbers.
    pub(crate) fn dense(&self, value: &Stored, of: Extent) -> &[f32] {
        &self.dense[value.slot][..value.len(of)]
    }

    /// A value of bits.
    pub(crate) fn bits(&self, value: &Stored, of: Extent) -> &[u64] {
        &self.bits[value.slot][..value.len(of)]
    }
}

fn grow<T: Clone + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
}
