//! The generated crate is compiled and run. In: sources in `target/goldens/..`; out: the compiler's errors by module, and the
//! runner's verdicts.
//!
//! The crate is `snn-goldens`, a member of this workspace that includes the generated files: so libtorch's bindings and the
//! library are the ones that `cargo test` has built.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

use super::source::{self, Source};
use crate::workspace;

/// One error of the compiler.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// Its first line.
    pub(crate) message: String,
    /// As the compiler prints it.
    pub(crate) rendered: String,
}

/// What a comparison found to differ.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Difference {
    /// How the net was driven: `whole`, `steps`, `chunks`, ..
    pub(crate) run: String,
    /// `y`, `grad.x`, `final.v`, ..
    pub(crate) what: String,
    /// Worst element, want, got.
    pub(crate) text: String,
}

/// Where the generated files are.
#[derive(Debug)]
pub(crate) struct Workshop {
    root: PathBuf,
    dir: PathBuf,
    /// The CUDA device that cases run on: its number, or `stand-in`.
    device: Option<String>,
}

impl Workshop {
    /// Runs cases on that CUDA device.
    pub(crate) fn on(self, device: Option<String>) -> Workshop {
        Workshop { device, ..self }
    }

    /// `root`: the repository; `dir`: the folder for generated files, made here.
    pub(crate) fn open(root: &Path, dir: PathBuf) -> anyhow::Result<Workshop> {
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let workshop = Workshop { root: root.to_path_buf(), dir, device: None };
        for bin in ["cases", "probe"] {
            if !workshop.file(bin).exists() {
                source::write(&workshop.file(bin), &Source::new().finish())?;
            }
        }
        Ok(workshop)
    }

    fn file(&self, bin: &str) -> PathBuf {
        self.dir.join(format!("{bin}.rs"))
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = workspace::cargo(&self.root);
        command.args(args).env("SNN_GOLDENS_DIR", &self.dir);
        if let Some(device) = &self.device {
            command.env("SNN_GOLDENS_DEVICE", device);
        }
        command
    }

    /// Builds the library and what it depends on, with cargo's own progress on the terminal.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        workspace::run(&mut self.cargo(&["build", "--package", "snn-goldens", "--lib"]))
    }

    /// Compiles a source as the binary `golden-{bin}`; the errors by module. Empty: it compiles.
    ///
    /// # Errors
    /// If cargo cannot be run, or if an error belongs to no module.
    pub(crate) fn build(&self, bin: &str, source: &Source) -> anyhow::Result<HashMap<usize, Vec<Refused>>> {
        let file = self.file(bin);
        source::write(&file, &source.finish()).with_context(|| format!("cannot write {}", file.display()))?;
        let name = format!("golden-{bin}");
        let args = ["build", "--quiet", "--package", "snn-goldens", "--bin", &name, "--message-format", "json"];
        let output = self.cargo(&args).stdin(Stdio::null()).output().context("cannot start cargo")?;
        let refused = errors(&output, &file, source)?;
        if refused.is_empty() && !output.status.success() {
            bail!("{name} does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(refused)
    }

    /// Runs the compiled cases of `plan`; what differs, by case. No entry: the case never came to an end.
    pub(crate) fn run(&self, plan: &[Value]) -> anyhow::Result<HashMap<String, Vec<Difference>>> {
        let plan_file = self.dir.join("plan.json");
        let mut results = HashMap::new();
        let mut rest = plan;
        // A net that takes the process down with it must not hide the others: go on behind it.
        while !rest.is_empty() {
            std::fs::write(&plan_file, serde_json::to_string(rest)?)?;
            let mut command = self.cargo(&["run", "--quiet", "--package", "snn-goldens", "--bin", "golden-cases", "--"]);
            let output = command.arg(&plan_file).stdin(Stdio::null()).stderr(Stdio::piped()).output().context("cannot start cargo")?;
            let (done, started) = verdicts(&output.stdout, &mut results)?;
            if output.status.success() {
                break;
            }
            let stderr = String::from_utf8_lossy(&output.stderr);
            let Some(id) = started else { bail!("the runner stopped before its first case:\n{stderr}") };
            if done < rest.len() {
                let last = stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default();
                let text = format!("the process ended ({}): {last}", output.status);
                results.insert(id, vec![Difference { run: "run".to_string(), what: "the process".to_string(), text }]);
            }
            rest = rest.get(done + 1..).unwrap_or_default();
        }
        Ok(results)
    }
}

/// Reads cargo's messages.
fn errors(output: &Output, file: &Path, source: &Source) -> anyhow::Result<HashMap<usize, Vec<Refused>>> {
    let mut refused: HashMap<usize, Vec<Refused>> = HashMap::new();
    let mut homeless = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        let message = &entry["message"];
        if entry["reason"] != "compiler-message" || message["level"] != "error" {
            continue;
        }
        let text = message["message"].as_str().unwrap_or_default();
        let error = Refused {
            message: text.lines().next().unwrap_or_default().to_string(),
            rendered: message["rendered"].as_str().unwrap_or_default().to_string(),
        };
        match line_in(message, file).and_then(|line| source.module_at(line)) {
            Some(module) => refused.entry(module).or_default().push(error),
            // "aborting due to 3 previous errors"
            None if message["spans"].as_array().is_none_or(Vec::is_empty) => {}
            None => homeless.push(error.rendered),
        }
    }
    if refused.is_empty() && !homeless.is_empty() {
        bail!("the generated crate does not compile, and the error belongs to no net:\n{}", homeless.join("\n"));
    }
    Ok(refused)
}

