//! Spike raster. In: spikes of some layers over time; out: a dot per spike, a row per neuron.

use std::sync::Arc;

use kuva::prelude::*;

use crate::array::{Array, Series};
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::style::{GREY, Time, color, dots, spread, tick_step};

const NAME: &str = "raster";
/// Rows between two layers.
const GAP: f64 = 6.0;

/// How a raster looks.
#[derive(Clone, Debug)]
pub struct RasterConfig {
    /// Above the picture.
    pub title: String,
    /// Below the title.
    pub subtitle: String,
    /// Neurons of a layer that are shown, at most, evenly spread over it. Default: 48.
    pub rows: usize,
    /// The axis of time.
    pub time: Time,
    /// A vertical line after so many steps, and what it says.
    pub mark: Option<(usize, String)>,
}

impl Default for RasterConfig {
    fn default() -> RasterConfig {
        RasterConfig { title: "Spikes".into(), subtitle: String::new(), rows: 48, time: Time::default(), mark: None }
    }
}

/// A dot per spike, and how often each layer fires.
///
/// # Shapes
///
/// Spikes of each layer: `[T, ..]` of one sample, as [`Array::sample`] gives it; the same `T` for all.
///
/// SpikingJelly equivalent: `visualizing.plot_1d_spikes`; snnTorch: `spikeplot.raster`.
///
/// ```
/// use snn_plot::{Array, RasterConfig, raster};
///
/// let spikes = Array::new([5, 2], [0., 1., 1., 0., 0., 0., 1., 1., 0., 1.])?;
/// let svg = raster(&[("sn1", &spikes)], &RasterConfig::default())?.svg();
/// assert!(svg.contains("50 %"));
/// # Ok::<(), snn_plot::Error>(())
/// ```
///
/// # Errors
///
/// There is no layer, layers have different `T`, one is not a sequence, or `rows` is 0.
pub fn raster(layers: &[(&str, &Array)], config: &RasterConfig) -> Result<Picture> {
    config.time.check(NAME)?;
    if config.rows == 0 {
        return Err(Error::argument(NAME, "`rows`", "must be at least 1, but is 0", ""));
    }
    let layers = layers.iter().map(|&(name, spikes)| Ok((name, spikes.over_time(NAME, &format!("`{name}`"))?)));
    let layers: Vec<(&str, Series<'_>)> = layers.collect::<Result<_>>()?;
    let Some(&(first, Series { steps, .. })) = layers.first() else {
        return Err(Error::argument(NAME, "`layers`", "are none: there is nothing to show", "give at least one, `(\"sn1\", &spikes)`"));
    };
    if let Some((name, spikes)) = layers.iter().find(|(_, spikes)| spikes.steps != steps) {
        let problem = format!("has {} steps, but `{first}` has {steps}", spikes.steps);
        return Err(Error::argument(
            NAME,
            format!("`{name}`"),
            problem,
            "show layers with other numbers of steps in pictures of their own",
        ));
    }
    let rows = layers.iter().map(|(_, spikes)| spikes.neurons.min(config.rows)).max().unwrap_or(1);

    // The rows of layer i lie around `band * (i + 1)`, where the axis has its name; a lone layer has its neurons' numbers there.
    let (alone, band) = (layers.len() == 1, rows as f64 + GAP);
    let mut plots: Vec<Plot> = Vec::new();
    for (i, (name, spikes)) in layers.iter().enumerate() {
        let shown: Vec<usize> = spread(spikes.neurons, config.rows).collect();
        let pitch = rows as f64 / shown.len() as f64;
        let mut points = Vec::new();
        for (row, &neuron) in shown.iter().enumerate() {
            let in_band = (row as f64 + 0.5) * pitch - rows as f64 / 2.0;
            let y = if alone { neuron as f64 } else { band * (i + 1) as f64 + in_band };
            points.extend(spikes.of(neuron).enumerate().filter(|&(_, s)| s != 0.0).map(|(t, _)| (config.time.at(t), y)));
        }
        let fired = (0..spikes.neurons).flat_map(|n| spikes.of(n)).filter(|&s| s != 0.0).count();
        let legend = format!("{name}: {}", percent(fired as f64 / (spikes.neurons * steps) as f64));
        plots.push(dots(points, color(i), 2.2).with_marker(MarkerShape::Square).with_legend(legend).into());
    }

    let end = config.time.at(steps);
    let mut layout = Layout::auto_from_plots(&plots)
        .with_title(config.title.as_str())
        .with_subtitle(subtitle(&layers, config))
        .with_x_label(config.time.label())
        .with_width(900.0)
        .with_height(600.0)
        .with_x_axis_min(0.0)
        .with_x_axis_max(end)
        .with_x_tick_step(config.time.tick_step(steps + 1))
        .with_show_grid(false)
        .with_legend_title("fire per step");
    layout = if alone {
        let neurons = layers[0].1.neurons as f64;
        let step = tick_step(neurons, 10.0).max(1.0);
        layout
            .with_y_label("neuron")
            .with_y_axis_min(-0.5 - neurons / 60.0)
            .with_y_axis_max(neurons * 61.0 / 60.0 - 0.5)
            .with_y_tick_step(step)
    } else {
        let names: Vec<String> = layers.iter().map(|&(name, _)| name.to_string()).collect();
        let layer_at = move |y: f64| {
            let i = (y / band).round() as usize;
            i.checked_sub(1).and_then(|i| names.get(i)).cloned().unwrap_or_default()
        };
        layout
            .with_y_label("layer, a row per neuron")
            .with_y_axis_min(band / 2.0 - 2.0)
            .with_y_axis_max(band * (layers.len() as f64 + 0.5) + 2.0)
            .with_y_tick_step(band)
            .with_y_tick_format(TickFormat::Custom(Arc::new(layer_at)))
    };
    if let Some((steps, says)) = &config.mark {
        let x = (*steps as f64 + 0.5) * config.time.step;
        layout = layout.with_reference_line(ReferenceLine::vertical(x).with_label(says.as_str()).with_color(GREY));
    }
    Ok(Picture::new(render_multiple(plots, layout)))
}

/// The user's words, and how many neurons there are of how many.
fn subtitle(layers: &[(&str, Series<'_>)], config: &RasterConfig) -> String {
    let cut: Vec<&(&str, Series<'_>)> = layers.iter().filter(|(_, spikes)| spikes.neurons > config.rows).collect();
    let shown = match cut.as_slice() {
        [] => String::new(),
        [(_, spikes)] if layers.len() == 1 => format!("{} of {} neurons", config.rows, spikes.neurons),
        some => {
            let of: Vec<String> = some.iter().map(|(name, spikes)| format!("{} of {name}", spikes.neurons)).collect();
            format!("{} neurons of the {}", config.rows, of.join(", "))
        }
    };
    let parts: Vec<&str> = [config.subtitle.as_str(), shown.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("; ")
}

/// `24 %`, with as many digits as tell rare from never.
fn percent(rate: f64) -> String {
    let percent = 100.0 * rate;
    if percent == 0.0 || percent >= 9.95 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}
