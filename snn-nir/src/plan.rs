//! In which order a graph runs. In: a graph, with graphs inside; out: its nodes one behind the other, each with what it gets, the edges that
//! close a loop one step late, and all sizes.
//!
//! A loop is cut where its neuron sends: what comes back is what the neuron sent at the step before, 0 at the first. A loop without a neuron
//! has no step that could come first, and one with two of them has two places to cut: both are errors.

use std::collections::{BTreeSet, HashMap};

use crate::error::{Error, Result};
use crate::graph::{Graph, path};
use crate::node::Node;

/// The most numbers that a node may get or send at a step, or see in a window: what is larger is no net, but a damaged file.
const MOST: usize = 1 << 28;

/// The nodes, each behind those it gets something from in the same step.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) steps: Vec<Step<'a>>,
}

/// A node at its place.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) name: String,
    pub(crate) node: &'a Node,
    /// Is it a port of the outermost graph? Those of the graphs inside pass on what they get.
    pub(crate) port: bool,
    /// What it gets, to be added up.
    pub(crate) from: Vec<Source>,
    /// The sizes of what arrives.
    pub(crate) input: Vec<usize>,
    /// The sizes of what it sends.
    pub(crate) output: Vec<usize>,
}

/// What the step at `step` sends, or, if `late`, sent one time step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) step: usize,
    pub(crate) late: bool,
}

/// All nodes of a graph and the graphs inside, as one graph.
#[derive(Default)]
struct Flat<'a> {
    nodes: Vec<(String, &'a Node, bool)>,
    edges: Vec<(usize, usize)>,
}

impl Graph {
    pub(crate) fn plan(&self) -> Result<Plan<'_>> {
        let mut flat = Flat::default();
        flat.add(self, "")?;
        flat.check()?;
        let late = flat.late()?;
        let order = flat.order(&late)?;
        flat.sized(&late, &order)
    }
}

