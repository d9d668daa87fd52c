//! A graph as a net of the language. In: a graph, and how long a step is; out: the source of a `snn_net!`, with a `snn_neuron!` for each kind
//! of neuron that no built-in one is, and the weights under the net's names.

mod layers;
mod names;
mod neurons;
mod text;
mod wiring;

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use crate::array::Array;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::write::write_whole;

/// How a graph becomes a net.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportConfig {
    /// The name of the net: `LifNorse`.
    pub net: String,
    /// The length of a step in seconds; only a graph without times does without.
    pub dt: Option<f64>,
    /// The `T` of the net. Nothing but the number of steps of a call depends on it.
    pub steps: usize,
    /// What the source says about where it comes from: `lif_norse.nir`.
    pub origin: String,
}

impl ImportConfig {
    /// For the graph in `file`: the net is named after it.
    pub fn new(file: impl AsRef<Path>, dt: Option<f64>) -> ImportConfig {
        let file = file.as_ref();
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        ImportConfig { net: names::camel(&text(file.file_stem())), dt, steps: 100, origin: text(file.file_name()) }
    }
}

/// A net of the language, and its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Rust source: a module of its own.
    pub source: String,
    /// The weights by their names in the net's `VarStore`.
    pub weights: Vec<(String, Array)>,
}

impl Graph {
    /// The graph as a net of the language.
    ///
    /// `IFNode` and `LIFNode` (or `SimpleIFNode` and `SimpleLIFNode`) stand where they compute exactly what the graph says, in `f32`: they fire
    /// from their threshold on, NIR's neurons strictly above it, so theirs is the next `f32`. For all other neurons a definition stands beside the
    /// net, with the parameters of the file as buffers, one for each channel. A neuron with a loop over it becomes a recurrent container.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Graph::run), and [`Error::Unmapped`] for a node that the language has no layer for: parameters that differ within a
    /// channel, delays that differ within a layer, a loop over more than one `Affine` or `Linear`.
    pub fn import(&self, config: &ImportConfig) -> Result<Imported> {
        let plan = self.plan()?;
        self.check_step("", config.dt)?;
        let net = wiring::Net::of(&plan, config.dt.unwrap_or(1.0))?;
        Ok(Imported { source: text::source(&net, config), weights: net.weights() })
    }
}

impl Imported {
    /// Writes the weights as `f32` to a safetensors file, which `snn::load` reads into the net.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn save(&self, file: impl AsRef<Path>) -> Result<()> {
        let bytes = |x: &Array| x.data().iter().flat_map(|&x| (x as f32).to_le_bytes()).collect::<Vec<u8>>();
        let data: Vec<(&str, &[usize], Vec<u8>)> = self.weights.iter().map(|(name, x)| (name.as_str(), x.shape(), bytes(x))).collect();
        let views = data.iter().map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)));
        let error = |e: safetensors::SafeTensorError| Error::Safetensors(e.to_string());
        let views = views.collect::<Result<Vec<_>, _>>().map_err(error)?;
        write_whole(file.as_ref(), &safetensors::serialize(views, None).map_err(error)?)
    }
}
