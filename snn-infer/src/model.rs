//! A frozen net, ready to run. In: a graph and its weights; out: outputs for inputs, a sequence or a step at a time.

use std::path::Path;

use crate::error::{Error, Result};
use crate::file;
use crate::folded::Folded;
use crate::graph::{Graph, Layout, Port, Time};
use crate::plan;
use crate::run::{Buffers, Extent, Program, reorder};
use crate::state::State;
use crate::weights::Weights;

/// A frozen net: its weights folded and packed, its buffers laid out.
///
/// Runs take `&mut self` for their buffers. After the first run of a batch size nothing is allocated, unless a larger one comes.
#[derive(Debug)]
pub struct Model {
    graph: Graph,
    /// What the net is, as text, before it was planned.
    architecture: String,
    /// What is not in the program in the form in which it is saved: all but the weights of convolutions and linear layers.
    tensors: Weights,
    program: Program,
    buffers: Buffers,
    /// Of recurrent containers in [`infer`](Model::infer), which starts fresh.
    scratch: State,
}

impl Model {
    /// Freezes a net. `weights` gives a tensor by its dotted name, its shape and its elements: those of the trained model, see
    /// [`Graph::weights`].
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] lists by layer what is missing or has another shape; [`Error::Argument`] names a value that cannot be.
    pub fn new(mut graph: Graph, weights: impl FnMut(&str) -> Option<(Vec<usize>, Vec<f32>)>) -> Result<Model> {
        graph.check()?;
        let wanted = graph.nodes.iter().flat_map(|node| node.weights());
        let trained = Weights::collect(&graph.net, wanted, weights)?;
        let architecture = file::architecture(&graph);
        plan::plan(&mut graph);
        let folded = Folded::of(&trained, &graph);
        drop(trained);
        Model::of(graph, architecture, folded)
    }

    /// The model that [`save`](Model::save) wrote for the same net.
    ///
    /// # Errors
    ///
    /// [`Error::Architecture`] says where the net differs from that of the file; [`Error::Weights`] lists by layer what is missing or has another
    /// shape; [`Error::Io`] and [`Error::Format`] are about the file; [`Error::Argument`] names a value that cannot be.
    pub fn load(mut graph: Graph, path: impl AsRef<Path>) -> Result<Model> {
        graph.check()?;
        let architecture = file::architecture(&graph);
        plan::plan(&mut graph);
        let folded = file::load(&graph, &architecture, path.as_ref())?;
        Model::of(graph, architecture, folded)
    }

    /// Writes folded weights and what the net is to a safetensors file. It is there whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(&self.graph.net, &self.architecture, &self.tensors, &self.program, path.as_ref())
    }

    /// From a planned graph and its folded weights.
    fn of(graph: Graph, architecture: String, mut folded: Folded) -> Result<Model> {
        let program = plan::lower(&graph, &mut folded)?;
        let (buffers, scratch) = (Buffers::new(&program), State::new(&program));
        Ok(Model { graph, architecture, tensors: folded.tensors, program, buffers, scratch })
    }

    /// The net's name.
    pub fn name(&self) -> &str {
        &self.graph.net
    }

    /// Steps of a sequence.
    pub fn steps(&self) -> usize {
        self.graph.steps
    }

    /// Numbers of one sample of output `i`, of all steps: an output of [`infer`](Model::infer) has N times as many. 0 if there is no such output.
    pub fn output_len(&self, i: usize) -> usize {
        self.graph.outputs.get(i).map_or(0, |port| sample(port, self.graph.steps))
    }

    /// Runs all steps, from fresh states. Inputs and outputs are in torch's layout, in the order in which the net names them: `[N, ..]`, or
    /// `[T, N, ..]` for a sequence. N follows from the length of the first input.
    ///
    /// # Errors
    ///
    /// The wrong number of inputs or outputs, or one of the wrong length.
    pub fn infer(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<()> {
        let steps = self.graph.steps;
        let batch = self.batch(inputs, outputs, steps)?;
        self.scratch.fit(&self.program, batch, false);
        let of = Extent { steps, batch, carry: false };
        put(&self.graph, &self.program, &mut self.buffers, inputs, of)?;
        self.program.run(&mut self.buffers, &mut self.scratch, of).map_err(Error::bug(&self.graph.net))?;
        get(&self.graph, &self.program, &self.buffers, outputs, of)
    }

    /// A fresh state for [`step`](Model::step), of `batch` samples. Its memory is taken by the first step, whose inputs have to be of as many
    /// samples: a `batch` that no machine has room for is an error there.
    pub fn state(&self, batch: usize) -> State {
        let mut state = State::new(&self.program);
        state.batch = batch;
        state
    }

    /// One step: inputs and outputs are `[N, ..]`, those of a sequence too. What the net does over time sees that one step. T steps from a
    /// fresh state give what [`infer`](Model::infer) gives, to the bit.
    ///
    /// # Errors
    ///
    /// As of `infer`, a state of another batch size or net, or a layer that works on whole sequences.
    pub fn step(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]], s: &mut State) -> Result<()> {
        let batch = self.batch(inputs, outputs, 1)?;
        if let Some(layer) = self.program.whole_sequences() {
            return Err(Error::WholeSequence { layer: format!("{}.{layer}", self.graph.net) });
        }
        if s.batch != batch {
            return Err(Error::Batch { net: self.graph.net.clone(), want: s.batch, got: batch });
        }
        if !s.is_of(&self.program) {
            return Err(Error::State { net: self.graph.net.clone(), batch });
        }
        if s.fresh {
            s.fit(&self.program, batch, true);
        }
        let of = Extent { steps: 1, batch, carry: true };
        put(&self.graph, &self.program, &mut self.buffers, inputs, of)?;
        self.program.run(&mut self.buffers, s, of).map_err(Error::bug(&self.graph.net))?;
        get(&self.graph, &self.program, &self.buffers, outputs, of)
    }

    /// Which kernel does the work of which layers, in the order in which they run: (`conv1 + bn1 + sn1`, `Conv2d + IFNode on numbers`).
    pub fn kernels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.program.kernels()
    }

    /// The share of neurons that sent something other than 0 in the last run, over all steps and samples, by layer: (`conv1 + bn1 + sn1`, 0.1).
    pub fn firing_rates(&self) -> impl Iterator<Item = (&str, f64)> {
        self.program.firing_rates(&self.buffers)
    }

    /// Samples of a batch, if inputs and outputs fit `steps` steps.
    fn batch(&self, inputs: &[&[f32]], outputs: &[&mut [f32]], steps: usize) -> Result<usize> {
        let net = &self.graph.net;
        let arity = |what, wants, got| if wants == got { Ok(()) } else { Err(Error::Arity { net: net.clone(), what, wants, got }) };
        arity("inputs", self.graph.inputs.len(), inputs.len())?;
        arity("outputs", self.graph.outputs.len(), outputs.len())?;
        let mut batch = None;
        let ins = self.graph.inputs.iter().zip(inputs).map(|(port, x)| ("input", port, x.len()));
        let outs = self.graph.outputs.iter().zip(outputs).map(|(port, y)| ("output", port, y.len()));
        for (what, port, got) in ins.chain(outs) {
            let one = sample(port, steps);
            let fits = match batch {
                None => one > 0 && got.is_multiple_of(one),
                Some(batch) => got == batch * one,
            };
            if !fits {
                return Err(misfit(net, what, port, steps, batch, got));
            }
            batch = batch.or(Some(got / one));
        }
        Ok(batch.unwrap_or(0))
    }
}

