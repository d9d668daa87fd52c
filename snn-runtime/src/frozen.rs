//! From a net that trains to its frozen model. In: the graph that `snn_net!` writes, and the place where the net was built; out: its weights
//! by name, and a model made of what they are now.

use std::path::Path;

use snn_infer::{Builder, Graph, Model, Value};
use tch::{Device, Kind, TchError, Tensor, nn};

use crate::error::{Error, Result};
use crate::layer::Layer;

/// The weights of a net by name. They share their memory with those in its layers and in the `VarStore`: what training, loading and moving to
/// another device does to those, it does to these.
#[derive(Debug)]
pub struct Weights(Vec<(String, Tensor)>);

impl Weights {
    /// Those that the graph asks for, of a net that was built at `vs`. A net that cannot be frozen asks for none.
    pub fn of(graph: &snn_infer::Result<Graph>, vs: &nn::Path<'_>) -> Weights {
        let find = |name: &str| get(vs, name).map(|tensor| (name.to_string(), tensor));
        Weights(graph.iter().flat_map(Graph::weights).filter_map(find).collect())
    }

    /// The graph with the weights as they are now, in `f32`.
    ///
    /// # Errors
    ///
    /// The weights do not fit the graph, or libtorch does not give them.
    pub fn freeze(&self, graph: Graph) -> Result<Model> {
        self.given(|weights| Model::new(graph, weights))
    }

    /// Writes the graph with the weights as they are now as a file of NIR, with steps of `dt` seconds.
    ///
    /// # Errors
    ///
    /// A layer is not in NIR, the weights do not fit the graph, libtorch does not give them, or the file cannot be written.
    pub fn export_nir(&self, graph: &Graph, path: &Path, dt: f64) -> Result<()> {
        let nir = self.given(|weights| graph.to_nir(weights, dt))?;
        nir.write(path).map_err(|error| match error {
            snn_nir::Error::File { path, problem } => Error::Format { path, problem: problem.to_string() },
            other => Error::Format { path: path.into(), problem: other.to_string() },
        })
    }

    /// What `make` makes of the weights as they are now, which it asks for by name.
    fn given<M>(&self, make: impl FnOnce(&mut dyn FnMut(&str) -> Option<(Vec<usize>, Vec<f32>)>) -> snn_infer::Result<M>) -> Result<M> {
        let mut failed = None;
        let made = make(&mut |name| {
            let (_, tensor) = self.0.iter().find(|(known, _)| known == name)?;
            numbers(tensor).map_err(|e| failed = Some(Error::in_layer(name)(e))).ok()
        });
        match failed {
            Some(e) => Err(e),
            None => Ok(made?),
        }
    }
}

/// Sizes and elements of a tensor, in `f32`.
pub(crate) fn numbers(tensor: &Tensor) -> Result<(Vec<usize>, Vec<f32>), TchError> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok((tensor.size().into_iter().map(|n| n as usize).collect(), values))
}

/// The variable of that dotted name.
fn get(vs: &nn::Path<'_>, name: &str) -> Option<Tensor> {
    let (layer, name) = name.rsplit_once('.')?;
    layer.split('.').fold(vs.clone(), |path, part| path.sub(part)).get(name)
}

/// A layer of the user's own in the graph: its arguments are the defaults of its `Config` with what `set` changes, and it gives `shape`.
///
/// # Errors
///
/// As [`Layer::freeze`], or it gives another shape.
pub fn freeze_own<L: Layer<Config: Default>>(
    b: &mut Builder,
    label: &str,
    set: impl FnOnce(&mut L::Config),
    args: &[Value],
    shape: &[usize],
) -> snn_infer::Result<Value> {
    let mut config = L::Config::default();
    set(&mut config);
    let value = L::freeze(b, label, config, args)?;
    snn_infer::__private::declared(b, label, value, shape)
}
