//! What a graph computes, in plain loops over `f64`. In: a graph, a sequence for each input and the length of a step; out: a sequence for
//! each output. It is the oracle of the tests, and answers what a graph does without a framework.

use std::collections::BTreeMap;

use crate::array::Array;
use crate::dynamics::Memory;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::node::Node;
use crate::plan::{Plan, Step};
use crate::shape::Window;

impl Graph {
    /// Runs it over time, from potentials and currents of 0 on, by Euler's method with steps of `dt` seconds.
    ///
    /// A graph without times (`IF`, `I` and nodes without neurons) needs no `dt`: then `r` counts per step. Several edges into a node add up;
    /// in a loop, what comes back to the neuron is what it sent at the step before. A neuron behind a synapse sees the current of this step.
    ///
    /// # Shapes
    ///
    /// `[T, ..]` for each input, with the sizes of the input behind; `[T, ..]` for each output, by name.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Graph::check); a `dt` that is missing or longer than a time constant, or no whole part of a delay; an input that is
    /// missing, unknown, or of other sizes.
    pub fn run(&self, inputs: &[(&str, &Array)], dt: Option<f64>) -> Result<BTreeMap<String, Array>> {
        let plan = self.plan()?;
        self.check_step("", dt)?;
        let dt = dt.unwrap_or(1.0);
        let steps = check_inputs(&plan, inputs)?;
        let mut cells = plan.steps.iter().map(|step| Cell::new(step, dt)).collect::<Result<Vec<Cell>>>()?;
        let mut sent: Vec<Vec<f64>> = plan.steps.iter().map(|step| vec![0.0; step.output.iter().product()]).collect();
        let mut outputs: BTreeMap<String, (Vec<usize>, Vec<f64>)> = BTreeMap::new();
        for t in 0..steps {
            for (at, step) in plan.steps.iter().enumerate() {
                let count: usize = step.input.iter().product();
                let mut x = vec![0.0; count];
                // What is late has not been overwritten in this time step: its neuron stands further behind.
                for source in &step.from {
                    x.iter_mut().zip(&sent[source.step]).for_each(|(x, y)| *x += y);
                }
                if let (true, Some((_, input))) = (step.port, inputs.iter().find(|(name, _)| *name == step.name)) {
                    x.copy_from_slice(&input.data()[t * count..][..count]);
                }
                sent[at] = cells[at].step(step, x, dt);
                if step.port && matches!(step.node, Node::Output(_)) {
                    let whole = || (std::iter::once(steps).chain(step.output.iter().copied()).collect(), Vec::new());
                    outputs.entry(step.name.clone()).or_insert_with(whole).1.extend(&sent[at]);
                }
            }
        }
        outputs.into_iter().map(|(name, (shape, data))| Ok((name, Array::new(shape, data)?))).collect()
    }
}

/// All inputs are there, and as large as their nodes say. Gives the number of steps.
fn check_inputs(plan: &Plan<'_>, inputs: &[(&str, &Array)]) -> Result<usize> {
    let mut steps = None;
    let ports: Vec<&Step<'_>> = plan.steps.iter().filter(|step| step.port && matches!(step.node, Node::Input(_))).collect();
    if let Some((name, _)) = inputs.iter().find(|(name, _)| !ports.iter().any(|port| port.name == *name)) {
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        return Err(Error::Input { input: (*name).into(), wants: format!("one of the names {names:?}"), got: format!("{name:?}") });
    }
    for port in ports {
        let sizes: String = port.output.iter().map(|size| format!(", {size}")).collect();
        let error = |wants: String, got: String| Error::Input { input: port.name.clone(), wants, got };
        let Some((_, x)) = inputs.iter().find(|(name, _)| *name == port.name) else {
            return Err(error(format!("[T{sizes}]"), "nothing".into()));
        };
        let [t, shape @ ..] = x.shape() else { return Err(error(format!("[T{sizes}]"), format!("{:?}", x.shape()))) };
        if shape != port.output || *steps.get_or_insert(*t) != *t {
            return Err(error(format!("[{}{sizes}]", steps.map_or("T".into(), |t| t.to_string())), format!("{:?}", x.shape())));
        }
    }
    Ok(steps.unwrap_or(0))
}

/// The longest delay, in steps: all of it is kept in memory.
const LONGEST: f64 = 1e6;

/// How many steps a delay lasts.
pub(crate) fn delay_steps(node: &str, delay: f64, dt: f64) -> Result<usize> {
    let steps = delay / dt;
    if steps > LONGEST {
        return Err(Error::field(node, "delay", format!("at most {LONGEST} steps of {dt} seconds"), format!("{delay} seconds")));
    }
    if (steps - steps.round()).abs() > 1e-3 {
        return Err(Error::field(
            node,
            "delay",
            format!("a whole number of steps of {dt} seconds"),
            format!("{delay} seconds, or {steps} steps"),
        ));
    }
    Ok(steps.round() as usize)
}

/// What a node remembers of the steps before.
enum Cell {
    Nothing,
    Neurons(Vec<Memory>),
    /// For each number the last ones that arrived, the oldest first.
    Delay(Vec<std::collections::VecDeque<f64>>),
}

