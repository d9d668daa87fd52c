//! `--errors`: what must not work, and what must. In: `errors.json`, what SpikingJelly rejects and what it silently accepts; out:
//! for each row whether the compiler or the run comes to what SEMANTICS.md decides, and whether the error names the layer.
//!
//! What can be seen at compile time is looked for there first; a row that compiles and must be refused has to be refused when it
//! is built or run, with an error of the library's own: neither a bug nor what libtorch says is one.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cases;
use super::compile::{Difference, Refused};
use super::dsl::{Name, SINGLE, Unsupported};
use super::index::{self, Spec};
use super::refuse::{self, Refusal};
use super::report::Verdict;
use super::single::{self, Single};
use super::source::{self, Kind, Source};
use super::table::{self, Row};

/// A row of the table.
#[derive(Debug, Deserialize)]
struct Attempt {
    spec: Spec,
    /// The input of the only call, as the module takes it.
    x: Option<Vec<usize>>,
    /// The inputs of several calls on one state.
    #[serde(default)]
    calls: Vec<Vec<usize>>,
    training: bool,
    note: String,
    /// What Python raises.
    #[serde(default)]
    raises: Option<String>,
    #[serde(default)]
    out: Option<Vec<usize>>,
}

/// What has to come of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Accepted,
    Refused(Refusal),
    NotApplicable(&'static str),
}

/// The rows whose name contains the filter.
///
/// # Errors
/// If the table cannot be read.
pub(crate) fn rows(dir: &Path, filter: &str) -> anyhow::Result<Vec<Box<dyn Row>>> {
    let table = index::table::<Attempt>(&dir.join("errors.json"), filter, |row| &row.spec.cls)?;
    Ok(table.into_iter().map(|(id, row)| Box::new(ErrorRow::new(id, row)) as Box<dyn Row>).collect())
}

/// A row on its way.
struct ErrorRow {
    id: String,
    attempt: Attempt,
    expected: Expected,
    /// Inputs as a net takes them: with a batch, always.
    calls: Vec<Vec<usize>>,
    /// The shape that the last call has to give, as a net gives it.
    out: Option<Vec<usize>>,
    written: Result<Single, Unsupported>,
    names: Vec<Name>,
}

impl ErrorRow {
    fn new(id: String, attempt: Attempt) -> ErrorRow {
        let spec = single::as_layer(&attempt.spec);
        let leading = if single::mode(&spec) == "m" { 2 } else { 1 };
        let calls = attempt.calls(&spec);
        let (steps, sample) = match calls.first() {
            Some(x) => (if leading == 2 { x[0] } else { 2 }, x.get(leading..).unwrap_or_default().to_vec()),
            None => single::fitting(&spec),
        };
        let expected = attempt.expected(&sample);
        let unbatched = attempt.x.as_ref().is_some_and(|x| calls.first() != Some(x));
        // A batch of one went in, and no batch is in what is recorded.
        let as_given = |out: &Vec<usize>| if unbatched { [&[1][..], out].concat() } else { out.clone() };
        let out = attempt.out.as_ref().filter(|_| expected == Expected::Accepted).map(as_given);
        let written = Single::write(&spec, steps, &sample, out.as_ref().map(|out| out.get(leading..).unwrap_or_default()));
        let names = written.as_ref().map(|single| single.names.clone()).unwrap_or_default();
        let given = [vec![steps; leading - 1], vec![2], sample].concat();
        let calls = if calls.is_empty() { vec![given] } else { calls };
        ErrorRow { id, attempt, expected, calls, out, written, names }
    }
}

impl Attempt {
    /// The inputs in order, with a batch of one where torch takes a sample without a batch.
    fn calls(&self, spec: &Spec) -> Vec<Vec<usize>> {
        let one = self.x.iter().map(|x| {
            let unbatched = single::mode(spec) == "s" && x.len() + 1 == super::net::batched_rank(spec) && x.len() > 1;
            if unbatched { [&[1][..], x].concat() } else { x.clone() }
        });
        one.chain(self.calls.iter().cloned()).collect()
    }

    fn expected(&self, sample: &[usize]) -> Expected {
        if let Some(reason) = self.not_applicable() {
            return Expected::NotApplicable(reason);
        }
        let spec = &self.spec;
        let refusal = |reason: &str| Refusal { class: spec.class().to_string(), reason: reason.to_string() };
        // Section 7 first, as everywhere: it decides against SpikingJelly in both directions.
        if let Some(refusal) = refuse::steps(spec, self.x.as_deref()).or_else(|| refuse::layer(spec, Some(sample))) {
            return Expected::Refused(refusal);
        }
        if single::mode(spec) == "m" && self.x.as_ref().is_some_and(|x| x.first() == Some(&0)) {
            return Expected::Refused(refusal("no time steps"));
        }
        if self.calls.iter().any(|call| call[0] != self.calls[0][0]) {
            return Expected::Refused(refusal("another batch on the same state"));
        }
        match &self.raises {
            Some(_) if refuse::is_mended(spec) => Expected::Accepted,
            Some(_) => Expected::Refused(refusal(&self.note)),
            None => Expected::Accepted,
        }
    }

