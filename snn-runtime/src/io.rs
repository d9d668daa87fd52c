//! Weights as files. In: a `VarStore` and a path; out: a safetensors file, or the store with a file's weights.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use snn_infer::__private::write_whole;
use tch::{Kind, Tensor, nn};

use crate::error::{Error, Result};

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
    let mut bytes = Vec::with_capacity(variables.len());
    for (name, variable) in &variables {
        bytes.push((name, dtype(path, name, variable)?, sizes(variable), copy(variable)?));
    }
    let format = |e: &dyn std::fmt::Display| Error::Format { path: path.into(), problem: e.to_string() };
    let views = bytes.iter().map(|(name, dtype, sizes, data)| Ok((name, TensorView::new(*dtype, sizes.clone(), data)?)));
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(|e| format(&e))?;
    let file = safetensors::serialize(views, None).map_err(|e| format(&e))?;
    write_whole(path, &file).map_err(|source| Error::Io { path: path.into(), source })
}

/// Reads a safetensors file into all variables of the store, which keep their kind and device: floats of another width are
/// rounded, as by torch's `load_state_dict`; whole numbers do not become floats, nor floats whole numbers.
///
/// # Errors
///
/// [`Error::Weights`] lists what is missing, unexpected, of another shape or of numbers that would not survive, by layer;
/// [`Error::Io`] and [`Error::Format`] are about the file. Then nothing has changed.
pub fn load(vs: &nn::VarStore, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
    let not_a_file = |e: &dyn std::fmt::Display| Error::Format { path: path.into(), problem: format!("is no safetensors file: {e}") };
    let file = SafeTensors::deserialize(&bytes).map_err(|e| not_a_file(&e))?;
    let stored: HashMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let mut variables: BTreeMap<String, Tensor> = vs.variables().into_iter().collect();
    check_names(path, &variables, &stored)?;

    let mut loaded = Vec::with_capacity(variables.len());
    for (name, variable) in &mut variables {
        if let Some(view) = stored.get(name) {
            loaded.push((read(path, name, view)?, variable));
        }
    }
    tch::no_grad(|| loaded.into_iter().try_for_each(|(value, variable)| variable.f_copy_(&value)))?;
    Ok(())
}

pub(crate) fn check_names(path: &Path, variables: &BTreeMap<String, Tensor>, stored: &HashMap<String, TensorView<'_>>) -> Result<()> {
    let absent = |name: &&String| !stored.contains_key(*name);
    let missing: Vec<&str> = variables.keys().filter(absent).map(String::as_str).collect();
    let mut unexpected: Vec<&str> = stored.keys().map(String::as_str).filter(|name| !variables.contains_key(*name)).collect();
    unexpected.sort_unstable();
    let shapes = variables.iter().filter_map(|(name, variable)| {
        let (want, view) = (sizes(variable), stored.get(name)?);
        if want != view.shape() {
            return Some(format!("{name} wants {want:?}, but gets {:?}", view.shape()));
        }
        // A kind that libtorch lacks is told by `read`.
        let (want, got) = (variable.kind(), kind_of(view)?);
        let survives = want == got || is_float(want) && is_float(got);
        (!survives).then(|| format!("{name} wants numbers of {want:?}, but gets {got:?}"))
    });
    let shapes: Vec<String> = shapes.collect();
    if missing.is_empty() && unexpected.is_empty() && shapes.is_empty() {
        return Ok(());
    }
    let shapes: Vec<&str> = shapes.iter().map(String::as_str).collect();
    Err(Error::Weights { path: path.into(), missing: by_layer(&missing), unexpected: by_layer(&unexpected), shapes: by_layer(&shapes) })
}

/// `conv1.weight`, `conv1.bias` as `conv1: weight, bias`.
fn by_layer(names: &[&str]) -> Vec<String> {
    let mut layers: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in names {
        // What follows a space are sizes.
        let end = name.find(' ').unwrap_or(name.len());
        let (layer, rest) = name[..end].rfind('.').map_or(("", *name), |dot| (&name[..dot], &name[dot + 1..]));
        match layers.last_mut() {
            Some((last, names)) if *last == layer => names.push(rest),
            _ => layers.push((layer, vec![rest])),
        }
    }
    layers.into_iter().map(|(layer, names)| format!("{layer}{}{}", if layer.is_empty() { "" } else { ": " }, names.join(", "))).collect()
}

pub(crate) fn sizes(t: &Tensor) -> Vec<usize> {
    t.size().into_iter().map(|n| n as usize).collect()
}

const KINDS: &[(Kind, Dtype)] = &[
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
    (Kind::Half, Dtype::F16),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Int64, Dtype::I64),
    (Kind::Int, Dtype::I32),
    (Kind::Int16, Dtype::I16),
    (Kind::Int8, Dtype::I8),
    (Kind::Uint8, Dtype::U8),
    (Kind::Bool, Dtype::BOOL),
];

pub(crate) fn dtype(path: &Path, name: &str, t: &Tensor) -> Result<Dtype> {
    let found = KINDS.iter().find(|(kind, _)| *kind == t.kind());
    found
        .map(|(_, dtype)| *dtype)
        .ok_or_else(|| Error::Format { path: path.into(), problem: format!("has no room for `{name}` of {:?}", t.kind()) })
}

/// The bytes of a tensor, as the format wants them: little endian, row by row.
pub(crate) fn copy(t: &Tensor) -> Result<Vec<u8>> {
    let t = t.f_detach()?.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let mut bytes = vec![0; t.numel() * t.kind().elt_size_in_bytes()];
    t.f_copy_data_u8(&mut bytes, t.numel())?;
    Ok(bytes)
}

fn kind_of(view: &TensorView<'_>) -> Option<Kind> {
    KINDS.iter().find(|(_, dtype)| *dtype == view.dtype()).map(|(kind, _)| *kind)
}

fn is_float(kind: Kind) -> bool {
    matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16)
}

pub(crate) fn read(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    let problem = || format!("`{name}` is of {:?}, which libtorch has not", view.dtype());
    let kind = kind_of(view).ok_or_else(|| Error::Format { path: path.into(), problem: problem() })?;
    let sizes: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
    Ok(Tensor::f_from_data_size(view.data(), &sizes, kind)?)
}

#[cfg(test)]
mod tests {
    use super::by_layer;

    #[test]
    fn names_are_listed_by_layer() {
        let names = ["conv1.bias", "conv1.weight", "layer1.0.w", "w"];
        assert_eq!(by_layer(&names), ["conv1: bias, weight", "layer1.0: w", "w"]);
        assert_eq!(by_layer(&["fc.weight wants [1], but gets [2.]"]), ["fc: weight wants [1], but gets [2.]"]);
    }
}