impl<'a> Flat<'a> {
    /// Adds the nodes of a graph; gives where it begins and ends.
    fn add(&mut self, graph: &'a Graph, prefix: &str) -> Result<(Vec<usize>, Vec<usize>)> {
        graph.check_edges(prefix)?;
        let (mut begins, mut ends, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        for (name, node) in &graph.nodes {
            let full = path(prefix, name);
            let place = if let Node::NIRGraph(inner) = node {
                let ports = self.add(inner, &full)?;
                let ([begin], [end]) = (ports.0.as_slice(), ports.1.as_slice()) else {
                    let problem = format!(
                        "a graph inside a graph has one input and one output, but this has {} and {}",
                        ports.0.len(),
                        ports.1.len()
                    );
                    return Err(Error::Wiring { node: full, problem, help: "give each its own graph".into() });
                };
                (*begin, *end)
            } else {
                node.check(&full)?;
                let at = self.nodes.len();
                match node {
                    Node::Input(_) => begins.push(at),
                    Node::Output(_) => ends.push(at),
                    _ => {}
                }
                self.nodes.push((full, node, prefix.is_empty() && matches!(node, Node::Input(_) | Node::Output(_))));
                (at, at)
            };
            places.insert(name.as_str(), place);
        }
        let mut seen = BTreeSet::new();
        for (from, to) in &graph.edges {
            if !seen.insert((from, to)) {
                let problem = format!("the edge `{from}` -> `{to}` is there twice");
                return Err(Error::Wiring { node: path(prefix, to), problem, help: "once is enough; `Scale` doubles".into() });
            }
            for (name, ports, what) in [(to, &begins, "an edge leads into an input"), (from, &ends, "an edge leads out of an output")] {
                if ports.contains(&places[name.as_str()].0) {
                    return Err(Error::Wiring {
                        node: path(prefix, name),
                        problem: format!("{what}: `{from}` -> `{to}`"),
                        help: String::new(),
                    });
                }
            }
            self.edges.push((places[from.as_str()].1, places[to.as_str()].0));
        }
        Ok((begins, ends))
    }

    /// Every node gets something, and something gets what it sends.
    fn check(&self) -> Result<()> {
        let wiring =
            |node: &str, problem: &str, help: &str| Err(Error::Wiring { node: node.into(), problem: problem.into(), help: help.into() });
        let ports = |want: fn(&Node) -> bool| self.nodes.iter().any(|(_, node, port)| *port && want(node));
        if !ports(|n| matches!(n, Node::Input(_))) || !ports(|n| matches!(n, Node::Output(_))) {
            return wiring("", "the graph has no `Input` or no `Output`", "add one, and an edge");
        }
        for (at, (name, node, port)) in self.nodes.iter().enumerate() {
            let (begins, ends) = (*port && matches!(node, Node::Input(_)), *port && matches!(node, Node::Output(_)));
            if !(begins || self.edges.iter().any(|edge| edge.1 == at)) {
                return wiring(name, "no edge leads to it", "add the edge, or leave the node out");
            }
            if !(ends || self.edges.iter().any(|edge| edge.0 == at)) {
                return wiring(name, "no edge leads on from it", "add the edge, or leave the node out");
            }
        }
        Ok(())
    }

    fn neuron(&self, at: usize) -> bool {
        self.nodes[at].1.dynamics().is_some()
    }

    /// The nodes that what `start` gets may come to.
    fn reached(&self, start: usize) -> BTreeSet<usize> {
        let (mut reached, mut open) = (BTreeSet::from([start]), vec![start]);
        while let Some(at) = open.pop() {
            open.extend(self.edges.iter().filter(|edge| edge.0 == at).map(|edge| edge.1).filter(|&to| reached.insert(to)));
        }
        reached
    }

    /// The edges out of a neuron that lead back to it.
    fn late(&self) -> Result<BTreeSet<(usize, usize)>> {
        let reached: HashMap<usize, BTreeSet<usize>> =
            (0..self.nodes.len()).filter(|&at| self.neuron(at)).map(|at| (at, self.reached(at))).collect();
        let mut late = BTreeSet::new();
        for &(from, to) in self.edges.iter().filter(|edge| self.neuron(edge.0)) {
            if !self.reached(to).contains(&from) {
                continue;
            }
            if let Some((&other, _)) =
                reached.iter().find(|&(&other, back)| other != from && reached[&from].contains(&other) && back.contains(&from))
            {
                return Err(Error::Wiring {
                    node: self.nodes[from].0.clone(),
                    problem: format!("is in a loop with another neuron, `{}`", self.nodes[other].0),
                    help: "NIR does not say which of the two is a step late: close each loop over one neuron".into(),
                });
            }
            late.insert((from, to));
        }
        Ok(late)
    }

    /// Each node behind those it gets something from; by name where that leaves a choice.
    fn order(&self, late: &BTreeSet<(usize, usize)>) -> Result<Vec<usize>> {
        let mut waits = vec![0usize; self.nodes.len()];
        let prompt = || self.edges.iter().filter(|edge| !late.contains(edge));
        prompt().for_each(|edge| waits[edge.1] += 1);
        let mut ready: BTreeSet<(&str, usize)> =
            (0..self.nodes.len()).filter(|&at| waits[at] == 0).map(|at| (self.nodes[at].0.as_str(), at)).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some((_, at)) = ready.pop_first() {
            order.push(at);
            for &(_, to) in prompt().filter(|edge| edge.0 == at) {
                waits[to] -= 1;
                if waits[to] == 0 {
                    ready.insert((self.nodes[to].0.as_str(), to));
                }
            }
        }
        match (0..self.nodes.len()).find(|at| waits[*at] > 0 && self.reached(*at).iter().any(|&to| self.edges.contains(&(to, *at)))) {
            None => Ok(order),
            Some(at) => Err(Error::Wiring {
                node: self.nodes[at].0.clone(),
                problem: "is in a loop without a neuron".into(),
                help: "what comes back has to be a step old: let a neuron be in the loop".into(),
            }),
        }
    }

    fn sized(&self, late: &BTreeSet<(usize, usize)>, order: &[usize]) -> Result<Plan<'a>> {
        let place: HashMap<usize, usize> = order.iter().enumerate().map(|(step, &at)| (at, step)).collect();
        let mut steps: Vec<Step<'a>> = Vec::with_capacity(order.len());
        for &at in order {
            let (name, node, port) = &self.nodes[at];
            let from: Vec<Source> = self
                .edges
                .iter()
                .filter(|edge| edge.1 == at)
                .map(|edge| Source { step: place[&edge.0], late: late.contains(edge) })
                .collect();
            // What comes back late is as large as the neuron's parameters say, which its own place below confirms.
            let size = |source: &Source| match steps.get(source.step) {
                Some(step) => Some(step.output.clone()),
                None => self.nodes[order[source.step]].1.neurons().filter(|shape| !shape.is_empty()),
            };
            let known: Vec<(Vec<usize>, &str)> =
                from.iter().filter_map(|source| Some((size(source)?, self.nodes[order[source.step]].0.as_str()))).collect();
            let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
            let input = match (*node, known.first()) {
                (Node::Input(input), None) => input.shape.clone(),
                (_, Some((first, _))) => first.clone(),
                (_, None) => {
                    let help = "give the neuron's parameters one number for each neuron".into();
                    return Err(Error::Wiring {
                        node: name.clone(),
                        problem: "nothing says how large what comes back to it is".into(),
                        help,
                    });
                }
            };
            if let Some((other, from)) = known.iter().find(|(shape, _)| *shape != input) {
                let wants = format!("{input:?}, as from `{}`", names[0]);
                return Err(Error::Shape { node: name.clone(), wants, got: other.clone(), from: vec![(*from).into()] });
            }
            let output = node.output(name, &input, &names)?;
            let taps: Vec<usize> = node.windows().into_iter().flatten().map(|window| window.kernel).collect();
            let count = |sizes: &[usize]| sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
            if [&input, &output, &taps].into_iter().any(|sizes| count(sizes).is_none_or(|n| n > MOST)) {
                let problem = format!("makes {output:?} of {input:?} at every step: more than {MOST} numbers, or windows as large");
                let help = "a size in the file is not meant: the shape of the input, a kernel, a padding".into();
                return Err(Error::Wiring { node: name.clone(), problem, help });
            }
            steps.push(Step { name: name.clone(), node, port: *port, from, input, output });
        }
        for step in &steps {
            for source in step.from.iter().filter(|source| source.late) {
                let back = &steps[source.step];
                if back.output != step.input {
                    return Err(Error::Shape {
                        node: step.name.clone(),
                        wants: format!("{:?}", step.input),
                        got: back.output.clone(),
                        from: vec![back.name.clone()],
                    });
                }
            }
        }
        Ok(Plan { steps })
    }
}