    /// Why a row has no meaning here.
    fn not_applicable(&self) -> Option<&'static str> {
        if self.spec.class() == "CUBALIFNode" && self.spec.args.contains_key("step_mode") {
            return Some("a keyword that the Python class lacks; in the language every layer has `step_mode`");
        }
        let flat = self.raises.is_none() && single::mode(&self.spec) == "m" && self.x.as_ref().is_some_and(|x| x.len() < 2);
        flat.then_some("a sequence without a batch: inputs of a net are `[T, N, ..]`")
    }
}

impl Row for ErrorRow {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> &[Name] {
        &self.names
    }

    fn told(&self) -> Option<Verdict> {
        match (&self.expected, &self.written) {
            (Expected::NotApplicable(reason), _) => Some(Verdict::NotApplicable((*reason).to_string())),
            (_, Err(unsupported)) => Some(Verdict::Skipped(unsupported.0.clone())),
            _ => None,
        }
    }

    fn question(&self) -> Option<&str> {
        match (&self.expected, &self.written) {
            (Expected::Refused(_), Ok(single)) => Some(&single.net),
            _ => None,
        }
    }

    fn answered(&self, errors: &[Refused]) -> Option<Verdict> {
        let (Expected::Refused(refusal), Some(first)) = (&self.expected, errors.first()) else { return None };
        // An unknown keyword is right where Python says the same; else the language lacks it so far.
        let unknown = table::not_known_yet(first).filter(|_| self.attempt.raises.as_deref() != Some("TypeError"));
        let of_an_argument = |e: &Refused| self.attempt.spec.args.keys().any(|name| e.message.contains(&format!("`{name}")));
        let of_the_input = errors.iter().all(|e| e.rendered.contains("input `x` is") && !of_an_argument(e));
        Some(match unknown {
            Some(reason) => Verdict::Skipped(reason),
            None if self.attempt.x.is_none() && self.attempt.calls.is_empty() && of_the_input => {
                Verdict::Failed(vec![format!("is refused for what arrives, not for its arguments: {}", first.rendered.trim_end())])
            }
            None if refusal.reason == "no time steps" && first.rendered.contains("`T`") => Verdict::Refused(first.message.clone()),
            None => cases::refused(refusal, errors),
        })
    }

    fn order(&self, source: &mut Source) -> (Value, Vec<usize>) {
        let body = self.written.as_ref().map(Single::with_session).unwrap_or_default();
        let module = source.module(Kind::Net, &body);
        let mode = self.written.as_ref().map_or("m", |single| &single.mode);
        let order = json!({
            "task": "attempt", "id": self.id, "net": source::name(module), "single_step": mode == "s", "train": self.attempt.training,
            "calls": self.calls, "out": self.out,
        });
        (order, vec![module])
    }

    fn does_not_compile(&self, error: &Refused, body: &str) -> Verdict {
        table::does_not_compile(error, body)
    }

    fn ran(&self, differences: &[Difference]) -> Verdict {
        match (&self.expected, differences.first()) {
            (Expected::Accepted, _) => table::differing(differences),
            (Expected::Refused(refusal), None) => {
                Verdict::Failed(vec![format!("works, but `{}` must be refused: {}", refusal.class, refusal.reason)])
            }
            // A bug, a panic and what libtorch says are no refusals, even if they name the layer.
            (Expected::Refused(refusal), Some(d)) if d.what != "error" => Verdict::Failed(vec![format!(
                "must be refused ({}), but {} ends with `{}`, not with an error of the library's own: {}",
                refusal.reason, d.run, d.what, d.text
            )]),
            // The batch belongs to the state of the whole net, which is the one to notice.
            (Expected::Refused(_), Some(d)) if names(&d.text) => Verdict::Refused(d.text.lines().next().unwrap_or_default().to_string()),
            (Expected::Refused(refusal), Some(d)) => Verdict::Failed(vec![format!(
                "is refused ({}), but the error of {} does not name `{}`: {}",
                refusal.reason, d.run, refusal.class, d.text
            )]),
            (Expected::NotApplicable(_), _) => Verdict::Failed(vec!["was run, though it is not applicable".to_string()]),
        }
    }
}

