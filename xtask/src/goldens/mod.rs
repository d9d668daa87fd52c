//! `cargo xtask goldens DIR [--filter X] [--json FILE] [--shapes]`. In: a folder of recorded cases of SpikingJelly (GOLDENS.md), seen
//! before or not; out: each case's verdict, and `N passed, N failed, N skipped` on the last line.
//!
//! Each case is written as a net in the language (`dsl`, `net`), all nets become one generated crate (`source`), which is
//! compiled and run (`compile`) against `snn-goldens`, the crate that compares tensors. What the compiler does not know yet is
//! skipped (it is asked, there is no list here); what it must not accept (`refuse`) passes by not compiling.

mod compile;
mod dsl;
mod index;
mod net;
mod probe;
mod refuse;
mod report;
mod shapes;
mod source;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use compile::{Refused, Workshop};
use index::Case;
use net::{Program, Written};
use probe::Asked;
use refuse::Refusal;
use report::{Report, Verdict};
use source::{Kind, Source};

use crate::setup::{self, Ready};
use crate::workspace;

const USAGE: &str = "cargo xtask goldens DIR [--filter TEXT] [--json FILE] [--shapes]";

/// Runs every case of the folder whose id contains the filter; ends the process with status 1 if one fails.
///
/// # Errors
/// If the folder cannot be read, or if the library does not compile.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    let root = workspace::root()?;
    setup::run(&root, Ready::Silent)?;
    let workshop = Workshop::open(&root, options.workshop(&root)?)?;
    let report = if options.shapes {
        shapes::run(&options.dir, &options.filter, &workshop)?
    } else {
        let mut cases = index::read(&options.dir)?;
        cases.retain(|case| case.id.contains(&options.filter));
        println!("{} cases of {}", cases.len(), options.dir.display());
        Goldens { workshop, written: cases.iter().map(net::write_case).collect(), cases: &cases }.run()?
    };
    print!("{}", report.text());
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&report.json())?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("{}", report.summary());
    if report.failed() > 0 {
        // Not an error to be printed: the summary stays the last line.
        std::process::exit(1);
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    dir: PathBuf,
    filter: String,
    json: Option<PathBuf>,
    /// The rows of `shapes.json` instead of the cases.
    shapes: bool,
}

impl Options {
    fn parse(args: &[String]) -> anyhow::Result<Options> {
        let (mut dir, mut filter, mut json, mut shapes) = (None, String::new(), None, false);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value: {USAGE}"));
            match arg.as_str() {
                "--filter" => filter = value()?.clone(),
                "--json" => json = Some(PathBuf::from(value()?)),
                "--shapes" => shapes = true,
                _ if arg.starts_with('-') || dir.is_some() => bail!("`{arg}` is not understood: {USAGE}"),
                _ => dir = Some(PathBuf::from(arg)),
            }
        }
        let dir = dir.with_context(|| format!("no folder is given: {USAGE}"))?;
        Ok(Options { dir, filter, json, shapes })
    }

    /// One folder of generated files per golden folder and filter: what is asked again is not compiled again.
    fn workshop(&self, root: &Path) -> anyhow::Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        self.dir.canonicalize()?.hash(&mut hasher);
        (&self.filter, self.shapes).hash(&mut hasher);
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(target.join("goldens").join(format!("{:016x}", hasher.finish())))
    }
}

/// The cases on their way to a verdict.
struct Goldens<'a> {
    workshop: Workshop,
    cases: &'a [Case],
    written: Vec<Written>,
}

impl Goldens<'_> {
    fn run(&self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        self.workshop.prepare()?;
        let candidates = self.probe(&mut report)?;
        let plan = self.compile(candidates, &mut report)?;
        let started = Instant::now();
        let mut results = self.workshop.run(&plan)?;
        println!("ran {} cases in {:.1} s", plan.len(), started.elapsed().as_secs_f64());
        for entry in &plan {
            let id = entry["id"].as_str().unwrap_or_default();
            let verdict = match results.remove(id) {
                Some(differences) if differences.is_empty() => Verdict::Passed,
                Some(differences) => Verdict::Failed(differences.iter().map(|d| format!("{} ({}): {}", d.what, d.run, d.text)).collect()),
                None => Verdict::Failed(vec!["the runner came to no verdict".to_string()]),
            };
            report.add(id, verdict);
        }
        Ok(report)
    }

    /// Asks the compiler which names it knows, and whether it refuses what it must; the cases that are left to run.
    fn probe(&self, report: &mut Report) -> anyhow::Result<Vec<usize>> {
        let mut source = Source::new();
        let asked = Asked::add(self.written.iter().flat_map(|w| &w.names), &mut source);
        let mut refusals: HashMap<usize, (Refusal, usize)> = HashMap::new();
        for (i, (case, written)) in self.cases.iter().zip(&self.written).enumerate() {
            if let (Some(refusal), Ok(Program::Net(net))) = (refuse::expected(case), &written.program) {
                refusals.insert(i, (refusal, source.module(Kind::Compiled, net.without_session())));
            }
        }
        let errors = self.workshop.build("probe", &source)?;
        let of = |module: usize| errors.get(&module).map_or(&[][..], Vec::as_slice);
        let unknown = asked.unknown(&errors);
        let mut candidates = Vec::new();
        for (i, (case, written)) in self.cases.iter().zip(&self.written).enumerate() {
            let missing = written.names.iter().find(|name| unknown.contains(name));
            let verdict = match (missing, &written.program, refusals.get(&i)) {
                (Some(name), ..) => Verdict::Skipped(probe::reason(name)),
                (None, Err(unsupported), _) => Verdict::Skipped(unsupported.0.clone()),
                (None, Ok(_), Some((refusal, module))) => refused(refusal, of(*module)),
                (None, Ok(_), None) => {
                    candidates.push(i);
                    continue;
                }
            };
            report.add(&case.id, verdict);
        }
        Ok(candidates)
    }

    /// Compiles the candidates' programs, leaving out what does not compile; the runner's plan.
    fn compile(&self, candidates: Vec<usize>, report: &mut Report) -> anyhow::Result<Vec<Value>> {
        let mut candidates = candidates;
        loop {
            let started = Instant::now();
            let mut source = Source::new();
            // Each case's plan, and the modules it rests on.
            let entries: Vec<(Value, Vec<usize>)> = candidates
                .iter()
                .filter_map(|&i| Some(entry(&self.cases[i], self.written[i].program.as_ref().ok()?, &mut source)))
                .collect();
            let errors = self.workshop.build("cases", &source)?;
            println!("compiled {} nets in {:.1} s", source.len(), started.elapsed().as_secs_f64());
            if errors.is_empty() {
                return Ok(entries.into_iter().map(|(entry, _)| entry).collect());
            }
            let mut left = Vec::new();
            for (&i, (_, modules)) in candidates.iter().zip(&entries) {
                match modules.iter().find_map(|m| Some((*m, errors.get(m)?.first()?))) {
                    Some((module, error)) => report.add(&self.cases[i].id, does_not_compile(error, source.body(module))),
                    None => left.push(i),
                }
            }
            candidates = left;
        }
    }
}

