//! From a planned graph to a program. In: layers and their folded weights; out: kernel calls, the formats of values, and which buffers they
//! share.

use std::collections::HashMap;

use snn_kernels::Channels;
use snn_kernels::frozen::{Packed, Windows, planes_of_sum};

use super::buffers;
use crate::error::{Error, Result};
use crate::folded::{Folded, normalise_tensors, project_tensors};
use crate::graph::{Fire, Graph, Layout, Node, Op, Project, Time, Value};
use crate::layers::Function;
use crate::layers::dense::ScaleShift;
use crate::run::{Format, Instruction, Neurons, Program, Projected, Stored, Work};

/// The program of a graph on which all passes have run. It takes the weights that are packed.
pub(crate) fn lower(graph: &Graph, folded: &mut Folded) -> Result<Program> {
    let mut lowering = Lowering {
        graph,
        folded,
        instructions: Vec::new(),
        values: Vec::new(),
        places: HashMap::new(),
        dense: HashMap::new(),
        spikes: HashMap::new(),
        loops: 0,
    };
    let inputs = graph.inputs.iter().map(|port| lowering.input(port.value)).collect();
    graph.nodes.iter().try_for_each(|node| lowering.node(node))?;
    let outputs = graph.outputs.iter().map(|port| lowering.numbers(port.value)).collect();
    let spikes = graph.inputs.iter().map(|port| lowering.spikes.get(&port.value).copied()).collect();
    let Lowering { instructions, values, .. } = lowering;
    let mut program = Program { instructions, values, inputs, spikes, outputs, slots: (0, 0) };
    buffers::share(&mut program);
    Ok(program)
}

struct Lowering<'a> {
    graph: &'a Graph,
    folded: &'a mut Folded,
    instructions: Vec<Instruction>,
    values: Vec<Stored>,
    /// Where each value of the graph is.
    places: HashMap<Value, usize>,
    /// Where its numbers are, if it is bits.
    dense: HashMap<Value, usize>,
    /// Where an input is as bits, if it turns out to be 0 and 1 only.
    spikes: HashMap<Value, usize>,
    loops: usize,
}