/// Elements of one sample, of all steps.
fn sample(port: &Port, steps: usize) -> usize {
    port.fact.layout.len() * if port.fact.time == Time::Sequence { steps } else { 1 }
}

fn misfit(net: &str, what: &str, port: &Port, steps: usize, batch: Option<usize>, got: usize) -> Error {
    let n = batch.map_or("N".to_string(), |n| n.to_string());
    let leading = if port.fact.time == Time::Sequence { format!("{steps}, {n}") } else { n };
    let shape: Vec<String> = [leading].into_iter().chain(port.fact.shape.iter().map(usize::to_string)).collect();
    let one = sample(port, steps);
    let wants = match batch {
        None => format!("a multiple of {one} numbers, [{}]", shape.join(", ")),
        Some(batch) => format!("{} numbers, [{}]", batch * one, shape.join(", ")),
    };
    let help = if batch.is_some() { "the first input says how many samples there are".to_string() } else { String::new() };
    Error::Length { port: format!("{net} {what} `{}`", port.name), wants, got, help }
}

/// As torch has it.
fn flat(len: usize) -> Layout {
    Layout { cells: 1, channels: len }
}

/// Inputs to their buffers; those that are spikes as bits, too.
fn put(graph: &Graph, program: &Program, buffers: &mut Buffers, inputs: &[&[f32]], of: Extent) -> Result<()> {
    for (i, (x, port)) in inputs.iter().zip(&graph.inputs).enumerate() {
        let to = &program.values[program.inputs[i]];
        let laid_out = buffers.write(to, of, |buffer| reorder(x, flat(port.fact.layout.len()), buffer, to.layout));
        laid_out.map_err(Error::bug(&graph.net))?;
        if let Some(bits) = program.spikes[i] {
            buffers.fill(program, bits, to, of).map_err(Error::bug(&graph.net))?;
        }
    }
    Ok(())
}

/// Outputs from their buffers.
fn get(graph: &Graph, program: &Program, buffers: &Buffers, outputs: &mut [&mut [f32]], of: Extent) -> Result<()> {
    for ((y, value), port) in outputs.iter_mut().zip(&program.outputs).zip(&graph.outputs) {
        let from = &program.values[*value];
        reorder(buffers.dense(from, of), from.layout, y, flat(port.fact.layout.len())).map_err(Error::bug(&graph.net))?;
    }
    Ok(())
}