/// The runner's orders for one case, and the modules that have to compile for it.
fn entry(case: &Case, program: &Program, source: &mut Source) -> (Value, Vec<usize>) {
    let mut plan = json!({ "id": case.id, "path": case.path.canonicalize().unwrap_or_else(|_| case.path.clone()), "case": case.raw });
    let mut modules = Vec::new();
    let mut module = |kind, body: &str| {
        let number = source.module(kind, body);
        modules.push(number);
        format!("n{number}")
    };
    match program {
        Program::Surrogate(value) => plan["function"] = module(Kind::Function, &format!("    snn_goldens::function!({value});\n")).into(),
        Program::Net(net) => {
            plan["net"] = module(Kind::Net, &net.module).into();
            plan["prefix"] = net.prefix.into();
            plan["unbatched"] = net.unbatched.into();
            plan["timed"] = net.timed.clone().into();
            if let Some(children) = &net.children {
                plan["children"] =
                    json!({ "net": module(Kind::Net, &children.module), "outputs": children.outputs, "records": children.records });
            }
        }
    }
    (plan, modules)
}

/// What must not compile: passes if the compiler refuses it and says which layer it is about.
fn refused(refusal: &Refusal, errors: &[Refused]) -> Verdict {
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

/// A net that the compiler refuses and should not, or one that uses what it does not know yet.
fn does_not_compile(error: &Refused, body: &str) -> Verdict {
    if probe::says_unknown(&error.message) || error.message.contains("has no argument") {
        let what = error.message.rsplit_once(": ").map_or(error.message.as_str(), |(_, what)| what);
        return Verdict::Skipped(format!("{what} (not supported yet)"));
    }
    Verdict::Failed(vec![format!("does not compile: {}\n{}\n{}", error.message, error.rendered.trim_end(), body.trim_end())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(args: &[&str]) -> Vec<String> {
        args.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = Options::parse(&strings(&["--filter", "LIF", "dir", "--json", "f.json"])).unwrap();
        assert_eq!(options, Options { dir: "dir".into(), filter: "LIF".into(), json: Some("f.json".into()), shapes: false });
        assert!(Options::parse(&strings(&["--shapes", "dir"])).unwrap().shapes);
        assert!(Options::parse(&strings(&[])).unwrap_err().to_string().contains("no folder is given"));
        assert!(Options::parse(&strings(&["a", "b"])).unwrap_err().to_string().contains("`b` is not understood"));
        assert!(Options::parse(&strings(&["a", "--json"])).unwrap_err().to_string().contains("needs a value"));
    }

    #[test]
    fn a_refusal_has_to_name_the_layer() {
        let refusal = Refusal { class: "VotingLayer".to_string(), reason: "r" };
        let error = |text: &str| Refused { message: text.to_string(), rendered: text.to_string() };
        assert_eq!(
            refused(&refusal, &[error("`m`: `VotingLayer(3)` needs ..")]),
            Verdict::Refused("`m`: `VotingLayer(3)` needs ..".to_string())
        );
        assert!(matches!(refused(&refusal, &[error("something else")]), Verdict::Failed(_)));
        assert!(matches!(refused(&refusal, &[]), Verdict::Failed(_)));
    }

    #[test]
    fn what_is_not_known_yet_is_skipped_and_other_errors_fail() {
        let error = |text: &str| Refused { message: text.to_string(), rendered: text.to_string() };
        let skipped = does_not_compile(&error("`m`: `MaxPool2d` has no argument `return_indices`"), "");
        assert_eq!(skipped, Verdict::Skipped("`MaxPool2d` has no argument `return_indices` (not supported yet)".to_string()));
        assert!(matches!(does_not_compile(&error("mismatched types"), ""), Verdict::Failed(_)));
    }

    /// The whole public folder becomes text that parses.
    #[test]
    fn every_public_case_is_written_or_skipped_with_a_reason() {
        let cases = index::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens")).unwrap();
        let mut source = Source::new();
        let mut reasons = std::collections::BTreeSet::new();
        for case in &cases {
            match net::write_case(case).program {
                Ok(program) => drop(entry(case, &program, &mut source)),
                Err(unsupported) => drop(reasons.insert(unsupported.0)),
            }
        }
        assert!(source.len() > 500, "{} nets, {reasons:?}", source.len());
        syn::parse_file(&source.finish()).unwrap();
    }
}