/// Does an error of a run name the layer, or the net where it is about its state?
fn names(error: &str) -> bool {
    error.starts_with(&format!("Net.{SINGLE}")) || error.starts_with("Net: its state")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Value) -> ErrorRow {
        ErrorRow::new("errors 0".to_string(), serde_json::from_value(value).unwrap())
    }

    fn error(text: &str) -> Refused {
        Refused { message: text.to_string(), rendered: text.to_string() }
    }

    fn layer(cls: &str, args: &Value, rest: &Value) -> ErrorRow {
        let mut value = json!({"spec": {"cls": cls, "args": args}, "x": null, "training": true, "note": "n"});
        for (key, v) in rest.as_object().unwrap() {
            value[key] = v.clone();
        }
        row(value)
    }

    #[test]
    fn what_is_accepted_declares_its_output() {
        let args = json!({"in_channels": 2, "out_channels": 3, "kernel_size": 3, "step_mode": "s"});
        let ok = layer("layer.Conv1d", &args, &json!({"x": [2, 2, 6], "accepts": true, "out": [2, 3, 4]}));
        assert_eq!((&ok.expected, &ok.calls), (&Expected::Accepted, &vec![vec![2, 2, 6]]));
        assert!(ok.written.unwrap().net.contains("Net(x: [T, 2, 6]) -> [T, 3, 4]"));
        let unbatched = layer("layer.Conv1d", &args, &json!({"x": [2, 6], "accepts": true, "out": [3, 4]}));
        assert_eq!(unbatched.calls, [[1, 2, 6]]);
        assert!(unbatched.written.unwrap().net.contains("Net(x: [T, 2, 6]) -> [T, 3, 4]"));
    }

    #[test]
    fn the_runner_compares_the_whole_recorded_shape() {
        let out = |mode: &str, rest: &Value| {
            let args = json!({"in_channels": 2, "out_channels": 3, "kernel_size": 3, "step_mode": mode});
            layer("layer.Conv1d", &args, rest).order(&mut Source::new()).0["out"].clone()
        };
        assert_eq!(out("m", &json!({"x": [4, 2, 2, 6], "accepts": true, "out": [4, 2, 3, 4]})), json!([4, 2, 3, 4]));
        assert_eq!(out("s", &json!({"x": [2, 2, 6], "accepts": true, "out": [2, 3, 4]})), json!([2, 3, 4]));
        assert_eq!(out("s", &json!({"x": [2, 6], "accepts": true, "out": [3, 4]})), json!([1, 3, 4]), "a batch of one went in");
        assert_eq!(out("m", &json!({"x": [4, 2, 2], "raises": "RuntimeError"})), Value::Null);
    }

    #[test]
    fn section_7_decides() {
        let drop =
            |p: f64, rest: &Value| layer("layer.DropConnectLinear", &json!({"in_features": 3, "out_features": 2, "p": p}), rest).expected;
        assert!(matches!(drop(1.5, &json!({"accepts": true})), Expected::Refused(_)));
        let raises = json!({"x": [4, 4, 3], "training": false, "raises": "ValueError"});
        assert_eq!(drop(0.0, &raises), Expected::Accepted);
        let calls = json!({"calls": [[2, 3], [5, 3]], "accepts": true, "out": [5, 3]});
        assert!(matches!(layer("neuron.IFNode", &json!({"step_mode": "s"}), &calls).expected, Expected::Refused(_)));
        let empty = json!({"x": [0, 2, 3], "raises": "IndexError"});
        let empty = layer("neuron.IFNode", &json!({"step_mode": "m"}), &empty);
        assert!(matches!(empty.answered(&[error("`T` must be at least 1, but is 0")]), Some(Verdict::Refused(_))));
    }

    #[test]
    fn a_refusal_is_for_the_arguments_and_names_the_layer() {
        let bad = layer("neuron.LIFNode", &json!({"tau": 1.0}), &json!({"raises": "AssertionError"}));
        assert!(matches!(bad.answered(&[error("`m`: `tau` must be greater than 1")]), Some(Verdict::Refused(_))));
        assert!(matches!(bad.answered(&[error("`m`: needs .. note: input `x` is [3]")]), Some(Verdict::Failed(_))));
        assert!(matches!(bad.answered(&[error("`LIFNode` has no argument `tau`")]), Some(Verdict::Skipped(_))));
        assert_eq!(bad.answered(&[]), None, "it has to be run");
        let told =
            |text: &str, what: &str| bad.ran(&[Difference { run: "build".to_string(), what: what.to_string(), text: text.to_string() }]);
        assert!(matches!(told("Net.m: `tau` must be greater than 1", "error"), Verdict::Refused(_)));
        assert!(matches!(told("something", "error"), Verdict::Failed(_)));
        assert!(matches!(told("Net.m: index out of bounds", "panic"), Verdict::Failed(_)));
        assert!(matches!(told("Net.m: a buffer is short\n  note: this is a bug of snn; please report it", "bug"), Verdict::Failed(_)));
        assert!(matches!(told("Net: its state cannot be read", "bug"), Verdict::Failed(_)));
        let Verdict::Failed(why) = told("Net.m: mat1 and mat2 shapes cannot be multiplied", "error of libtorch") else {
            panic!("what libtorch says is no refusal")
        };
        assert!(why[0].contains("build ends with `error of libtorch`, not with an error of the library's own: Net.m: mat1"), "{why:?}");
        assert!(matches!(bad.ran(&[]), Verdict::Failed(_)));
    }

    #[test]
    fn every_public_row_is_written() {
        let rows = rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens"), "").unwrap();
        assert_eq!(rows.len(), 167);
        let mut source = Source::new();
        for row in rows.iter().filter(|row| row.told().is_none()) {
            drop(row.order(&mut source));
        }
        syn::parse_file(&source.finish()).unwrap();
        assert!(rows.iter().filter(|row| matches!(row.told(), Some(Verdict::NotApplicable(_)))).count() < 4);
        assert!(!rows.iter().any(|row| matches!(row.told(), Some(Verdict::Skipped(_)))));
    }
}
