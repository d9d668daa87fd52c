//! Builds a graph, layer by layer, as `snn_net!` writes it. In: the user's own arguments; out: a [`Graph`], or an error that names the layer.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::graph::{Body, Fact, Graph, Layout, Node, Op, Port, Refusal, Time, Value, Weight};
use crate::layers::{Function, Reduce};

/// A graph under construction.
///
/// ```
/// use snn_infer::{Builder, Frozen, LinearConfig, frozen};
///
/// let mut b = Builder::new("Tiny", 4);
/// let x = b.input("x", &[8], true);
/// let y = frozen::Linear::freeze(&mut b, "fc", LinearConfig::new(8, 2), &[x])?;
/// let y = b.function("mean_over_time", &[y])?;
/// b.output("y", y);
/// let graph = b.finish();
/// assert_eq!(graph.weights().collect::<Vec<_>>(), ["fc.weight", "fc.bias"]);
/// # Ok::<(), snn_infer::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    graph: Graph,
    path: Vec<String>,
    /// Unlike that of any other builder: values know whose they are.
    number: u64,
}

/// Numbers of one sample, all steps together, that a value may have: more are a slip, and sums of them stay far from the largest `usize`.
const MOST: usize = 1 << 40;

const OF_ANOTHER: &str = "is a value of another builder";
const OF_THIS: &str = "take values that this builder has given; inside a recurrent container, the two that come in";

/// Where a layer stands while it is frozen: its name, its arguments, and what arrives.
#[derive(Debug)]
pub(crate) struct Place {
    /// `layer1.0.conv1`
    pub(crate) name: String,
    /// For messages: `Csnn.layer1.0.conv1`.
    pub(crate) full: String,
    layer: &'static str,
    config: String,
}

impl Place {
    pub(crate) fn weight(&self, name: &str, shape: &[usize]) -> Weight {
        Weight { name: format!("{}.{name}", self.name), shape: shape.to_vec() }
    }
}

