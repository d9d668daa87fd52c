//! `--shapes`: the table of output shapes. In: `shapes.json`, random hyper-parameters with the shape or the error that torch
//! gives; out: for each row whether the compiler comes to the same. Nothing is run: a net that compiles has its declared shape.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::compile::{Refused, Workshop};
use super::dsl::{Name, Writer};
use super::index::Spec;
use super::probe::{self, Asked};
use super::refuse;
use super::report::{Report, Verdict};
use super::source::{Kind, Source};

/// A row of the table.
#[derive(Debug, Deserialize)]
struct Row {
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

/// Compiles every row whose class contains the filter.
///
/// # Errors
/// If the table cannot be read, or if cargo cannot be run.
pub(crate) fn run(dir: &Path, filter: &str, workshop: &Workshop) -> anyhow::Result<Report> {
    let file = dir.join("shapes.json");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let rows: Vec<Row> = serde_json::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))?;
    let rows: Vec<(String, Row)> =
        rows.into_iter().enumerate().map(|(i, r)| (format!("row {i} {}", r.cls), r)).filter(|(id, _)| id.contains(filter)).collect();
    println!("{} rows of {}", rows.len(), file.display());
    workshop.prepare()?;

    let nets: Vec<Result<Net, String>> = rows.iter().map(|(_, row)| net(row)).collect();
    let mut source = Source::new();
    let asked = Asked::add(nets.iter().flatten().flat_map(|n| &n.names), &mut source);
    let modules: Vec<Option<usize>> = nets.iter().map(|net| Some(source.module(Kind::Compiled, &net.as_ref().ok()?.text))).collect();
    let errors = workshop.build("probe", &source)?;
    let unknown = asked.unknown(&errors);
    let mut report = Report::default();
    for (((id, row), net), module) in rows.iter().zip(&nets).zip(modules) {
        let verdict = match (net, module.and_then(|m| errors.get(&m))) {
            (Err(reason), _) => Verdict::Skipped(reason.clone()),
            (Ok(net), errors) => match net.names.iter().find(|name| unknown.contains(name)) {
                Some(name) => Verdict::Skipped(probe::reason(name)),
                None => verdict(row, net, errors.map_or(&[], Vec::as_slice)),
            },
        };
        report.add(id, verdict);
    }
    Ok(report)
}

fn verdict(row: &Row, net: &Net, errors: &[Refused]) -> Verdict {
    let what = || format!("{} on {:?}", Value::Object(row.args.clone()), row.x);
    match (net.refused, errors.first()) {
        (true, Some(_)) | (false, None) => Verdict::Passed,
        (true, None) => Verdict::Failed(vec![format!("compiles, but must be refused: {}", what())]),
        (false, Some(error)) => {
            let out = row.out.as_deref().unwrap_or_default();
            Verdict::Failed(vec![format!("is refused, but gives {out:?}: {}\n{}", what(), error.rendered.trim_end())])
        }
    }
}

/// The row as a net with its shape declared, or without a declaration where it has none.
fn net(row: &Row) -> Result<Net, String> {
    let spec = Spec { cls: row.cls.clone(), args: row.args.clone(), attrs: Map::new() };
    let mode = row.args.get("step_mode").and_then(Value::as_str).unwrap_or("m");
    let leading = if mode == "m" { 2 } else { 1 };
    let sample = row.x.get(leading..).unwrap_or_default();
    let mut writer = Writer::new(mode);
    let body = writer.net(&spec).map_err(|unsupported| unsupported.0)?;
    let shape = |dims: &[usize]| format!("[T{}]", dims.iter().map(|n| format!(", {n}")).collect::<String>());
    // Section 7 first: what SpikingJelly accepts may have to be refused all the same.
    let refused = row.out.as_deref().is_none_or(without_cells) || refuse::layer(&spec, Some(sample)).is_some();
    let output = match &row.out {
        Some(out) if !refused => format!(" -> {}", shape(out.get(leading..).unwrap_or_default())),
        _ => String::new(),
    };
    let text = format!(
        "    snn::snn_net! {{\n        pub net Net(x: {}){output} {{\n            T = 2;\n            step_mode = '{mode}';\n            {}: {},\n        }}\n    }}\n",
        shape(sample),
        body.entries[0].name,
        body.entries[0].node,
    );
    Ok(Net { names: writer.names.into_iter().collect(), text, refused })
}

/// A transposed convolution that cuts everything off: torch gives an empty tensor or refuses, by the kernel it happens to take.
fn without_cells(out: &[usize]) -> bool {
    out.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Row {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_row_declares_its_shape_unless_it_has_none() {
        let good = net(&row(json!({"cls": "layer.Flatten", "args": {"step_mode": "s"}, "x": [2, 3, 4], "out": [2, 12]}))).unwrap();
        assert!(good.text.contains("Net(x: [T, 3, 4]) -> [T, 12] {") && !good.refused, "{}", good.text);
        let bad = net(&row(json!({"cls": "layer.MaxPool2d", "args": {"step_mode": "m"}, "x": [2, 2, 3, 4, 4], "error": "RuntimeError"})))
            .unwrap();
        assert!(bad.text.contains("Net(x: [T, 3, 4, 4]) {") && bad.refused, "{}", bad.text);
        let scalar = net(&row(json!({"cls": "layer.Flatten", "args": {"step_mode": "m"}, "x": [2, 3], "error": "IndexError"}))).unwrap();
        assert!(scalar.text.contains("Net(x: [T]) {") && scalar.refused, "{}", scalar.text);
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
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/shapes.json")).unwrap();
        let rows: Vec<Row> = serde_json::from_str(&text).unwrap();
        assert_eq!(rows.len(), 522);
        let skipped = rows.iter().filter_map(|r| net(r).err()).collect::<Vec<_>>();
        assert!(skipped.is_empty(), "{skipped:?}");
    }
}
