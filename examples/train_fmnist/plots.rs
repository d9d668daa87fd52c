//! The plots. In: how training went, and a net to look into; out: files, each as SVG and PNG.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use kuva::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::prelude::*;
use kuva::render::render::Scene;
use snn::Tensor;
use snn::data::Dataset;
use snn::prelude::no_grad;

use crate::net::Csnn;
use crate::training::History;

const BLUE: &str = "#0072b2";
const ORANGE: &str = "#d55e00";
const GREEN: &str = "#009e73";
/// The net learnt with `T` steps; it is watched for longer.
const WATCHED: usize = 32;
/// Rows of a layer in the raster.
const ROWS: usize = 48;

fn write(out: &Path, name: &str, scene: &Scene) -> Result<()> {
    let png = PngBackend::new().render_scene(scene).map_err(|problem| anyhow!("{name}.png: {problem}"))?;
    for (extension, bytes) in [("svg", SvgBackend::new().render_scene(scene).as_bytes()), ("png", &png)] {
        let path = out.join(format!("{name}.{extension}"));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn line(points: &[(f64, f64)], color: &str) -> LinePlot {
    LinePlot::new().with_data(points.iter().copied()).with_color(color).with_stroke_width(2.0)
}

fn dots(points: &[(f64, f64)], color: &str, size: f64) -> ScatterPlot {
    ScatterPlot::new().with_data(points.iter().copied()).with_color(color).with_size(size)
}

/// Loss and accuracy over epochs.
pub(crate) fn curves(out: &Path, history: &History) -> Result<()> {
    let loss: Vec<Plot> = vec![line(&history.loss, BLUE).into()];
    let accuracy: Vec<Plot> = vec![
        line(&history.train, BLUE).with_legend("training images, moved").into(),
        line(&history.test, ORANGE).with_legend("test images").into(),
        dots(&history.test, ORANGE, 3.5).into(),
    ];
    let last = history.test.last().map_or(0.0, |&(_, percent)| percent);
    let layouts = vec![
        Layout::auto_from_plots(&loss).with_title("Training loss").with_x_label("epoch").with_y_label("cross-entropy (nats)"),
        Layout::auto_from_plots(&accuracy)
            .with_title(format!("Accuracy, {last:.1} % at the end"))
            .with_x_label("epoch")
            .with_x_axis_min(0.0)
            .with_y_label("right answers (%)")
            .with_legend_position(LegendPosition::InsideBottomRight),
    ];
    let figure = Figure::new(1, 2).with_plots(vec![loss, accuracy]).with_layouts(layouts).with_cell_size(520.0, 380.0);
    write(out, "curves", &figure.render())
}

/// Spike raster and membrane potentials while one test image is shown.
pub(crate) fn spikes(out: &Path, net: &Csnn, set: &Dataset, names: [&str; 10]) -> Result<()> {
    let (image, label) = (set.images.f_narrow(0, 0, 1)?, set.labels.f_int64_value(&[0])?);
    let x = Csnn::input(image)?;
    let (y, rec) = no_grad(|| net.forward_chunk_recorded(&x, WATCHED as i64, &mut net.state(1), false))?;
    let name = |class: i64| usize::try_from(class).ok().and_then(|c| names.get(c)).copied().unwrap_or("?");
    let shown = format!("Test image 0 ({}), answer: {}", name(label), name(y.f_argmax(-1, false)?.f_int64_value(&[0])?));
    let layers = [("sn1", BLUE, &rec.sn1.spikes), ("sn2", ORANGE, &rec.sn2.spikes), ("sn3", GREEN, &rec.sn3.spikes)];
    raster(out, &shown, &layers)?;
    membrane(out, &shown, &series(&rec.sn3.voltage)?, &series(&rec.sn3.spikes)?)
}

/// `[T, 1, ..]` as one series per neuron.
fn series(x: &Tensor) -> Result<Vec<Vec<f64>>> {
    let neurons = x.f_flatten(1, -1)?.f_transpose(0, 1)?;
    Ok(Vec::<Vec<f32>>::try_from(&neurons)?.into_iter().map(|v| v.into_iter().map(f64::from).collect()).collect())
}

/// A dot per spike; some neurons of each layer, evenly spread over it.
fn raster(out: &Path, shown: &str, layers: &[(&'static str, &str, &Tensor)]) -> Result<()> {
    // The rows of layer i lie around `band * (i + 1)`, where the axis has its name.
    let band = ROWS as f64 + 6.0;
    let mut plots: Vec<Plot> = Vec::new();
    for (i, (name, color, spikes)) in layers.iter().enumerate() {
        let neurons = series(spikes)?;
        let fired = neurons.iter().flatten().sum::<f64>() / (neurons.len() * WATCHED) as f64;
        let mut points = Vec::new();
        for row in 0..ROWS {
            let y = band * (i + 1) as f64 + row as f64 - (ROWS - 1) as f64 / 2.0;
            let spikes = neurons[row * neurons.len() / ROWS].iter().enumerate();
            points.extend(spikes.filter(|&(_, &s)| s > 0.0).map(|(t, _)| (t as f64 + 1.0, y)));
        }
        let legend = format!("{name}: {:.0} %", 100.0 * fired);
        plots.push(dots(&points, color, 2.2).with_marker(MarkerShape::Square).with_legend(legend).into());
    }
    let names: Vec<&str> = layers.iter().map(|&(name, ..)| name).collect();
    let layer_at = move |y: f64| {
        let i = (y / band).round() as usize;
        i.checked_sub(1).and_then(|i| names.get(i)).copied().unwrap_or_default().to_string()
    };
    let layout = Layout::auto_from_plots(&plots)
        .with_title(format!("Spikes of {ROWS} neurons of each layer"))
        .with_subtitle(format!("{shown}; shown for {WATCHED} steps, learnt with T = {}", Csnn::T))
        .with_x_label("time (steps)")
        .with_y_label("layer, a row per neuron")
        .with_width(900.0)
        .with_height(600.0)
        .with_x_axis_min(0.0)
        .with_x_axis_max(WATCHED as f64 + 1.0)
        .with_x_tick_step(4.0)
        .with_y_axis_min(band / 2.0 - 2.0)
        .with_y_axis_max(band * (layers.len() as f64 + 0.5) + 2.0)
        .with_y_tick_step(band)
        .with_y_tick_format(TickFormat::Custom(Arc::new(layer_at)))
        .with_show_grid(false)
        .with_reference_line(ReferenceLine::vertical(Csnn::T as f64 + 0.5).with_label(format!("T = {}", Csnn::T)).with_color("#555555"))
        .with_legend_title("fire per step");
    write(out, "raster", &render_multiple(plots, layout))
}

/// Potentials of three neurons of the layer that leaks.
fn membrane(out: &Path, shown: &str, voltage: &[Vec<f64>], spikes: &[Vec<f64>]) -> Result<()> {
    // Neurons that neither rest nor fire at every step, and move the most.
    let swing = |n: &usize| voltage[*n].iter().map(|v| v * v).sum::<f64>();
    let count = |n: usize| spikes[n].iter().sum::<f64>() as usize;
    let mut chosen: Vec<usize> = (0..voltage.len()).filter(|&n| (3..=WATCHED / 2).contains(&count(n))).collect();
    chosen.sort_by(|a, b| swing(b).total_cmp(&swing(a)));
    chosen.truncate(3);

    let (mut plots, mut layouts) = (Vec::new(), Vec::new());
    for (row, &n) in chosen.iter().enumerate() {
        let fired = |t: usize| spikes[n][t] > 0.0;
        let mut trace = vec![(0.0, 0.0)];
        let mut marks = Vec::new();
        for (t, &v) in voltage[n].iter().enumerate() {
            let time = t as f64 + 1.0;
            if fired(t) {
                trace.push((time, 1.0)); // at least to the threshold, then the reset
                marks.push((time, 1.15));
            }
            trace.push((time, v));
        }
        let cell: Vec<Plot> = vec![line(&trace, BLUE).into(), dots(&marks, ORANGE, 5.0).with_marker(MarkerShape::TriangleDown).into()];
        let low = voltage[n].iter().copied().fold(0.0, f64::min);
        let mut layout = Layout::auto_from_plots(&cell)
            .with_title(format!("sn3, neuron {n}: {} spikes in {WATCHED} steps", count(n)))
            .with_title_size(14)
            .with_y_label("v (threshold = 1)")
            .with_x_axis_min(0.0)
            .with_x_axis_max(WATCHED as f64 + 3.0) // room for the word `threshold`
            .with_x_tick_step(4.0)
            .with_y_axis_min((2.0 * low - 0.1).floor() / 2.0)
            .with_y_axis_max(1.5)
            .with_reference_line(ReferenceLine::horizontal(1.0).with_label("threshold").with_color("#555555"));
        if row + 1 == chosen.len() {
            layout = layout.with_x_label("time (steps)");
        }
        plots.push(cell);
        layouts.push(layout);
    }
    let figure = Figure::new(chosen.len().max(1), 1)
        .with_title(format!("Membrane potential, spikes and resets. {shown}"))
        .with_title_size(16)
        .with_plots(plots)
        .with_layouts(layouts)
        .with_cell_size(860.0, 220.0);
    write(out, "membrane", &figure.render())
}
