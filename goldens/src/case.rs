//! A case as the runner sees it. In: one entry of the plan and its safetensors file; out: what to run and what to expect.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use tch::{Device, Tensor};

/// One case of the plan that `cargo xtask goldens` writes.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    path: PathBuf,
    /// The generated net, or ..
    #[serde(default)]
    pub(crate) net: Option<String>,
    /// .. the generated function.
    #[serde(default)]
    pub(crate) function: Option<String>,
    /// Before the names of parameters and states; empty where the case names its layers itself.
    #[serde(default)]
    pub(crate) prefix: String,
    /// x has no batch axis and gets one of size 1.
    #[serde(default)]
    pub(crate) unbatched: bool,
    /// Whether each output has a time axis.
    #[serde(default)]
    pub(crate) timed: Vec<bool>,
    /// x is `[N, ..]`.
    #[serde(default)]
    pub(crate) untimed: bool,
    /// States that the case has as its outputs after the first.
    #[serde(default)]
    pub(crate) final_states: Vec<String>,
    /// A second net that also shows what its layers put out.
    #[serde(default)]
    pub(crate) children: Option<Children>,
    pub(crate) case: Recording,
}

/// A net whose outputs after the first are those of its layers.
#[derive(Debug, Deserialize)]
pub(crate) struct Children {
    pub(crate) net: String,
    /// The layers, in the order of the outputs.
    pub(crate) outputs: Vec<String>,
    /// Its neurons record their spikes.
    pub(crate) records: bool,
}

/// What the index says about the case (GOLDENS.md).
#[derive(Debug, Deserialize)]
pub(crate) struct Recording {
    #[serde(default)]
    pub(crate) step_mode: Option<String>,
    #[serde(default)]
    pub(crate) call_splits: Option<Vec<i64>>,
    #[serde(default = "training")]
    pub(crate) training: bool,
    #[serde(default)]
    pub(crate) grad: bool,
    #[serde(default)]
    pub(crate) loss_final: Vec<String>,
    #[serde(default)]
    pub(crate) y_binary: bool,
    pub(crate) tol: Tolerance,
}

fn training() -> bool {
    true
}

/// Derived from the reference's own float32 error.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Tolerance {
    pub(crate) y_atol: f64,
    /// Functions have no states.
    #[serde(default)]
    pub(crate) state_atol: f64,
    pub(crate) grad_atol: f64,
    pub(crate) grad_rtol: f64,
}

/// The tensors of a case.
pub(crate) struct Tensors(HashMap<String, Tensor>);

impl Order {
    /// Reads the case's tensors.
    pub(crate) fn tensors(&self) -> Result<Tensors> {
        Tensors::read(&self.path)
    }

    /// A parameter or state of the case, as the net names it.
    pub(crate) fn name(&self, path: &str) -> String {
        [self.prefix.as_str(), path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
    }
}

/// Where cases run: on the CUDA device of that number in `SNN_GOLDENS_DEVICE` (`cargo xtask goldens --device N`), else on the CPU. `stand-in` is device 0 of
/// [`stand_in`].
///
/// # Errors
/// If it is no number.
pub(crate) fn device() -> Result<Device> {
    match std::env::var(DEVICE) {
        Ok(name) if name == STAND_IN => Ok(Device::Cuda(0)),
        Ok(index) => Ok(Device::Cuda(index.parse().with_context(|| format!("{DEVICE} is no number: `{index}`"))?)),
        Err(_) => Ok(Device::Cpu),
    }
}

/// Loads the stand-ins for a GPU, compiled into `folder`, where cases run on them. To be called first.
pub(crate) fn stand_in(folder: &Path) {
    if std::env::var(DEVICE).is_ok_and(|name| name == STAND_IN) {
        let libraries = snn_stand_in::build(folder);
        // Kernels that were compiled for these stand-ins are of no use to others.
        // SAFETY: nothing else runs yet that could read the environment.
        unsafe {
            std::env::remove_var("SNN_NVRTC");
            std::env::set_var("SNN_CUDA_CACHE", libraries.join("kernels"));
        }
        snn_stand_in::load(&libraries, snn_stand_in::Parts::All);
    }
}

const DEVICE: &str = "SNN_GOLDENS_DEVICE";
const STAND_IN: &str = "stand-in";

impl Tensors {
    /// Reads a case's file.
    pub(crate) fn read(path: &Path) -> Result<Tensors> {
        let tensors = Tensor::read_safetensors(path).with_context(|| format!("cannot read {}", path.display()))?;
        let device = device()?;
        Ok(Tensors(tensors.into_iter().map(|(name, t)| (name, t.to_device(device))).collect()))
    }

    /// A tensor that the format says is there.
    pub(crate) fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.get(name).with_context(|| format!("the file has no tensor `{name}`"))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// The tensors under `prefix`, without it, by name.
    pub(crate) fn under(&self, prefix: &str) -> Vec<(&str, &Tensor)> {
        let mut found: Vec<_> = self.0.iter().filter_map(|(name, t)| Some((name.strip_prefix(prefix)?, t))).collect();
        found.sort_by_key(|(name, _)| *name);
        found
    }

    /// `y`, `y1`, .. in order.
    pub(crate) fn outputs(&self) -> Vec<(String, &Tensor)> {
        let names = (0..).map(|i| if i == 0 { "y".to_string() } else { format!("y{i}") });
        names.map_while(|name| Some((name.clone(), self.0.get(&name)?))).collect()
    }
}
