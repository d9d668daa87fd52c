//! Membrane potentials. In: potential and spikes of some neurons over time; out: a trace of each with its threshold and its spikes.

use kuva::prelude::*;

use crate::array::{Array, Series, range};
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::style::{BLUE, GREY, ORANGE, Time, dots, line, tick_step};

const NAME: &str = "membrane";
/// Traces that are shown unless neurons are named.
const LIVELIEST: usize = 3;
/// Traces that fit below each other.
const MOST: usize = 12;

/// How potentials look.
#[derive(Clone, Debug)]
pub struct MembraneConfig {
    /// Above the picture.
    pub title: String,
    /// What the neurons belong to: `sn3`.
    pub layer: String,
    /// The potential at which they fire; `None` for neurons that never do. Default: 1.
    pub v_threshold: Option<f64>,
    /// Which neurons, counted from 0 over all axes behind time; none are the three of [`liveliest`]. At most 12.
    pub neurons: Vec<usize>,
    /// The axis of time.
    pub time: Time,
}

impl Default for MembraneConfig {
    fn default() -> MembraneConfig {
        MembraneConfig {
            title: "Membrane potential, spikes and resets".into(),
            layer: String::new(),
            v_threshold: Some(1.0),
            neurons: Vec::new(),
            time: Time::default(),
        }
    }
}

/// The neurons most worth looking at: those that neither rest nor fire in more than half of the steps, then the others; among them those
/// whose potential moves most.
///
/// # Shapes
///
/// `voltage`, `spikes`: `[T, ..]` of one sample.
///
/// # Errors
///
/// One is not a sequence, or their shapes differ.
pub fn liveliest(voltage: &Array, spikes: &Array, count: usize) -> Result<Vec<usize>> {
    let (v, s) = both(voltage, spikes)?;
    let fired = |n: usize| s.of(n).filter(|&s| s != 0.0).count();
    let swing = |n: usize| {
        let mean = v.of(n).sum::<f64>() / v.steps as f64;
        v.of(n).map(|v| (v - mean) * (v - mean)).sum::<f64>()
    };
    let rank = |n: usize| match fired(n) {
        0 => 1,
        count if 2 * count <= v.steps => 2,
        _ => 0,
    };
    let mut order: Vec<(usize, i32, f64)> = (0..v.neurons).map(|n| (n, rank(n), swing(n))).collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(b.2.total_cmp(&a.2)));
    Ok(order.into_iter().take(count).map(|(n, ..)| n).collect())
}

/// The potential of some neurons after each step's reset, with the threshold and a mark at each spike.
///
/// # Shapes
///
/// `voltage`, `spikes`: `[T, ..]` of one sample, as `#[record(spikes, voltage)]` gives them and [`Array::sample`] picks.
///
/// SpikingJelly equivalent: `visualizing.plot_one_neuron_v_s`.
///
/// # Errors
///
/// One is not a sequence, their shapes differ, a neuron is not there, or there are more than 12.
pub fn membrane(voltage: &Array, spikes: &Array, config: &MembraneConfig) -> Result<Picture> {
    config.time.check(NAME)?;
    let (v, s) = both(voltage, spikes)?;
    if let Some(threshold) = config.v_threshold
        && !threshold.is_finite()
    {
        return Err(Error::argument(
            NAME,
            "`v_threshold`",
            format!("must be finite, but is {threshold}"),
            "write `None` if they never fire",
        ));
    }
    let chosen = if config.neurons.is_empty() { liveliest(voltage, spikes, LIVELIEST)? } else { config.neurons.clone() };
    if chosen.len() > MOST {
        return Err(Error::argument(
            NAME,
            "`neurons`",
            format!("are {}, but at most {MOST} fit", chosen.len()),
            "show the others in other pictures",
        ));
    }
    if let Some(n) = chosen.iter().find(|&&n| n >= v.neurons) {
        let problem = format!("{n} is not there: {:?} has {}, counted from 0", voltage.shape(), v.neurons);
        return Err(Error::argument(NAME, "`neurons`", problem, ""));
    }

    let (mut plots, mut layouts) = (Vec::new(), Vec::new());
    for (row, &n) in chosen.iter().enumerate() {
        let (cell, layout) = trace(v, s, n, config);
        layouts.push(if row + 1 == chosen.len() { layout.with_x_label(config.time.label()) } else { layout });
        plots.push(cell);
    }
    let figure = Figure::new(chosen.len(), 1)
        .with_title(config.title.as_str())
        .with_title_size(16)
        .with_plots(plots)
        .with_layouts(layouts)
        .with_cell_size(860.0, 220.0);
    Ok(Picture::new(figure.render()))
}

fn both<'a>(voltage: &'a Array, spikes: &'a Array) -> Result<(Series<'a>, Series<'a>)> {
    if voltage.shape() != spikes.shape() {
        let problem = format!("has shape {:?}, but `spikes` has {:?}", voltage.shape(), spikes.shape());
        return Err(Error::argument(NAME, "`voltage`", problem, "record both of the same neurons: `#[record(spikes, voltage)]`"));
    }
    Ok((voltage.over_time(NAME, "`voltage`")?, spikes.over_time(NAME, "`spikes`")?))
}

fn trace(v: Series<'_>, s: Series<'_>, n: usize, config: &MembraneConfig) -> (Vec<Plot>, Layout) {
    let (low, high) = range(v.of(n).chain(config.v_threshold).chain([0.0]));
    let height = (high - low).max(1e-3);
    let mark = config.v_threshold.unwrap_or(high).max(high) + 0.12 * height;
    let (mut points, mut marks) = (Vec::new(), Vec::new());
    for (t, (v, s)) in v.of(n).zip(s.of(n)).enumerate() {
        let time = config.time.at(t);
        if s != 0.0 {
            // It has been at the threshold, at least; then came the reset.
            points.extend(config.v_threshold.map(|threshold| (time, threshold)));
            marks.push((time, mark));
        }
        points.push((time, v));
    }
    let fired = marks.len();
    let layer = if config.layer.is_empty() { String::new() } else { format!("{}, ", config.layer) };
    let times = if fired == 1 { "spike" } else { "spikes" };
    let cell: Vec<Plot> = vec![line(points, BLUE).into(), dots(marks, ORANGE, 5.0).with_marker(MarkerShape::TriangleDown).into()];
    let step = tick_step(1.25 * height, 4.0);
    let mut layout = Layout::auto_from_plots(&cell)
        .with_title(format!("{layer}neuron {n}: {fired} {times} in {} steps", v.steps))
        .with_title_size(14)
        .with_y_label("potential v")
        .with_x_axis_min(0.0)
        .with_x_axis_max(config.time.at(v.steps) + 0.06 * config.time.at(v.steps)) // room for the word `threshold`
        .with_x_tick_step(config.time.tick_step(v.steps))
        .with_y_axis_min(low - 0.08 * height)
        .with_y_axis_max(mark + 0.15 * height)
        .with_y_tick_step(step);
    if let Some(threshold) = config.v_threshold {
        layout = layout.with_reference_line(ReferenceLine::horizontal(threshold).with_label("threshold").with_color(GREY));
    }
    (cell, layout)
}
