//! The folder of goldens. In: a directory with an `index.json` of format `sj-golden-1` (GOLDENS.md); out: its cases, each
//! with the tensors' shapes and the file that holds them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One recorded run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    /// As the index says it; the folder may have been flattened since.
    file: String,
    pub(crate) kind: String,
    /// Absent for `kind: functional`.
    #[serde(default)]
    pub(crate) spec: Option<Spec>,
    /// The function of `kind: functional`.
    #[serde(default, rename = "fn")]
    pub(crate) function: Option<String>,
    /// `s`, `m`, `whole`.
    #[serde(default)]
    pub(crate) step_mode: Option<String>,
    #[serde(default)]
    pub(crate) inject: Option<Vec<Inject>>,
    /// Name to dtype and shape.
    pub(crate) tensors: BTreeMap<String, (String, Vec<usize>)>,
    /// The index entry as it stands, for the runner.
    #[serde(skip)]
    pub(crate) raw: Value,
    /// The safetensors file.
    #[serde(skip)]
    pub(crate) path: PathBuf,
}

/// A module: its class, the keywords of its constructor, attributes set afterwards.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Spec {
    pub(crate) cls: String,
    #[serde(default)]
    pub(crate) args: Map<String, Value>,
    #[serde(default)]
    pub(crate) attrs: Map<String, Value>,
}

/// How a random layer was made deterministic.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Inject {
    pub(crate) kind: String,
}

impl Case {
    /// The shape of a tensor of the case.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|(_, shape)| shape.as_slice())
    }

    /// `y`, `y1`, .. in order.
    pub(crate) fn outputs(&self) -> Vec<&[usize]> {
        let names = (0..).map(|i| if i == 0 { "y".to_string() } else { format!("y{i}") });
        names.map_while(|name| self.shape(&name)).collect()
    }

    /// The children `aux.<child>` is recorded for.
    pub(crate) fn recorded_children(&self) -> Vec<&str> {
        self.tensors.keys().filter_map(|name| name.strip_prefix("aux.")).filter(|child| *child != "v_seq").collect()
    }
}

impl Spec {
    /// The class without its name space: `Conv2d` of `layer.Conv2d`.
    pub(crate) fn class(&self) -> &str {
        self.cls.rsplit('.').next().unwrap_or(&self.cls)
    }

    /// The module in a value, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Spec> {
        value.get("cls")?;
        serde_json::from_value(value.clone()).ok()
    }
}

/// Reads `dir/index.json`.
///
/// # Errors
/// If there is no index, if it is of another format, or if a case's file is missing.
pub(crate) fn read(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let index = dir.join("index.json");
    let text = fs::read_to_string(&index).with_context(|| format!("no goldens here: cannot read {}", index.display()))?;
    let index: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", index.display()))?;
    let format = index.get("format").and_then(Value::as_str).unwrap_or("none");
    ensure!(format == "sj-golden-1", "the index is of format `{format}`, but `sj-golden-1` is expected");
    let Some(cases) = index.get("cases").and_then(Value::as_array) else { bail!("the index has no `cases`") };
    cases.iter().map(|raw| case(dir, raw)).collect()
}

fn case(dir: &Path, raw: &Value) -> anyhow::Result<Case> {
    let id = raw.get("id").and_then(Value::as_str).unwrap_or("?");
    let mut case: Case = serde_json::from_value(raw.clone()).with_context(|| format!("case `{id}` of the index cannot be read"))?;
    case.raw = raw.clone();
    // The public index says `public/x.safetensors`, and the files lie beside it.
    let name = Path::new(&case.file);
    let places = [dir.join(name), dir.join(name.file_name().unwrap_or_default())];
    case.path =
        places.into_iter().find(|p| p.is_file()).with_context(|| format!("case `{id}`: no file {} in {}", case.file, dir.display()))?;
    Ok(case)
}

/// A table beside the index, an array of rows: those whose name, `shapes 3 layer.Conv2d`, contains the filter.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn table<R: DeserializeOwned>(file: &Path, filter: &str, cls: fn(&R) -> &str) -> anyhow::Result<Vec<(String, R)>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let rows: Vec<R> = serde_json::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let rows = rows.into_iter().enumerate().map(|(i, row)| (format!("{name} {i} {}", cls(&row)), row));
    let rows: Vec<_> = rows.filter(|(id, _)| id.contains(filter)).collect();
    println!("{} rows of {}", rows.len(), file.display());
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_goldens_are_all_read() {
        let cases = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens")).unwrap();
        assert_eq!(cases.len(), 936);
        let pool = cases.iter().find(|c| c.id == "layer.MaxPool2d.p04.m").unwrap();
        assert_eq!(pool.outputs(), [[2, 2, 2, 2, 3]; 2]);
        assert_eq!(pool.spec.as_ref().unwrap().class(), "MaxPool2d");
        let net = cases.iter().find(|c| c.id == "net.FCPLIFDrop.p00.m").unwrap();
        assert_eq!(net.recorded_children(), ["drop", "fc1", "fc2", "sn1", "sn2"]);
        assert_eq!(net.inject.as_ref().unwrap()[0].kind, "state");
    }

    #[test]
    fn a_folder_without_an_index_says_so() {
        let error = read(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("no goldens here"), "{error}");
    }
}
