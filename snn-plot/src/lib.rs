//! Pictures of spiking networks, as SVG and PNG, without a tensor library. In: numbers with a shape; out: pictures with titles, axes and units.
//!
//! | function | shows | of |
//! |---|---|---|
//! | [`raster`] | a dot per spike, layer by layer | spikes `[T, ..]` of each layer |
//! | [`membrane`] | potentials with threshold and spikes | potentials and spikes `[T, ..]` |
//! | [`heatmap`] | neuron by time, as colour | anything `[T, ..]` |
//! | [`feature_map`] | an image per channel | `[C, H, W]` |
//! | [`event_frames`] | ON and OFF events of a camera | counts `[T, 2, H, W]` |
//! | [`curves`] | loss, accuracy | points |
//! | [`surrogate`] | a surrogate function beside its gradient | both, at some points |
//!
//! What a net records is `[T, N, ..]`: [`Array::sample`] picks a sample, [`Array::mean_over_time`] gives firing rates. Numbers that are infinite
//! or not a number, and pictures with nothing in them, are errors.
//!
//! ```no_run
//! use snn_plot::{Array, RasterConfig, raster};
//!
//! let spikes = Array::new([4, 1, 128], vec![0.0; 512])?; // [T, N, neurons]
//! raster(&[("sn1", &spikes.sample(0)?)], &RasterConfig::default())?.save("raster.svg")?;
//! # Ok::<(), snn_plot::Error>(())
//! ```

mod array;
mod curves;
mod error;
mod event_frames;
mod feature_map;
mod heatmap;
mod membrane;
mod picture;
mod raster;
mod scale;
mod style;
mod surrogate;
mod tiles;

pub use array::Array;
pub use curves::{Curve, Panel, curves};
pub use error::{Error, Result};
pub use event_frames::{EventFramesConfig, event_frames};
pub use feature_map::{FeatureMapConfig, feature_map};
pub use heatmap::{HeatmapConfig, heatmap};
pub use membrane::{MembraneConfig, liveliest, membrane};
pub use picture::Picture;
pub use raster::{RasterConfig, raster};
pub use style::Time;
pub use surrogate::{SurrogateCurve, surrogate};
