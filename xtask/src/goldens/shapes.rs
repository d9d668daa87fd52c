//! `--shapes`: the table of output shapes. In: `shapes.json`, random hyper-parameters with the shape or the error that torch
//! gives; out: for each row whether the compiler comes to the same. Nothing is run: a net that compiles has its declared shape.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::compile::{Difference, Refused};
use super::dsl::Name;
use super::index::{self, Spec};
use super::refuse;
use super::report::Verdict;
use super::single::{self, Single};
use super::source::Source;
use super::table::{self, Row};

/// A row of the table.
#[derive(Debug, Deserialize)]
struct Shape {
    cls: String,
    args: Map<String, Value>,
    x: Vec<usize>,
    /// Absent where torch raises `error`.
    #[serde(default)]
    out: Option<Vec<usize>>,
}

/// A row as a net.
struct Net {
    names: Vec<Name>,
    text: String,
    /// The compiler must not accept it.
    refused: bool,
}

/// The rows whose name contains the filter.
///
/// # Errors
/// If the table cannot be read.
pub(crate) fn rows(dir: &Path, filter: &str) -> anyhow::Result<Vec<Box<dyn Row>>> {
    let table = index::table::<Shape>(&dir.join("shapes.json"), filter, |shape| &shape.cls)?;
    let row = |(id, shape): (String, Shape)| Box::new(ShapeRow { net: net(&shape), id, shape }) as Box<dyn Row>;
    Ok(table.into_iter().map(row).collect())
}

struct ShapeRow {
    id: String,
    shape: Shape,
    net: Result<Net, String>,
}

impl Row for ShapeRow {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> &[Name] {
        self.net.as_ref().map_or(&[], |net| &net.names)
    }

    fn told(&self) -> Option<Verdict> {
        self.net.as_ref().err().map(|reason| Verdict::Skipped(reason.clone()))
    }

    fn question(&self) -> Option<&str> {
        self.net.as_ref().ok().map(|net| net.text.as_str())
    }

    fn answered(&self, errors: &[Refused]) -> Option<Verdict> {
        self.net.as_ref().ok().map(|net| verdict(&self.shape, net, errors))
    }

    fn order(&self, _: &mut Source) -> (Value, Vec<usize>) {
        (Value::Null, Vec::new())
    }

    fn does_not_compile(&self, error: &Refused, body: &str) -> Verdict {
        table::does_not_compile(error, body)
    }

    fn ran(&self, differences: &[Difference]) -> Verdict {
        table::differing(differences)
    }
}

fn verdict(shape: &Shape, net: &Net, errors: &[Refused]) -> Verdict {
    let what = || format!("{} on {:?}", Value::Object(shape.args.clone()), shape.x);
    match (net.refused, errors.first()) {
        (true, Some(_)) | (false, None) => Verdict::Passed,
        (true, None) => Verdict::Failed(vec![format!("compiles, but must be refused: {}", what())]),
        (false, Some(error)) => {
            let out = shape.out.as_deref().unwrap_or_default();
            Verdict::Failed(vec![format!("is refused, but gives {out:?}: {}\n{}", what(), error.rendered.trim_end())])
        }
    }
}

/// The row as a net with its shape declared, or without a declaration where it has none.
fn net(row: &Shape) -> Result<Net, String> {
    let spec = Spec { cls: row.cls.clone(), args: row.args.clone(), attrs: Map::new() };
    let leading = if single::mode(&spec) == "m" { 2 } else { 1 };
    let sample = row.x.get(leading..).ok_or("an input without a batch")?;
    // Section 7 first: what SpikingJelly accepts may have to be refused all the same.
    let refused = row.out.as_deref().is_none_or(without_cells) || refuse::layer(&spec, Some(sample)).is_some();
    let output = row.out.as_deref().filter(|_| !refused).map(|out| out.get(leading..).unwrap_or_default());
    let Single { names, net, .. } = Single::write(&spec, 2, sample, output).map_err(|unsupported| unsupported.0)?;
    Ok(Net { names, text: net, refused })
}

/// A transposed convolution that cuts everything off: torch gives an empty tensor or refuses, by the kernel it happens to take.
fn without_cells(out: &[usize]) -> bool {
    out.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Shape {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_row_declares_its_shape_unless_it_has_none() {
        let good = net(&row(json!({"cls": "layer.Flatten", "args": {"step_mode": "s"}, "x": [2, 3, 4], "out": [2, 12]}))).unwrap();
        assert!(good.text.contains("Net(x: [T, 3, 4]) -> [T, 12] {") && !good.refused, "{}", good.text);
        let bad = net(&row(json!({"cls": "layer.MaxPool2d", "args": {"step_mode": "m"}, "x": [2, 2, 3, 4, 4], "error": "RuntimeError"})))
            .unwrap();
        assert!(bad.text.contains("Net(x: [T, 3, 4, 4]) {") && bad.refused, "{}", bad.text);
        let empty = net(&row(json!({"cls": "layer.Flatten", "args": {"step_mode": "m"}, "x": [2, 3], "error": "IndexError"}))).unwrap();
        assert!(empty.text.contains("Net(x: [T]) {") && empty.refused, "{}", empty.text);
        assert!(net(&row(json!({"cls": "layer.Linear", "args": {"step_mode": "m"}, "x": [2], "out": [2]}))).is_err());
        let empty = net(&row(json!({"cls": "layer.ConvTranspose1d", "args": {}, "x": [2, 2, 1, 2], "out": [2, 2, 1, 0]}))).unwrap();
        assert!(empty.refused);
    }

    #[test]
    fn a_remainder_is_refused_though_torch_takes_it() {
        let vote =
            net(&row(json!({"cls": "layer.VotingLayer", "args": {"voting_size": 3, "step_mode": "m"}, "x": [2, 2, 8], "out": [2, 2, 2]})));
        assert!(vote.unwrap().refused);
    }

    #[test]
    fn verdicts_compare_the_compiler_with_the_row() {
        let r = row(json!({"cls": "layer.Flatten", "args": {}, "x": [2, 2, 3], "out": [2, 2, 3]}));
        let error = Refused { message: "m".to_string(), rendered: "m".to_string() };
        let net = |refused| Net { names: Vec::new(), text: String::new(), refused };
        assert_eq!(verdict(&r, &net(false), &[]), Verdict::Passed);
        assert_eq!(verdict(&r, &net(true), std::slice::from_ref(&error)), Verdict::Passed);
        assert!(matches!(verdict(&r, &net(true), &[]), Verdict::Failed(_)));
        assert!(matches!(verdict(&r, &net(false), &[error]), Verdict::Failed(_)));
    }

    #[test]
    fn every_public_row_is_written() {
        let rows =
            index::table::<Shape>(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/shapes.json"), "", |r| &r.cls).unwrap();
        assert_eq!(rows.len(), 522);
        assert!(rows.iter().all(|(_, r)| net(r).is_ok()));
    }
}
