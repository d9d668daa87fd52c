//! Feature maps. In: the channels of a layer; out: an image of each, in a grid, all on one scale of colours.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::tiles::{self, Aside, Tile, viridis};

const NAME: &str = "feature_map";
/// Tiles that fit into one picture.
const MOST: usize = 256;

/// How feature maps look.
#[derive(Clone, Debug)]
pub struct FeatureMapConfig {
    /// Above the picture.
    pub title: String,
    /// Below the title.
    pub subtitle: String,
    /// What the colours are, with the unit: `spikes per step`.
    pub value: String,
    /// Images in a row. Default: about as many as there are rows, at most 16.
    pub columns: Option<usize>,
}

impl Default for FeatureMapConfig {
    fn default() -> FeatureMapConfig {
        FeatureMapConfig { title: "Feature maps".into(), subtitle: String::new(), value: "spikes per step".into(), columns: None }
    }
}

/// An image of each channel, all on one scale of colours. [`Array::mean_over_time`] gives the firing rates of recorded spikes.
///
/// # Shapes
///
/// `x`: `[C, H, W]`; at most 256 channels.
///
/// SpikingJelly equivalent: `visualizing.plot_2d_feature_map`.
///
/// ```
/// use snn_plot::{Array, FeatureMapConfig, feature_map};
///
/// let spikes = Array::new([4, 1, 8, 5, 5], vec![1.0; 800])?; // [T, N, C, H, W]
/// let rates = spikes.sample(0)?.mean_over_time()?; // [C, H, W]
/// feature_map(&rates, &FeatureMapConfig::default())?.svg();
/// # Ok::<(), snn_plot::Error>(())
/// ```
///
/// # Errors
///
/// The shape is another one, there are more than 256 channels, or `columns` is 0.
pub fn feature_map(x: &Array, config: &FeatureMapConfig) -> Result<Picture> {
    let &[channels, height, width] = x.shape() else {
        let problem = format!("wants [C, H, W], but gets {:?}", x.shape());
        return Err(Error::argument(
            NAME,
            "`x`",
            problem,
            "of [T, N, C, H, W], take `sample(0)?` and then `mean_over_time()?` or `step(t)?`",
        ));
    };
    if channels > MOST {
        let problem = format!("has {channels} channels, but at most {MOST} fit");
        return Err(Error::argument(NAME, "`x`", problem, "show some of them"));
    }
    let columns = match config.columns {
        Some(0) => return Err(Error::argument(NAME, "`columns`", "must be at least 1, but is 0", "")),
        Some(columns) => columns.min(channels),
        None if channels <= 5 => channels,
        None => ((channels as f64).sqrt().ceil() as usize).clamp(1, 16),
    };
    let (low, high) = x.range();
    let color = |&v: &f32| viridis(if high > low { (f64::from(v) - low) / (high - low) } else { 0.0 });
    let tile = |(c, cells): (usize, &[f32])| Tile { caption: c.to_string(), colors: cells.iter().map(color).collect() };
    let tiles: Vec<Tile> = x.values().chunks_exact(height * width).enumerate().map(tile).collect();
    let aside = Aside::Scale { low, high, says: &config.value };
    Ok(tiles::draw(&config.title, &config.subtitle, &tiles, [height, width], columns, &aside))
}
