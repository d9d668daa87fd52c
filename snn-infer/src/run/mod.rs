//! A program: what a planned graph is at run time. In: values in buffers that were laid out once; out: the values of its outputs. A run allocates
//! nothing but what its buffers lack for the batch.

mod buffers;
mod fire;
mod join;
mod looped;
mod project;
mod reduce;
pub(crate) use reorder::reorder;
mod reorder;

pub(crate) use buffers::{Buffers, Format, Stored, Written};
pub(crate) use fire::Neurons;
pub(crate) use project::Projected;

use snn_kernels::Error;
use snn_kernels::frozen::{States, Windows, max_pool, or_pool, to_dense};
use std::sync::Arc;

use crate::layers::dense::{Call, DenseKernel};
use crate::layers::{Function, Reduce};
use crate::state::State;

/// A net, or what runs inside a recurrent container.
#[derive(Debug)]
pub(crate) struct Program {
    /// In the order in which they run.
    pub(crate) instructions: Vec<Instruction>,
    /// Everything that is computed.
    pub(crate) values: Vec<Stored>,
    pub(crate) inputs: Vec<usize>,
    /// Of each input that layers with weights read step by step: where it is as bits, in calls in which it is 0 and 1 only.
    pub(crate) spikes: Vec<Option<usize>>,
    pub(crate) outputs: Vec<usize>,
    /// Buffers of numbers, and of bits.
    pub(crate) slots: (usize, usize),
}

/// One kernel call.
#[derive(Debug)]
pub(crate) struct Instruction {
    /// The layers whose work it does: `conv1`, or `conv1 + bn1 + sn1`.
    pub(crate) name: String,
    /// How: `projection of bits + IFNode`.
    pub(crate) kernel: String,
    /// Numbers of a sample that go from call to call.
    pub(crate) carries: usize,
    /// It sends spikes, which are counted.
    pub(crate) fires: bool,
    pub(crate) work: Work,
    /// What it reads. Of a layer with weights also the same value as bits, which it prefers where it is there.
    pub(crate) args: Vec<usize>,
    pub(crate) out: usize,
}

/// What a kernel does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Weights over windows, and the neurons behind them.
    Project(Projected),
    /// Neurons alone.
    Fire(Neurons),
    /// The largest value of each window; of bits an OR.
    MaxPool(Arc<Windows>),
    /// Bits as numbers.
    Unpack,
    /// Another layout.
    Reorder,
    /// Element by element, or beside each other.
    Join(Function),
    /// Over time.
    Reduce(Reduce),
    /// A layer that works on numbers.
    Dense(Box<dyn DenseKernel>),
    /// A recurrent container: the number of its buffers and states among those of its kind.
    Loop(usize, Box<Program>),
}

/// How much of a sequence is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    /// The state goes on from where it is, and is left there; else every layer starts fresh.
    pub(crate) carry: bool,
}

impl Program {
    /// The programs inside it, by number.
    pub(crate) fn loops(&self) -> impl Iterator<Item = &Program> {
        self.instructions.iter().filter_map(|i| if let Work::Loop(_, body) = &i.work { Some(&**body) } else { None })
    }

