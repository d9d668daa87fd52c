//! What a file of weights holds. In: a safetensors file or one of `torch.save`; out: its tensors by name.

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Kind, Tensor};

use super::torch_save;
use crate::error::{Error, Result};

/// One value of a file.
pub(super) struct Stored {
    /// As messages name it: `Float`, `U64`, `a number or flag`.
    pub(super) kind: String,
    pub(super) shape: Vec<usize>,
    /// Nothing where libtorch has not its kind.
    pub(super) value: Option<Tensor>,
}

impl Stored {
    pub(super) fn of(value: Tensor) -> Stored {
        Stored { kind: format!("{:?}", value.kind()), shape: super::sizes(&value), value: Some(value) }
    }

    pub(super) fn of_view(view: &TensorView<'_>) -> Result<Stored> {
        let Some(kind) = kind_of(view.dtype()) else {
            return Ok(Stored { kind: format!("{:?}", view.dtype()), shape: view.shape().to_vec(), value: None });
        };
        let sizes: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        Ok(Stored::of(Tensor::f_from_data_size(view.data(), &sizes, kind)?))
    }

    pub(super) fn of_no_kind(kind: String) -> Stored {
        Stored { kind, shape: Vec::new(), value: None }
    }
}

/// All values of a file.
pub(super) struct Weights {
    pub(super) entries: Vec<(String, Stored)>,
    /// In the order of the layers? A safetensors file has none.
    pub(super) ordered: bool,
}

impl Weights {
    /// All values of a safetensors file, or some of them.
    pub(super) fn of_views<'v>(views: impl Iterator<Item = (String, TensorView<'v>)>) -> Result<Weights> {
        let mut entries = views.map(|(name, view)| Ok((name, Stored::of_view(&view)?))).collect::<Result<Vec<_>>>()?;
        entries.sort_by(|(a, _), (b, _)| a.cmp(b)); // the file has no order
        Ok(Weights { entries, ordered: false })
    }
}

/// Reads a file of either format, which its first bytes tell; `within` is the key of a state dict in a checkpoint.
pub(super) fn read(path: &Path, within: Option<&str>) -> Result<Weights> {
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
    let format = |problem: String| Error::Format { path: path.into(), problem };
    if torch_save::is_archive(&bytes) {
        return torch_save::read(&bytes, within).map_err(format);
    }
    if torch_save::is_old(&bytes) {
        return Err(format(torch_save::OLD.into()));
    }
    let file =
        SafeTensors::deserialize(&bytes).map_err(|e| format(format!("is no safetensors file ({e}), and no file of `torch.save`")))?;
    if let Some(within) = within {
        return Err(format(format!("is a safetensors file, which has no `{within}`\n  help: leave out `within`")));
    }
    Weights::of_views(file.iter().map(|(name, view)| (name.to_string(), view)))
}

pub(super) const KINDS: &[(Kind, Dtype)] = &[
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

fn kind_of(dtype: Dtype) -> Option<Kind> {
    KINDS.iter().find(|(_, known)| *known == dtype).map(|(kind, _)| *kind)
}
