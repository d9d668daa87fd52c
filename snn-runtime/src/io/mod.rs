//! Weights as files. In: a `VarStore` and a path; out: a safetensors file, or the store with the weights of a file of this library or of
//! PyTorch.

mod fit;
mod key_map;
mod pickle;
mod stored;
mod suggest;
mod torch_save;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use snn_infer::__private::write_whole;
use tch::{Tensor, nn};

use crate::error::{Error, Result};

pub use fit::Loaded;
pub use key_map::KeyMap;
use stored::{Stored, Weights};

/// Writes all weights and buffers to a safetensors file, under their dotted names (`conv1.weight`).
///
/// The file is there whole or not at all: it is written beside `path` and then renamed.
///
/// # Errors
///
/// [`Error::Io`]; a variable of a kind that the format does not have.
pub fn save(vs: &nn::VarStore, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let variables: BTreeMap<String, Tensor> = vs.variables().into_iter().collect();
    let file = serialized(path, &variables, None)?;
    write_whole(path, &file).map_err(|source| Error::Io { path: path.into(), source })
}

/// The bytes of a safetensors file of these tensors, with words about it; `path` is what errors name.
///
/// # Errors
///
/// A tensor of a kind that the format does not have.
pub(crate) fn serialized(path: &Path, tensors: &BTreeMap<String, Tensor>, about: Option<HashMap<String, String>>) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        bytes.push((name, dtype(path, name, tensor)?, sizes(tensor), copy(tensor)?));
    }
    let format = |e: safetensors::SafeTensorError| Error::Format { path: path.into(), problem: e.to_string() };
    let views = bytes.iter().map(|(name, dtype, sizes, data)| Ok((name, TensorView::new(*dtype, sizes.clone(), data)?)));
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(format)?;
    safetensors::serialize(views, about).map_err(format)
}

/// Reads a file of weights into all variables of the store: a safetensors file, of [`save`] or of Python, or what
/// `torch.save(net.state_dict(), path)` wrote. PyTorch: `net.load_state_dict(torch.load(path, weights_only=True))`.
///
/// Variables keep their kind and device: floats of another width are rounded, as by PyTorch; whole numbers do not become floats, nor
/// floats whole numbers. [`load_with`] is for a file with other names.
///
/// # Errors
///
/// [`Error::Weights`] lists what is missing, unexpected, of another shape or of numbers that would not survive, by layer, and what names
/// may have been meant; [`Error::Io`] and [`Error::Format`] are about the file. Then nothing has changed.
pub fn load(vs: &nn::VarStore, path: impl AsRef<Path>) -> Result<()> {
    load_with(vs, path, &KeyMap::new()).map(drop)
}

/// [`load`] of a file in which names are others than in the model, or that holds more or less than the model. PyTorch:
/// `net.load_state_dict(.., strict=..)`.
///
/// Of a file of `torch.save` only tensors are read, nothing in it is run, whoever wrote it. The state dict may be in a checkpoint, beside an
/// optimiser, numbers or other objects.
///
/// ```
/// use snn_runtime::io::{self, KeyMap};
/// # use snn_runtime::{Device, Linear, LinearConfig, Scope, Stateless, nn};
/// # fn store(name: &str) -> snn_runtime::Result<nn::VarStore> {
/// #     let vs = nn::VarStore::new(Device::Cpu);
/// #     let config = LinearConfig { in_features: 3, out_features: 2, bias: true };
/// #     <Linear as Stateless>::build(&Scope::root("Net", &vs.root()).child(name), config)?;
/// #     Ok(vs)
/// # }
/// # let path = std::env::temp_dir().join(format!("snn-load-with-{}.safetensors", std::process::id()));
/// # io::save(&store("conv_fc.9")?, &path)?;
/// # let vs = store("fc1")?;
///
/// let loaded = io::load_with(&vs, &path, &KeyMap::new().rename("conv_fc.9", "fc1"))?;
/// assert_eq!(loaded.loaded, ["fc1.bias", "fc1.weight"]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), snn_runtime::Error>(())
/// ```
///
/// # Errors
///
/// As [`load`]; a rule of the map that fits no name, or two names of the file that become one. With `strict(false)` missing and unexpected names
/// are no error, unless nothing at all fits.
pub fn load_with(vs: &nn::VarStore, path: impl AsRef<Path>, map: &KeyMap) -> Result<Loaded> {
    let path = path.as_ref();
    let file = stored::read(path, map.key())?;
    let model = fit::Model::of(vs);
    let (values, loaded) = fit::fit(path, &model, file, map)?;
    tch::no_grad(|| values.into_iter().try_for_each(|(mut variable, value)| variable.f_copy_(&value)))?;
    Ok(loaded)
}

/// The variables of a store with their values in a safetensors file, which has all of them and no others.
///
/// # Errors
///
/// [`Error::Weights`], as of [`load`].
pub(crate) fn fitted(path: &Path, vs: &nn::VarStore, file: BTreeMap<String, TensorView<'_>>) -> Result<Vec<(Tensor, Tensor)>> {
    let weights = Weights::of_views(file.into_iter())?;
    fit::fit(path, &fit::Model::of(vs), weights, &KeyMap::new()).map(|(values, _)| values).map_err(|mut e| {
        // What there is to be done about it is not a map of names.
        if let Error::Weights(mismatch) = &mut e {
            mismatch.help.clear();
        }
        e
    })
}

/// A tensor of a safetensors file.
pub(crate) fn read(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    let problem = || format!("`{name}` is of {:?}, which libtorch has not", view.dtype());
    Stored::of_view(view)?.value.ok_or_else(|| Error::Format { path: path.into(), problem: problem() })
}

fn sizes(t: &Tensor) -> Vec<usize> {
    t.size().into_iter().map(|n| n as usize).collect()
}

fn dtype(path: &Path, name: &str, t: &Tensor) -> Result<Dtype> {
    let found = stored::KINDS.iter().find(|(kind, _)| *kind == t.kind());
    found
        .map(|(_, dtype)| *dtype)
        .ok_or_else(|| Error::Format { path: path.into(), problem: format!("has no room for `{name}` of {:?}", t.kind()) })
}

/// The bytes of a tensor, as the format wants them: little endian, row by row.
fn copy(t: &Tensor) -> Result<Vec<u8>> {
    let t = t.f_detach()?.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let mut bytes = vec![0; t.numel() * t.kind().elt_size_in_bytes()];
    t.f_copy_data_u8(&mut bytes, t.numel())?;
    Ok(bytes)
}
