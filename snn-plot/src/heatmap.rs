//! Heat map, neuron by time. In: numbers of some neurons over time; out: a cell of colour for each, and the scale.

use kuva::prelude::*;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::scale::label_of_scale;
use crate::style::{Time, spread, tick_step};

const NAME: &str = "heatmap";
/// Columns of a picture; longer sequences are averaged.
const COLUMNS: usize = 256;

/// How a heat map looks.
#[derive(Clone, Debug)]
pub struct HeatmapConfig {
    /// Above the picture.
    pub title: String,
    /// What the colours are, with the unit: `membrane potential`.
    pub value: String,
    /// Neurons that are shown, at most, evenly spread. Default: 64.
    pub rows: usize,
    /// The axis of time.
    pub time: Time,
}

impl Default for HeatmapConfig {
    fn default() -> HeatmapConfig {
        HeatmapConfig { title: "Membrane potential".into(), value: "membrane potential v".into(), rows: 64, time: Time::default() }
    }
}

/// The potential (or anything else) of neurons over time, as colour.
///
/// Of more than 256 steps, as many as needed are averaged into a column; the subtitle says so.
///
/// # Shapes
///
/// `x`: `[T, ..]` of one sample.
///
/// SpikingJelly equivalent: `visualizing.plot_2d_heatmap`.
///
/// # Errors
///
/// It is not a sequence, or `rows` is 0.
pub fn heatmap(x: &Array, config: &HeatmapConfig) -> Result<Picture> {
    config.time.check(NAME)?;
    if config.rows == 0 {
        return Err(Error::argument(NAME, "`rows`", "must be at least 1, but is 0", ""));
    }
    let series = x.over_time(NAME, "`x`")?;
    let (steps, neurons) = (series.steps, series.neurons);
    let bin = steps.div_ceil(COLUMNS);
    let columns = steps.div_ceil(bin);
    let mean = |neuron: usize, column: usize| {
        let of = column * bin..steps.min((column + 1) * bin);
        let n = of.len() as f64;
        of.map(|t| series.at(t, neuron)).sum::<f64>() / n
    };
    let shown: Vec<usize> = spread(neurons, config.rows).collect();
    let data: Vec<Vec<f64>> = shown.iter().map(|&n| (0..columns).map(|column| mean(n, column)).collect()).collect();

    let end = (columns * bin) as f64 * config.time.step;
    let cells = Heatmap::new().with_data(data).with_cell_size(1.0).with_x_range(0.0, end).with_y_range(-0.5, neurons as f64 - 0.5);
    let plots: Vec<Plot> = vec![cells.into()];
    let mut parts = Vec::new();
    if shown.len() < neurons {
        parts.push(format!("{} of {neurons} neurons", shown.len()));
    }
    if bin > 1 {
        parts.push(format!("each column is the mean of {bin} steps"));
    }
    let layout = Layout::auto_from_plots(&plots)
        .with_title(config.title.as_str())
        .with_subtitle(parts.join("; "))
        .with_x_label(config.time.label())
        .with_y_label("neuron")
        .with_width(900.0)
        .with_height(500.0)
        .with_x_axis_min(0.0)
        .with_x_axis_max(end)
        .with_x_tick_step(config.time.tick_step(steps))
        .with_y_axis_min(-0.5)
        .with_y_axis_max(neurons as f64 - 0.5)
        .with_y_tick_step(tick_step(neurons as f64, 10.0).max(1.0))
        .with_show_grid(false);
    let mut scene = render_multiple(plots, layout);
    label_of_scale(&mut scene, &config.value);
    Ok(Picture::new(scene))
}