/// The line of `file` that a message is about: of its spans, or of the macro calls they come from.
fn line_in(message: &Value, file: &Path) -> Option<usize> {
    fn of_span(span: &Value, file: &Path) -> Option<usize> {
        if span["file_name"].as_str().is_some_and(|name| Path::new(name) == file) {
            return span["line_start"].as_u64().map(|n| n as usize);
        }
        let expansion = span.get("expansion").filter(|e| !e.is_null())?;
        of_span(&expansion["span"], file)
    }
    let spans = message["spans"].as_array()?;
    let primary = spans.iter().filter(|s| s["is_primary"] == true);
    let children = message["children"].as_array().into_iter().flatten();
    primary.chain(spans).find_map(|s| of_span(s, file)).or_else(|| children.filter_map(|c| line_in(c, file)).next())
}

/// Reads the runner's lines: how many cases came to an end, and the last one that was started.
fn verdicts(stdout: &[u8], results: &mut HashMap<String, Vec<Difference>>) -> anyhow::Result<(usize, Option<String>)> {
    #[derive(Deserialize)]
    struct Verdict {
        id: String,
        /// Absent in the line that says the case starts.
        differences: Option<Vec<Difference>>,
    }
    let mut done = 0;
    let mut started = None;
    for line in String::from_utf8_lossy(stdout).lines().filter(|l| l.starts_with('{')) {
        let verdict: Verdict = serde_json::from_str(line).with_context(|| format!("the runner said `{line}`"))?;
        match verdict.differences {
            Some(differences) => {
                done += 1;
                results.insert(verdict.id, differences);
            }
            None => started = Some(verdict.id),
        }
    }
    Ok((done, started))
}

#[cfg(test)]
mod tests {
    use super::super::source::Kind;
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_inside_a_macro_belongs_to_the_call() {
        let file = Path::new("/t/cases.rs");
        let inner = json!({"file_name": "src/lib.rs", "line_start": 3, "is_primary": true,
            "expansion": {"span": {"file_name": "/t/cases.rs", "line_start": 7, "expansion": null}}});
        assert_eq!(line_in(&json!({"spans": [inner], "children": []}), file), Some(7));
        assert_eq!(line_in(&json!({"spans": [], "children": []}), file), None);
    }

    #[test]
    fn errors_are_sorted_by_module() {
        use std::os::unix::process::ExitStatusExt as _;
        let mut source = Source::new();
        source.module(Kind::Compiled, "    a\n");
        let message = json!({"level": "error", "message": "unknown layer `A`\nhelp: ..", "rendered": "r", "children": [],
            "spans": [{"file_name": "/t/probe.rs", "line_start": 3, "is_primary": true, "expansion": null}]});
        let stdout = format!("{}\nnoise\n", json!({"reason": "compiler-message", "message": message}));
        let output = Output { status: std::process::ExitStatus::from_raw(256), stdout: stdout.into_bytes(), stderr: Vec::new() };
        let refused = errors(&output, Path::new("/t/probe.rs"), &source).unwrap();
        assert_eq!(refused[&0][0].message, "unknown layer `A`");
    }

    #[test]
    fn a_case_that_starts_and_does_not_end_is_seen() {
        let mut results = HashMap::new();
        let lines = "{\"id\":\"a\"}\n{\"id\":\"a\",\"differences\":[]}\n{\"id\":\"b\"}\n";
        assert_eq!(verdicts(lines.as_bytes(), &mut results).unwrap(), (1, Some("b".to_string())));
        assert!(results["a"].is_empty());
    }
}