impl Lowering<'_> {
    fn store(&mut self, format: Format, layout: Layout, series: bool) -> usize {
        self.values.push(Stored { format, layout, series, slot: 0 });
        self.values.len() - 1
    }

    fn input(&mut self, value: Value) -> usize {
        let fact = self.graph.fact(value);
        let place = self.store(Format::Dense, fact.layout, fact.time == Time::Sequence);
        self.places.insert(value, place);
        place
    }

    /// The second argument of a layer with weights: an input over time as bits.
    fn spikes(&mut self, value: Value) -> Option<usize> {
        let fact = self.graph.fact(value);
        if fact.time != Time::Sequence || !self.graph.inputs.iter().any(|port| port.value == value) {
            return None;
        }
        if let Some(bits) = self.spikes.get(&value) {
            return Some(*bits);
        }
        let bits = self.store(Format::Bits(1), fact.layout, true);
        self.spikes.insert(value, bits);
        Some(bits)
    }

    /// A value as it is.
    fn stored(&self, value: Value) -> Stored {
        self.values[self.places[&value]]
    }

    /// A value as numbers.
    fn numbers(&mut self, value: Value) -> usize {
        let place = self.places[&value];
        let Stored { format, layout, series, .. } = self.values[place];
        if format == Format::Dense {
            return place;
        }
        if let Some(place) = self.dense.get(&value) {
            return *place;
        }
        let out = self.store(Format::Dense, layout, series);
        self.push("unpack", "bits to numbers".into(), Work::Unpack, vec![place], out);
        self.dense.insert(value, out);
        out
    }

    fn push(&mut self, name: &str, kernel: String, work: Work, args: Vec<usize>, out: usize) -> &mut Instruction {
        let instruction = Instruction { name: name.into(), kernel, carries: 0, fires: false, work, args, out };
        self.instructions.push(instruction);
        let last = self.instructions.len() - 1;
        &mut self.instructions[last]
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        let fact = self.graph.fact(node.out);
        let (layout, series) = (fact.layout, fact.time == Time::Sequence);
        let name = [node.name.as_str()].into_iter().chain(node.merged.iter().map(String::as_str)).collect::<Vec<_>>().join(" + ");
        let kind = node.layer.to_string();
        let (work, kernel, args, format) = match &node.op {
            Op::Project(p) => {
                let x = self.places[&node.args[0]];
                let neurons = p.neuron.as_ref().map(|fire| self.neurons(node, fire, layout.channels)).transpose()?;
                let format = p.neuron.as_ref().map_or(Format::Dense, sends);
                let spikes = self.spikes(node.args[0]);
                let from = match (self.values[x].format, spikes) {
                    (Format::Bits(_), _) => "bits",
                    (Format::Dense, Some(_)) => "bits where they are, else numbers",
                    (Format::Dense, None) => "numbers",
                };
                let with = p.neuron.as_ref().map_or(String::new(), |fire| format!(" + {}", fire.kind));
                let (name, weights) = self.packed(node, p)?;
                (
                    Work::Project(Projected { name, windows: p.windows.clone(), weights, neurons }),
                    format!("{kind}{with} on {from}"),
                    [x].into_iter().chain(spikes).collect(),
                    format,
                )
            }
            Op::Fire(fire) => {
                let neurons = self.neurons(node, fire, layout.channels)?;
                (Work::Fire(neurons), kind, vec![self.numbers(node.args[0])], sends(fire))
            }
            Op::Normalise(norm) => {
                let [scale, shift] = normalise_tensors(node, norm).map(|w| self.folded.tensors.get(&w).to_vec());
                (Work::Dense(Box::new(ScaleShift { scale, shift })), kind, vec![self.numbers(node.args[0])], Format::Dense)
            }
            Op::MaxPool(windows) => {
                // The largest of nothing is -inf, which is no bit.
                let bits = self.stored(node.args[0]).format == Format::Bits(1) && sees(windows);
                let (x, kernel, format) = match bits {
                    true => (self.places[&node.args[0]], "OR of bits", Format::Bits(1)),
                    false => (self.numbers(node.args[0]), "max of numbers", Format::Dense),
                };
                (Work::MaxPool(windows.clone()), kernel.into(), vec![x], format)
            }
            Op::Pass => {
                let place = self.places[&node.args[0]];
                self.places.insert(node.out, place);
                return Ok(());
            }
            Op::Reorder => (Work::Reorder, kind, vec![self.numbers(node.args[0])], Format::Dense),
            Op::Join(function) => {
                let format = self.joined(*function, &node.args);
                let args = match format {
                    Format::Bits(_) => node.args.iter().map(|v| self.places[v]).collect(),
                    Format::Dense => node.args.iter().map(|v| self.numbers(*v)).collect(),
                };
                let of = if format == Format::Dense { "numbers" } else { "bits" };
                (Work::Join(*function), format!("{kind} of {of}"), args, format)
            }
            Op::Reduce(reduce) => (Work::Reduce(*reduce), kind, vec![self.numbers(node.args[0])], Format::Dense),
            Op::Dense(layer) => {
                let weights = layer.weights().iter().map(|w| self.folded.tensors.get(w).to_vec()).collect();
                (Work::Dense(layer.kernel(weights)), kind, vec![self.numbers(node.args[0])], Format::Dense)
            }
            Op::Loop(body) => {
                let program = lower(&body.graph, self.folded)?;
                self.loops += 1;
                let x = self.numbers(node.args[0]);
                (Work::Loop(self.loops - 1, Box::new(program)), kind, vec![x], Format::Dense)
            }
        };
        let carries = match &work {
            Work::Project(Projected { neurons: Some(n), .. }) | Work::Fire(n) => n.neuron.states().len() * layout.len(),
            Work::Dense(kernel) => kernel.carries(layout),
            _ => 0,
        };
        let fires = matches!(&work, Work::Fire(_) | Work::Project(Projected { neurons: Some(_), .. }));
        let out = self.store(format, layout, series);
        self.places.insert(node.out, out);
        let instruction = self.push(&name, kernel, work, args, out);
        (instruction.carries, instruction.fires) = (carries, fires);
        Ok(())
    }

    fn neurons(&self, node: &Node, fire: &Fire, channels: usize) -> Result<Neurons> {
        let learned: Vec<Vec<f64>> =
            fire.learned.iter().map(|w| self.folded.tensors.get(w).iter().map(|v| f64::from(*v)).collect()).collect();
        let learned: Vec<&[f64]> = learned.iter().map(Vec::as_slice).collect();
        let constants = fire.neuron.constants_f32(&learned, Channels { count: channels, inner: 1 });
        Ok(Neurons { neuron: fire.neuron.clone(), constants: constants.map_err(Error::bug(&self.graph.full_name(node)))? })
    }

    /// The weights of a layer, and what they are called.
    fn packed(&mut self, node: &Node, p: &Project) -> Result<(String, Packed)> {
        let [weight, _] = project_tensors(node, p);
        match self.folded.packed.remove_entry(&weight.name) {
            Some(packed) => Ok(packed),
            None => Err(Error::Bug { layer: self.graph.full_name(node), problem: "its weights are not there".into() }),
        }
    }

    /// How a joined value is stored: sums and products of two series of bits are bits.
    fn joined(&self, function: Function, args: &[Value]) -> Format {
        let [a, b] = args else { return Format::Dense };
        let (a, b) = (self.stored(*a), self.stored(*b));
        match (function, a.format, b.format) {
            _ if a.series != b.series => Format::Dense,
            (Function::Add, Format::Bits(a), Format::Bits(b)) if planes_of_sum(a, b) <= MAX_PLANES => Format::Bits(planes_of_sum(a, b)),
            (Function::Mul | Function::Iand, Format::Bits(1), Format::Bits(1)) => Format::Bits(1),
            _ => Format::Dense,
        }
    }
}

/// Sums of spikes beyond this many planes are numbers.
const MAX_PLANES: usize = 6;

fn sends(fire: &Fire) -> Format {
    if fire.neuron.sends_bits() { Format::Bits(1) } else { Format::Dense }
}

/// Does every window see a cell?
fn sees(windows: &Windows) -> bool {
    (0..windows.outputs()).all(|o| (0..windows.taps()).any(|tap| windows.cell(tap, o).is_some()))
}
