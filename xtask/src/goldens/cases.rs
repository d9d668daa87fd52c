//! The recorded cases as rows. In: `index.json`; out: for each case its net and how the runner drives it, or the refusal that
//! it has to meet.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use super::compile::{Difference, Refused};
use super::dsl::{self, Name};
use super::index::{self, Case};
use super::net::{self, Program, Written};
use super::refuse::{self, Refusal};
use super::report::Verdict;
use super::source::{self, Kind, Source};
use super::table::{self, Row};

/// The cases whose id contains the filter, or whose kind it is; of these one of each layer, if `one_each`.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn rows(dir: &Path, filter: &str, one_each: bool) -> anyhow::Result<Vec<Box<dyn Row>>> {
    let mut cases = index::read(dir)?;
    cases.retain(|case| case.id.contains(filter) || case.kind == filter);
    if one_each {
        cases = of_each(cases);
    }
    println!("{} cases of {}", cases.len(), dir.display());
    Ok(cases.into_iter().map(|case| Box::new(CaseRow::new(case)) as Box<dyn Row>).collect())
}

/// The first case of each layer, neuron or function that has recorded gradients; of what has none, the first.
fn of_each(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort_by_key(|case| !case.tensors.keys().any(|name| name.starts_with("grad")));
    let mut seen = HashSet::new();
    cases.retain(|case| seen.insert(what(&case.id).to_string()));
    cases
}

/// `neuron.LIFNode` of `neuron.LIFNode.train.p00.m`.
fn what(id: &str) -> &str {
    id.match_indices('.').nth(1).map_or(id, |(end, _)| &id[..end])
}

struct CaseRow {
    case: Case,
    written: Written,
    refusal: Option<Refusal>,
}

impl CaseRow {
    fn new(case: Case) -> CaseRow {
        CaseRow { written: net::write_case(&case), refusal: refuse::expected(&case), case }
    }
}

impl Row for CaseRow {
    fn id(&self) -> &str {
        &self.case.id
    }

    fn names(&self) -> &[Name] {
        &self.written.names
    }

    fn told(&self) -> Option<Verdict> {
        self.written.program.as_ref().err().map(|unsupported| Verdict::Skipped(unsupported.0.clone()))
    }

    fn question(&self) -> Option<&str> {
        match (&self.refusal, &self.written.program) {
            (Some(_), Ok(Program::Net(net))) => Some(net.without_session()),
            _ => None,
        }
    }

    fn answered(&self, errors: &[Refused]) -> Option<Verdict> {
        self.refusal.as_ref().map(|refusal| refused(refusal, errors))
    }

    fn order(&self, source: &mut Source) -> (Value, Vec<usize>) {
        let case = &self.case;
        let path = case.path.canonicalize().unwrap_or_else(|_| case.path.clone());
        let mut plan = json!({ "task": "case", "id": case.id, "path": path, "case": case.raw });
        let mut modules = Vec::new();
        let mut module = |kind, body: &str| {
            let number = source.module(kind, body);
            modules.push(number);
            source::name(number)
        };
        match &self.written.program {
            Ok(Program::Surrogate(value)) => {
                plan["function"] = module(Kind::Function, &format!("    snn_goldens::function!({value});\n")).into();
            }
            Ok(Program::Net(net)) => {
                plan["net"] = module(Kind::Net, &net.module).into();
                plan["prefix"] = net.prefix.into();
                plan["unbatched"] = net.unbatched.into();
                plan["timed"] = net.timed.clone().into();
                plan["untimed"] = net.untimed.into();
                plan["final_states"] = net.final_states.clone().into();
                if let Some(children) = &net.children {
                    plan["children"] =
                        json!({ "net": module(Kind::Net, &children.module), "outputs": children.outputs, "records": children.records });
                }
            }
            Ok(Program::Functional) => plan["task"] = "functional".into(),
            Err(_) => {}
        }
        (plan, modules)
    }

    fn does_not_compile(&self, error: &Refused, body: &str) -> Verdict {
        table::does_not_compile(error, body)
    }

    fn ran(&self, differences: &[Difference]) -> Verdict {
        table::differing(differences)
    }
}

/// What must not compile: passes if the compiler refuses it and says which layer it is about.
pub(crate) fn refused(refusal: &Refusal, errors: &[Refused]) -> Verdict {
    let named = |e: &&Refused| e.rendered.contains(&format!("`{}", refusal.class)) || e.rendered.contains(&format!("`{}`", dsl::SINGLE));
    match (errors.iter().find(named), errors.first()) {
        (Some(error), _) => Verdict::Refused(error.message.clone()),
        (None, Some(error)) => Verdict::Failed(vec![format!(
            "is refused ({}), but the error does not name `{}`: {}",
            refusal.reason, refusal.class, error.message
        )]),
        (None, None) => Verdict::Failed(vec![format!("compiles, but `{}` must be refused: {}", refusal.class, refusal.reason)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_to_name_the_layer() {
        let refusal = Refusal { class: "VotingLayer".to_string(), reason: "r".to_string() };
        let error = |text: &str| Refused { message: text.to_string(), rendered: text.to_string() };
        assert_eq!(
            refused(&refusal, &[error("`m`: `VotingLayer(3)` needs ..")]),
            Verdict::Refused("`m`: `VotingLayer(3)` needs ..".to_string())
        );
        assert!(matches!(refused(&refusal, &[error("something else")]), Verdict::Failed(_)));
        assert!(matches!(refused(&refusal, &[]), Verdict::Failed(_)));
    }

    #[test]
    fn a_function_is_called_by_the_runner() {
        let rows = rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens"), "functional.delay", false).unwrap();
        let mut source = Source::new();
        let (order, modules) = rows[0].order(&mut source);
        assert_eq!((&order["task"], &order["case"]["fn"], modules), (&json!("functional"), &json!("delay"), Vec::new()));
    }

    /// The whole public folder becomes text that parses.
    #[test]
    fn every_public_case_is_written_or_skipped_with_a_reason() {
        let rows = rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens"), "", false).unwrap();
        let mut source = Source::new();
        for row in rows.iter().filter(|row| row.told().is_none()) {
            drop(row.order(&mut source));
        }
        assert!(source.len() > 500, "{} nets", source.len());
        syn::parse_file(&source.finish()).unwrap();
    }

    #[test]
    fn one_of_each_has_gradients_where_any_has() {
        let mut cases = index::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens")).unwrap();
        let all: HashSet<String> = cases.iter().map(|case| what(&case.id).to_string()).collect();
        // Of two of a layer the first has none now.
        let first = cases.iter().position(|case| case.id == "layer.Linear.p00.s").unwrap();
        cases[first].tensors.retain(|name, _| !name.starts_with("grad"));
        let chosen = of_each(cases);
        assert_eq!(chosen.len(), all.len());
        let linear = chosen.iter().find(|case| what(&case.id) == "layer.Linear").unwrap();
        assert_ne!(linear.id, "layer.Linear.p00.s");
    }
}
