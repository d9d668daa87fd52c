//! Curves. In: points of some series; out: a panel or several side by side, each with its axes and a legend.

use kuva::prelude::*;

use crate::array::range;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::style::{color, dots, line};

const NAME: &str = "curves";
/// A curve with no more points than this has them marked.
const MARKED: usize = 40;

/// A curve and its name.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// In the legend, where a panel has more than one.
    pub name: &'a str,
    /// x and y, in the order of x.
    pub points: &'a [(f64, f64)],
}

/// Curves over the same axes.
#[derive(Clone, Debug, Default)]
pub struct Panel<'a> {
    /// Above the panel.
    pub title: String,
    /// What x is, with its unit: `epoch`.
    pub x_label: String,
    /// What y is, with its unit: `cross-entropy (nats)`.
    pub y_label: String,
    /// The curves.
    pub curves: Vec<Curve<'a>>,
    /// Draw y by its logarithm: for losses that fall by orders of magnitude.
    pub log_y: bool,
}

/// Panels side by side: the loss and the accuracy over epochs, for example.
///
/// ```
/// use snn_plot::{Curve, Panel, curves};
///
/// let loss = [(1.0, 2.3), (2.0, 1.1), (3.0, 0.7)];
/// let panel = Panel {
///     title: "Training loss".into(),
///     x_label: "epoch".into(),
///     y_label: "cross-entropy (nats)".into(),
///     curves: vec![Curve { name: "training", points: &loss }],
///     ..Panel::default()
/// };
/// assert!(curves(&[panel])?.svg().contains("Training loss"));
/// # Ok::<(), snn_plot::Error>(())
/// ```
///
/// # Errors
///
/// There is no panel, one has no curve, a curve has no point, or a point is infinite, not a number, or not above 0 under `log_y`.
pub fn curves(panels: &[Panel<'_>]) -> Result<Picture> {
    if panels.is_empty() {
        return Err(Error::argument(NAME, "`panels`", "are none: there is nothing to show", ""));
    }
    let (mut plots, mut layouts) = (Vec::new(), Vec::new());
    for panel in panels {
        check(panel)?;
        let (cell, layout) = draw(panel);
        plots.push(cell);
        layouts.push(layout);
    }
    let figure = Figure::new(1, panels.len()).with_plots(plots).with_layouts(layouts).with_cell_size(520.0, 380.0);
    Ok(Picture::new(figure.render()))
}

fn check(panel: &Panel<'_>) -> Result<()> {
    if panel.curves.is_empty() {
        return Err(Error::argument(NAME, format!("panel `{}`", panel.title), "has no curve: there is nothing to show", ""));
    }
    for Curve { name, points } in &panel.curves {
        let wrong = |problem: String, help| Err(Error::argument(NAME, format!("curve `{name}`"), problem, help));
        if points.is_empty() {
            return wrong("has no point: there is nothing to show".into(), "");
        }
        if let Some((x, y)) = points.iter().find(|(x, y)| !x.is_finite() || !y.is_finite()) {
            return wrong(format!("must have finite points, but has ({x}, {y})"), "leave such points out, or show those before the first");
        }
        if let Some((x, y)) = points.iter().find(|(_, y)| panel.log_y && *y <= 0.0) {
            return wrong(format!("has no logarithm at ({x}, {y})"), "draw it without `log_y`");
        }
    }
    Ok(())
}

fn draw(panel: &Panel<'_>) -> (Vec<Plot>, Layout) {
    let mut cell: Vec<Plot> = Vec::new();
    for (i, curve) in panel.curves.iter().enumerate() {
        let points = || curve.points.iter().copied();
        let line = line(points(), color(i));
        cell.push(if panel.curves.len() > 1 { line.with_legend(curve.name) } else { line }.into());
        if curve.points.len() <= MARKED {
            cell.push(dots(points(), color(i), 3.0).into());
        }
    }
    let mut layout = Layout::auto_from_plots(&cell)
        .with_title(panel.title.as_str())
        .with_x_label(panel.x_label.as_str())
        .with_y_label(panel.y_label.as_str())
        .with_legend_position(corner(panel));
    let (first, last) = range(panel.curves.iter().flat_map(|c| c.points.iter().map(|p| p.0)));
    if first >= 0.0 && first <= 0.1 * last {
        layout = layout.with_x_axis_min(0.0);
    }
    if panel.log_y {
        layout = layout.with_log_y();
    }
    (cell, layout)
}

/// The corner on the right that the ends of the curves are farther from.
fn corner(panel: &Panel<'_>) -> LegendPosition {
    let (low, high) = range(panel.curves.iter().flat_map(|c| c.points.iter().map(|p| p.1)));
    let tails = panel.curves.iter().flat_map(|c| c.points[c.points.len() / 2..].iter().map(|p| p.1));
    let (tail_low, tail_high) = range(tails);
    if tail_low - low > high - tail_high { LegendPosition::InsideBottomRight } else { LegendPosition::InsideTopRight }
}
