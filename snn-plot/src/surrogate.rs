//! A surrogate function beside its gradient. In: both, at some points; out: two panels.

use kuva::prelude::*;

use crate::array::range;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::style::{BLUE, GREY, ORANGE, line};

const NAME: &str = "surrogate";

/// A surrogate function at some points.
#[derive(Clone, Debug)]
pub struct SurrogateCurve<'a> {
    /// Its name, with arguments: `ATan(alpha = 2)`.
    pub name: &'a str,
    /// Where it was evaluated: h - v_threshold, rising.
    pub x: &'a [f64],
    /// What the neuron sends forward: the step from 0 to 1.
    pub spike: &'a [f64],
    /// The smooth function that the gradient belongs to, if there is one.
    pub primitive: Option<&'a [f64]>,
    /// What stands in for the derivative, backward.
    pub gradient: &'a [f64],
}

/// What a neuron sends forward, with the smooth function behind it, and beside them the gradient that goes backward.
///
/// SpikingJelly equivalent: the pictures of the `surrogate` package's documentation.
///
/// # Errors
///
/// There are fewer than two points, slices differ in length, x does not rise, or a value is infinite or not a number.
pub fn surrogate(curve: &SurrogateCurve<'_>) -> Result<Picture> {
    let SurrogateCurve { name, x, spike, primitive, gradient } = *curve;
    if x.len() < 2 {
        return Err(Error::argument(NAME, "`x`", format!("wants at least 2 points, but gets {}", x.len()), ""));
    }
    for (what, values) in [("`spike`", Some(spike)), ("`primitive`", primitive), ("`gradient`", Some(gradient)), ("`x`", Some(x))] {
        let Some(values) = values else { continue };
        if values.len() != x.len() {
            let problem = format!("has {} values, but `x` has {}", values.len(), x.len());
            return Err(Error::argument(NAME, what, problem, "evaluate it at each x"));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::argument(NAME, what, format!("must be finite, but value {i} is {}", values[i]), ""));
        }
    }
    if let Some(i) = x.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(Error::argument(NAME, "`x`", format!("must rise, but {} follows {}", x[i + 1], x[i]), ""));
    }

    let points = |values: &[f64]| x.iter().copied().zip(values.iter().copied()).collect::<Vec<_>>();
    let mut forward: Vec<Plot> = vec![line(points(spike), BLUE).with_legend("spike").into()];
    if let Some(primitive) = primitive {
        forward.push(line(points(primitive), ORANGE).with_dashed().with_legend("primitive").into());
    }
    let backward: Vec<Plot> = vec![line(points(gradient), ORANGE).into()];
    let panel = |cell: &[Plot], values: &[&[f64]], title: &str, y: &str| {
        let (low, high) = range(values.iter().flat_map(|v| v.iter().copied()));
        let room = 0.08 * (high - low).max(1e-3);
        Layout::auto_from_plots(cell)
            .with_title(title)
            .with_x_label("h - v_threshold")
            .with_y_label(y)
            .with_x_axis_min(x[0])
            .with_x_axis_max(x[x.len() - 1])
            .with_y_axis_min(low - room)
            .with_y_axis_max(high + room)
            .with_clamp_axis()
            .with_reference_line(ReferenceLine::vertical(0.0).with_color(GREY))
    };
    let layouts = vec![
        panel(&forward, &[spike, primitive.unwrap_or(spike)], "forward", "spike s").with_legend_position(LegendPosition::InsideTopLeft),
        panel(&backward, &[gradient, &[0.0]], "backward", "gradient ds/dh"),
    ];
    let figure = Figure::new(1, 2)
        .with_title(name)
        .with_title_size(16)
        .with_plots(vec![forward, backward])
        .with_layouts(layouts)
        .with_cell_size(440.0, 340.0);
    Ok(Picture::new(figure.render()))
}