    /// The layers that have weights, those inside it, too.
    pub(crate) fn projected<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Projected> + 'a> {
        let of = |i: &'a Instruction| {
            let own = if let Work::Project(p) = &i.work { Some(p) } else { None };
            let inner = if let Work::Loop(_, body) = &i.work { Some(body.projected()) } else { None };
            own.into_iter().chain(inner.into_iter().flatten())
        };
        Box::new(self.instructions.iter().flat_map(of))
    }

    /// Which kernel does the work of which layers.
    pub(crate) fn kernels<'a>(&'a self) -> Box<dyn Iterator<Item = (&'a str, &'a str)> + 'a> {
        let of = |i: &'a Instruction| {
            let inner = if let Work::Loop(_, body) = &i.work { Some(body.kernels()) } else { None };
            [(i.name.as_str(), i.kernel.as_str())].into_iter().chain(inner.into_iter().flatten())
        };
        Box::new(self.instructions.iter().flat_map(of))
    }

    /// What neurons sent other than 0 in the last run, as a share.
    pub(crate) fn firing_rates<'a>(&'a self, buffers: &'a Buffers) -> Box<dyn Iterator<Item = (&'a str, f64)> + 'a> {
        let of = move |(i, (sent, of)): (&'a Instruction, &'a (u64, u64))| {
            let own = i.fires.then(|| (i.name.as_str(), *sent as f64 / (*of).max(1) as f64));
            let inner = if let Work::Loop(at, body) = &i.work { Some(body.firing_rates(&buffers.inner[*at])) } else { None };
            own.into_iter().chain(inner.into_iter().flatten())
        };
        Box::new(self.instructions.iter().zip(&buffers.spikes).flat_map(of))
    }

    /// A layer that has no way to take one step.
    pub(crate) fn whole_sequences(&self) -> Option<&str> {
        self.instructions.iter().find(|i| matches!(&i.work, Work::Dense(kernel) if kernel.whole_sequences())).map(|i| i.name.as_str())
    }

    /// Runs all instructions. Inputs are in their buffers, and so are outputs then.
    pub(crate) fn run(&self, buffers: &mut Buffers, state: &mut State, of: Extent) -> Result<(), Error> {
        for (number, instruction) in self.instructions.iter().enumerate() {
            self.instruction(number, instruction, buffers, state, of)?;
        }
        state.fresh = false;
        Ok(())
    }

    fn instruction(&self, number: usize, i: &Instruction, buffers: &mut Buffers, state: &mut State, of: Extent) -> Result<(), Error> {
        let out = &self.values[i.out];
        let mut written = buffers.take(out, of);
        let fresh = state.fresh;
        let mut carried = of.carry.then(|| std::mem::take(&mut state.layers[number]));
        let ran = match i.args.first().map(|x| &self.values[*x]) {
            Some(x) => {
                let memory = carried.as_deref_mut().map(|numbers| Memory { numbers, fresh });
                self.work(i, x, out, &mut written, memory, buffers, state, of)
            }
            None => Ok(()),
        };
        if let Some(carried) = carried {
            state.layers[number] = carried;
        }
        if i.fires {
            buffers.count(number, &written);
        }
        buffers.give_back(out, written);
        ran
    }

    fn work(
        &self,
        i: &Instruction,
        x: &Stored,
        out: &Stored,
        written: &mut Written,
        memory: Option<Memory<'_>>,
        buffers: &mut Buffers,
        state: &mut State,
        of: Extent,
    ) -> Result<(), Error> {
        match &i.work {
            Work::Project(p) => {
                let bits = i.args.get(1).filter(|bits| buffers.filled[**bits]).map(|bits| &self.values[*bits]);
                p.run(buffers, bits.unwrap_or(x), written, memory, of)
            }
            Work::Fire(n) => n.run(buffers, x, written, memory, of),
            Work::MaxPool(windows) => {
                let (rows, channels) = (x.steps(of) * of.batch, x.layout.channels);
                match x.format {
                    Format::Bits(_) => or_pool(windows, rows, channels, buffers.bits(x, of), written.bits()),
                    Format::Dense => max_pool(windows, rows, channels, buffers.dense(x, of), written.dense()),
                }
            }
            Work::Unpack => to_dense(buffers.bits(x, of), x.planes(), x.layout.channels, written.dense()),
            Work::Reorder => reorder(buffers.dense(x, of), x.layout, written.dense(), out.layout),
            Work::Join(f) => join::join(*f, self, &i.args, buffers, out, written, of),
            Work::Reduce(r) => {
                reduce::reduce(*r, buffers.dense(x, of), written.dense());
                Ok(())
            }
            Work::Dense(kernel) => kernel.run(Call {
                steps: out.steps(of),
                batch: of.batch,
                layout: x.layout,
                x: buffers.dense(x, of),
                fixed: !x.series,
                out: written.dense(),
                memory,
            }),
            Work::Loop(at, body) => looped::run(*at, body, buffers, state, x, written.dense(), of),
        }
    }
}

/// What a layer remembers.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) numbers: &'a mut [f32],
    /// Nothing yet: `numbers` are to be written, not read.
    pub(crate) fresh: bool,
}

impl<'a> Memory<'a> {
    /// Keeps the newest of the rows it has and of those of `steps` more, as many as it has room for, oldest first. Rows that were never
    /// written are zeros.
    pub(crate) fn enqueue<'x>(self, steps: usize, len: usize, x: impl Fn(usize) -> &'x [f32]) {
        if self.fresh {
            self.numbers.fill(0.0);
        }
        let rows = self.numbers.len() / len.max(1);
        let new = steps.min(rows);
        self.numbers.copy_within(new * len.., 0);
        for i in 0..new {
            self.numbers[(rows - new + i) * len..][..len].copy_from_slice(x(steps - new + i));
        }
    }

    /// As a layer of neurons takes it.
    fn states(memory: Option<Self>) -> States<'a> {
        match memory {
            None => States::Fresh,
            Some(Memory { numbers, fresh: true }) => States::Into(numbers),
            Some(Memory { numbers, fresh: false }) => States::From(numbers),
        }
    }
}