impl Cell {
    fn new(step: &Step<'_>, dt: f64) -> Result<Cell> {
        let count = step.output.iter().product();
        match step.node {
            Node::Delay(n) => {
                let queue = |at: usize| Ok(vec![0.0; delay_steps(&step.name, n.delay.at(at), dt)?].into());
                Ok(Cell::Delay((0..count).map(queue).collect::<Result<_>>()?))
            }
            node if node.dynamics().is_some() => Ok(Cell::Neurons(vec![Memory::default(); count])),
            _ => Ok(Cell::Nothing),
        }
    }

    fn step(&mut self, step: &Step<'_>, x: Vec<f64>, dt: f64) -> Vec<f64> {
        match (&mut *self, step.node) {
            (Cell::Neurons(memory), node) => match node.dynamics() {
                Some(dynamics) => memory.iter_mut().zip(x).enumerate().map(|(n, (memory, x))| dynamics.step(n, memory, x, dt)).collect(),
                None => x,
            },
            (Cell::Delay(queues), _) => {
                let through = |(queue, x): (&mut std::collections::VecDeque<f64>, f64)| {
                    queue.push_back(x);
                    queue.pop_front().unwrap_or(x)
                };
                queues.iter_mut().zip(x).map(through).collect()
            }
            (Cell::Nothing, Node::Affine(n)) => matrix(&n.weight, Some(&n.bias), &x),
            (Cell::Nothing, Node::Linear(n)) => matrix(&n.weight, None, &x),
            (Cell::Nothing, Node::Conv1d(n)) => conv(step, &n.weight, &n.bias, n.groups, &x),
            (Cell::Nothing, Node::Conv2d(n)) => conv(step, &n.weight, &n.bias, n.groups, &x),
            (Cell::Nothing, Node::SumPool2d(_)) => pool(step, 1.0, &x),
            (Cell::Nothing, Node::AvgPool2d(n)) => pool(step, (n.kernel_size[0] * n.kernel_size[1]) as f64, &x),
            (Cell::Nothing, Node::Scale(n)) => x.iter().enumerate().map(|(at, x)| n.scale.at(at) * x).collect(),
            (Cell::Nothing, Node::Threshold(n)) => {
                x.iter().enumerate().map(|(at, &x)| f64::from(u8::from(x > n.threshold.at(at)))).collect()
            }
            (Cell::Nothing, _) => x,
        }
    }
}

fn matrix(weight: &Array, bias: Option<&Array>, x: &[f64]) -> Vec<f64> {
    let row = |(out, row): (usize, &[f64])| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias.map_or(0.0, |b| b.at(out));
    weight.data().chunks(x.len()).enumerate().map(row).collect()
}

/// The windows and lengths of both axes; a single axis is the second one.
fn plane(step: &Step<'_>) -> ([Window; 2], [usize; 2], [usize; 2]) {
    let whole = Window { kernel: 1, stride: 1, dilation: 1, pad: (0, 0) };
    match (step.node.windows().unwrap_or_default().as_slice(), &step.input[1..], &step.output[1..]) {
        ([only], [len], [out]) => ([whole, *only], [1, *len], [1, *out]),
        ([rows, columns], [h, w], [oh, ow]) => ([*rows, *columns], [*h, *w], [*oh, *ow]),
        _ => ([whole; 2], [0; 2], [0; 2]),
    }
}

/// For each cell of the output `f` of (the tap, the cell of the input that it sees), added up.
fn sweep(step: &Step<'_>, mut f: impl FnMut(usize, usize, usize) -> f64) -> Vec<f64> {
    let ([rows, columns], [h, w], [oh, ow]) = plane(step);
    let mut y = Vec::with_capacity(step.output.iter().product());
    for channel in 0..step.output[0] {
        for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
            let mut sum = 0.0;
            for (k, l) in (0..rows.kernel).flat_map(|k| (0..columns.kernel).map(move |l| (k, l))) {
                if let (Some(row), Some(column)) = (rows.cell(i, k, h), columns.cell(j, l, w)) {
                    sum += f(channel, k * columns.kernel + l, row * w + column);
                }
            }
            y.push(sum);
        }
    }
    y
}

fn conv(step: &Step<'_>, weight: &Array, bias: &Array, groups: usize, x: &[f64]) -> Vec<f64> {
    let (inputs, taps) = (weight.shape()[1], weight.shape()[2..].iter().product::<usize>());
    let (cells, outputs) = (step.input[1..].iter().product::<usize>(), weight.shape()[0] / groups);
    let mut y = sweep(step, |out, tap, cell| {
        let first = out / outputs * inputs;
        (0..inputs).map(|input| weight.data()[(out * inputs + input) * taps + tap] * x[(first + input) * cells + cell]).sum()
    });
    let cells = y.len() / bias.data().len();
    y.iter_mut().enumerate().for_each(|(at, y)| *y += bias.at(at / cells));
    y
}

fn pool(step: &Step<'_>, divisor: f64, x: &[f64]) -> Vec<f64> {
    let cells = step.input[1..].iter().product::<usize>();
    let mut y = sweep(step, |channel, _, cell| x[channel * cells + cell]);
    y.iter_mut().for_each(|y| *y /= divisor);
    y
}