impl Builder {
    /// A net of that name, which takes `steps` time steps.
    pub fn new(net: &str, steps: usize) -> Builder {
        let (net, arguments) = (net.into(), BTreeMap::new());
        let (inputs, outputs, nodes, facts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let graph = Graph { net, steps, inputs, outputs, nodes, facts, arguments, refused: None };
        static BUILDERS: AtomicU64 = AtomicU64::new(0);
        Builder { graph, path: Vec::new(), number: BUILDERS.fetch_add(1, Ordering::Relaxed) }
    }

    /// An input: `shape` is that of one sample; a `sequence` has one for each step, else it is the same at every step. One of no numbers, or of
    /// more than 2^40 over all steps, is refused where it is used.
    pub fn input(&mut self, name: &str, shape: &[usize], sequence: bool) -> Value {
        let fact = Fact::new(shape, if sequence { Time::Sequence } else { Time::Static });
        self.size(name, &fact);
        let value = self.value(fact.clone());
        self.graph.inputs.push(Port { name: name.into(), value, fact });
        value
    }

    /// Goes into a list or block: what follows is named `label.` and on.
    pub fn enter(&mut self, label: impl Display) {
        self.path.push(label.to_string());
    }

    /// Leaves it.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// A function of the language by its name: `sew_add`, `sew_and`, `sew_iand`, `add`, `sub`, `mul`, `max`, `cat`, `cat_last`, `stack`,
    /// `mean_over_time`, `sum_over_time`, `max_over_time`, `last_step`.
    ///
    /// # Errors
    ///
    /// There is no function of that name, or the shapes do not fit it.
    pub fn function(&mut self, name: &str, args: &[Value]) -> Result<Value> {
        let full = format!("{}.{name}", self.graph.net);
        self.take(&full, args)?;
        if let Some(reduce) = Reduce::named(name) {
            let &[x] = args else { return Err(Error::shape(&full, "one sequence", &[args.len()], "")) };
            return self.over_time(name, reduce, x);
        }
        let Some(function) = Function::named(name) else {
            return Err(Error::unsupported(&full, "it is no function of the language", ""));
        };
        // The last of several axes is one of space.
        let function = match args.first().map(|v| &self.fact(*v).shape[..]) {
            Some([_, rows @ .., _]) if name == "cat_last" => Function::CatLast(snn_shape::product(rows)),
            _ => function,
        };
        let args = function.align(self, args);
        let facts: Vec<&Fact> = args.iter().map(|v| self.fact(*v)).collect();
        let fact = function.output(&full, &facts)?;
        let place = Place { name: name.into(), full, layer: function.name(), config: String::new() };
        Ok(self.push(place, Op::Join(function), &args, fact))
    }

    fn over_time(&mut self, name: &str, reduce: Reduce, x: Value) -> Result<Value> {
        let full = format!("{}.{name}", self.graph.net);
        let mut fact = self.fact(x).clone();
        if fact.time != Time::Sequence {
            return Err(Error::shape(&full, "a sequence", &fact.shape, "the value has no time axis: remove it"));
        }
        fact.time = Time::Reduced;
        let place = Place { name: name.into(), full, layer: reduce.name(), config: String::new() };
        Ok(self.push(place, Op::Reduce(reduce), &[x], fact))
    }

    /// A container whose output comes back at the next step, beside x: `body` builds what runs in it, from the last output (zeros at first)
    /// and x. `feedback` is the shape of one sample that comes back.
    ///
    /// # Errors
    ///
    /// What `body` says, or it gives another shape than comes back.
    pub fn recurrent(
        &mut self,
        label: impl Display,
        x: Value,
        feedback: &[usize],
        body: impl FnOnce(&mut Builder, Value, Value) -> Result<Value>,
    ) -> Result<Value> {
        let place = self.place(&label.to_string(), "Recurrent", &feedback);
        self.take(&place.full, &[x])?;
        let x = self.canonical(x);
        let arrives = self.fact(x).shape.clone();
        let mut inner = Builder::new(&self.graph.net, 1);
        inner.path.clone_from(&self.path);
        inner.enter(label);
        let (last, now) = (inner.input("y", feedback, true), inner.input("x", &arrives, true));
        inner.graph.check()?;
        let y = body(&mut inner, last, now)?;
        inner.take(&place.full, &[y])?;
        let y = inner.canonical(y);
        let fact = inner.fact(y).clone();
        if fact.shape != feedback {
            return Err(Error::shape(&place.full, format!("{feedback:?} to come out, which goes back in"), &fact.shape, ""));
        }
        inner.output("y", y);
        Ok(self.push(place, Op::Loop(Box::new(Body { graph: inner.finish() })), &[x], Fact::new(feedback, Time::Sequence)))
    }

    /// Names an output. A value of another builder is refused by [`Model::new`](crate::Model::new) and [`Model::load`](crate::Model::load).
    pub fn output(&mut self, name: &str, value: Value) {
        if value.of != self.number {
            return self.refuse(name, OF_ANOTHER.into(), OF_THIS);
        }
        let fact = self.fact(value).clone();
        self.graph.outputs.push(Port { name: name.into(), value, fact });
    }

    /// The graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// The sizes of one sample of a value, torch's: `[C, H, W]`. For layers of your own that ask what arrives, as `Scope::input` in training.
    ///
    /// # Errors
    ///
    /// The value is of another builder.
    pub fn shape(&self, value: Value) -> Result<&[usize]> {
        self.take(&self.graph.net, &[value])?;
        Ok(&self.fact(value).shape)
    }

    // ---- for layers -----------------------------------------------------------------------------------------------------

    /// Keeps the arguments of the layer with that label.
    pub(crate) fn keep(&mut self, label: &str, arguments: impl Any + Send + Sync) {
        self.graph.arguments.insert(self.name(label), Arc::new(arguments));
    }

    /// A dot in the label is one more level.
    fn name(&self, label: &str) -> String {
        self.path.iter().map(String::as_str).chain([label]).collect::<Vec<_>>().join(".")
    }

    /// For messages: `Csnn.layer1.0.conv1`.
    pub(crate) fn full_name(&self, label: &str) -> String {
        format!("{}.{}", self.graph.net, self.name(label))
    }

    /// Where a layer stands.
    pub(crate) fn place(&self, label: &str, layer: &'static str, config: &impl Debug) -> Place {
        let name = self.name(label);
        Place { full: format!("{}.{name}", self.graph.net), name, layer, config: format!("{config:?}") }
    }

    pub(crate) fn fact(&self, value: Value) -> &Fact {
        self.graph.fact(value)
    }

    /// The only value that a layer takes.
    pub(crate) fn only(&self, place: &Place, args: &[Value]) -> Result<Value> {
        self.take(&place.full, args)?;
        match args {
            &[x] => Ok(x),
            _ => Err(Error::shape(&place.full, "one value", &[args.len()], "")),
        }
    }

    /// Values of this builder, which can be worked with?
    pub(crate) fn take(&self, full: &str, args: &[Value]) -> Result<()> {
        self.graph.check()?;
        match args.iter().position(|value| value.of != self.number) {
            None => Ok(()),
            Some(at) => Err(Error::Argument {
                layer: full.into(),
                argument: format!("args[{at}]"),
                problem: OF_ANOTHER.into(),
                help: OF_THIS.into(),
            }),
        }
    }

    /// Refuses a value of no numbers or of too many.
    fn size(&mut self, name: &str, fact: &Fact) {
        let steps = if fact.time == Time::Sequence { self.graph.steps } else { 1 };
        let len = snn_shape::product(&fact.shape).saturating_mul(steps);
        if !(1..=MOST).contains(&len) {
            let problem = format!("must have from 1 to 2^40 numbers a sample, but has {:?} at each of {steps} steps", fact.shape);
            self.refuse(name, problem, "");
        }
    }

    /// The first of what cannot be said where it happens.
    fn refuse(&mut self, port: &str, problem: String, help: &'static str) {
        self.graph.refused.get_or_insert(Refusal { port: port.into(), problem, help });
    }

    /// The layer at `place`, which takes `args` and gives `fact`.
    pub(crate) fn push(&mut self, place: Place, op: Op, args: &[Value], fact: Fact) -> Value {
        self.size(&place.name, &fact);
        let out = self.value(fact);
        let Place { mut name, layer, config, .. } = place;
        let calls = self.graph.nodes.iter().filter(|n| n.name.split('#').next() == Some(&name)).count();
        if calls > 0 {
            // The same layer, called once more.
            name = format!("{name}#{}", calls + 1);
        }
        self.graph.nodes.push(Node { name, merged: Vec::new(), layer, config, op, args: args.to_vec(), out });
        out
    }

    /// The same value with its first axis as channels, where it does not lie so already.
    pub(crate) fn canonical(&mut self, value: Value) -> Value {
        let fact = self.fact(value);
        let layout = Layout::of(&fact.shape);
        if fact.layout == layout {
            return value;
        }
        let fact = Fact { layout, ..fact.clone() };
        let place = Place { name: "reorder".into(), full: String::new(), layer: "Reorder", config: String::new() };
        self.push(place, Op::Reorder, &[value], fact)
    }

    /// A value of every step: one that does not change with time is shown at each.
    pub(crate) fn at_every_step(&mut self, value: Value) -> Value {
        let fact = self.fact(value);
        if fact.time == Time::Sequence {
            return value;
        }
        let fact = Fact { time: Time::Sequence, ..fact.clone() };
        let place = Place { name: "repeat".into(), full: String::new(), layer: "repeat", config: String::new() };
        self.push(place, Op::Join(Function::Add), &[value], fact)
    }

    /// Steps of a sequence.
    pub(crate) fn steps(&self) -> usize {
        self.graph.steps
    }

    fn value(&mut self, fact: Fact) -> Value {
        self.graph.facts.push(fact);
        Value { at: self.graph.facts.len() - 1, of: self.number }
    }
}
