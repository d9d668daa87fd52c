//! Weights in files. In: a `VarStore`; out: a safetensors file, written at once or not at all; and back, with every name and
//! shape accounted for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Device, Kind, Tensor, nn};

use crate::error::{Error, Result};

const KINDS: &[(Kind, Dtype)] = &[
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
    (Kind::Half, Dtype::F16),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Int64, Dtype::I64),
    (Kind::Int, Dtype::I32),
    (Kind::Uint8, Dtype::U8),
    (Kind::Bool, Dtype::BOOL),
];

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, source }
}

fn format(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::Format { path: path.to_path_buf(), problem: problem.to_string() }
}

/// Writes all weights and buffers under their dotted names. The file appears whole or not at all: it is written beside its
/// place and renamed.
///
/// # Errors
///
/// The file cannot be written.
pub fn save(vs: &nn::VarStore, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let variables: BTreeMap<String, Tensor> = vs.variables().into_iter().collect();
    let mut data: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, tensor) in &variables {
        let (_, dtype) = KINDS
            .iter()
            .find(|(k, _)| *k == tensor.kind())
            .ok_or_else(|| format(path, format_args!("`{name}` has a kind that safetensors lacks")))?;
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        data.push((name.clone(), *dtype, tensor.size().iter().map(|&n| n as usize).collect(), bytes));
    }
    let views = data
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| format(path, e))?)))
        .collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None).map_err(|e| format(path, e))?;
    write_whole(path, &bytes)
}

/// Writes a file beside its place and renames it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    fs::write(beside, bytes).map_err(io(beside))?;
    fs::rename(beside, path).map_err(|e| {
        let _ = fs::remove_file(beside);
        io(path)(e)
    })
}

/// Loads all weights and buffers by name. Nothing is changed unless everything fits.
///
/// # Errors
///
/// The file cannot be read, is no safetensors file, or lists names or shapes that the model does not have; the error lists
/// what is missing, unexpected and of another shape.
pub fn load(vs: &mut nn::VarStore, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(io(path))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| format(path, e))?;
    let variables: BTreeMap<String, Tensor> = vs.variables().into_iter().collect();
    let stored: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let missing: Vec<String> = variables.keys().filter(|n| !stored.contains_key(*n)).cloned().collect();
    let unexpected: Vec<String> = stored.keys().filter(|n| !variables.contains_key(*n)).cloned().collect();
    let shapes: Vec<String> = variables
        .iter()
        .filter_map(|(name, v)| {
            let (want, got) = (v.size(), stored.get(name)?.shape().iter().map(|&n| n as i64).collect::<Vec<_>>());
            (want != got).then(|| format!("`{name}` wants {want:?}, but is {got:?}"))
        })
        .collect();
    if !(missing.is_empty() && unexpected.is_empty() && shapes.is_empty()) {
        return Err(Error::Weights { path: path.to_path_buf(), missing, unexpected, shapes });
    }
    let mut read = Vec::new();
    for (name, view) in &stored {
        let (kind, _) = KINDS
            .iter()
            .find(|(_, d)| *d == view.dtype())
            .ok_or_else(|| format(path, format_args!("`{name}` has kind {:?}", view.dtype())))?;
        let size: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        read.push((&variables[name], Tensor::f_from_data_size(view.data(), &size, *kind)?));
    }
    tch::no_grad(|| {
        for (variable, value) in read {
            variable.shallow_clone().f_copy_(&value)?;
        }
        Ok(())
    })
}
