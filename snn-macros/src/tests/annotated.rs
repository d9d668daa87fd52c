//! Runs every file of `tests/annotated/<topic>/` through the front end and compares its messages with those written there.
//!
//! A file holds any number of `snn_net! { .. }` or `snn_neuron! { .. }`. What is expected stands in comments below the line it is about, the carets
//! under the blamed tokens; notes and helps follow their message:
//!
//! ```text
//!         fc1: Linear(64 * 7 * 7, 128),
//! //                  ^^^^^^^^^^error{`fc1` expects 3136 input features, but gets 12544}
//! // note{`flat` (line 3) outputs [12544]}
//! // help{write `_` here to infer it}
//! ```
//!
//! - `^^error{..}`, `^^warning{..}`: the blame starts under the first caret and ends under the last (at the end of the line,
//!   if it goes on in the next one).
//! - `<error{..}`: the blame starts in the first two columns, where the `//` stands.
//! - `@error{..}`: the macro call as a whole.
//! - Lines are counted without the annotations, so adding one does not change "(line 3)".
//! - A file without annotations must give no message.
//! - Files of the topic `frozen` are compiled for a build without libtorch.
//!
//! `SNN_UPDATE=1 cargo test -p snn-macros annotated` rewrites the annotations to what is reported now: read the diff.
//! Files in `pending/` wait for the stage that reports them and are skipped.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, panic};

use proc_macro2::TokenStream;

use super::support::macro_calls;
use crate::Target;
use crate::diag::{Diagnostic, Diagnostics, Level};

/// The stages under test.
fn front_end((name, tokens): (String, TokenStream), target: Target) -> Vec<Diagnostic> {
    let mut diags = Diagnostics::new();
    if name == "snn_neuron" {
        let _ = crate::neuron::front(tokens, &mut diags);
    } else {
        let _ = crate::front(tokens, target, &quote::quote!(::snn::__private), &mut diags);
    }
    diags.finish()
}

#[test]
fn annotated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/annotated");
    let update = env::var_os("SNN_UPDATE").is_some();
    let mut failures = Vec::new();
    let files = files(&root);
    assert!(!files.is_empty(), "no files in {}", root.display());
    for file in &files {
        let written = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let shown = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        let source = without_annotations(&written);
        let target = if shown.starts_with("frozen") { Target::Frozen } else { Target::Training };
        let all = || macro_calls(&source).into_iter().flat_map(|call| front_end(call, target)).collect::<Vec<_>>();
        let Ok(diags) = panic::catch_unwind(all) else {
            failures.push(format!("{shown}: the front end panics"));
            continue;
        };
        failures.extend(diags.iter().filter_map(|d| voice(d).map(|why| format!("{shown}: {why}: {}", d.message))));
        let reported = annotate(&source, &diags);
        if reported == written {
            continue;
        }
        if update {
            fs::write(file, reported).unwrap_or_else(|e| panic!("{shown}: {e}"));
        } else {
            failures.push(format!("{shown}:\n{}", difference(&written, &reported)));
        }
    }
    assert!(failures.is_empty(), "{} of {} files differ (- written, + reported):\n\n{}", failures.len(), files.len(), failures.join("\n"));
}

/// All that run.
pub(super) fn files(root: &Path) -> Vec<PathBuf> {
    let entries = |dir: &Path| -> Vec<PathBuf> {
        let read = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        read.map(|entry| entry.map(|e| e.path()).unwrap_or_else(|e| panic!("{}: {e}", dir.display()))).collect()
    };
    let topics = entries(root).into_iter().filter(|path| path.is_dir() && !path.ends_with("pending"));
    let mut files: Vec<PathBuf> =
        topics.flat_map(|topic| entries(&topic)).filter(|path| path.extension().is_some_and(|e| e == "rs")).collect();
    files.sort();
    files
}

/// Is this line an annotation?
fn is_annotation(line: &str) -> bool {
    let Some(text) = line.strip_prefix("//") else { return false };
    let text = text.trim_start().trim_start_matches(['^', '<', '@']);
    ["error{", "warning{", "note{", "help{"].iter().any(|kind| text.starts_with(kind))
}

fn without_annotations(written: &str) -> String {
    written.lines().filter(|line| !is_annotation(line)).fold(String::new(), |text, line| text + line + "\n")
}

/// The source with an annotation for each message.
fn annotate(source: &str, diags: &[Diagnostic]) -> String {
    let mut text = String::new();
    let whole = |d: &&Diagnostic| d.blame.start.byte_range().is_empty();
    for (i, line) in source.lines().enumerate() {
        let _ = writeln!(text, "{line}");
        // A message about the macro call has no place of its own: it follows the line that opens the macro.
        let opens = line.starts_with("snn_ne") && diags.iter().any(|d| whole(&d));
        for d in diags.iter().filter(|d| if whole(d) { opens } else { d.blame.line() == i + 1 }) {
            let marker = if whole(&d) { "// @".to_string() } else { marker(line, d) };
            let kind = if d.level == Level::Error { "error" } else { "warning" };
            let _ = writeln!(text, "{marker}{kind}{{{}}}", escape(&d.message));
            for (kind, texts) in [("note", &d.notes), ("help", &d.helps)] {
                for t in texts {
                    let _ = writeln!(text, "// {kind}{{{}}}", escape(t));
                }
            }
        }
    }
    text
}

fn escape(text: &str) -> String {
    text.replace('\n', "\\n")
}

/// `//      ^^^`
fn marker(line: &str, d: &Diagnostic) -> String {
    let (start, end) = (d.blame.start.start(), d.blame.end.end());
    let last = if end.line == start.line { end.column } else { line.chars().count() };
    if start.column < 2 {
        return "// <".to_string();
    }
    format!("//{}{}", " ".repeat(start.column - 2), "^".repeat(last.saturating_sub(start.column).max(1)))
}

/// The rules of the language description for what messages sound like.
fn voice(d: &Diagnostic) -> Option<&'static str> {
    let texts = std::iter::once(&d.message).chain(&d.notes).chain(&d.helps);
    for text in texts {
        if text.starts_with(|c: char| c.is_uppercase()) {
            return Some("a message starts in lower case");
        }
        if text.ends_with('.') && !text.ends_with("..") {
            return Some("a message ends without a full stop");
        }
        if text.contains("invalid") || text.contains("mismatch") {
            return Some("a message says what is expected, not that something is invalid");
        }
    }
    (d.helps.len() > 1).then_some("a message offers one fix")
}

/// Lines that only one side has, each with the source line before it.
fn difference(written: &str, reported: &str) -> String {
    let blocks = |text: &str| -> Vec<(String, Vec<String>)> {
        let mut blocks = vec![(String::new(), Vec::new())];
        for line in text.lines() {
            if is_annotation(line) {
                if let Some((_, annotations)) = blocks.last_mut() {
                    annotations.push(line.to_string());
                }
            } else {
                blocks.push((line.to_string(), Vec::new()));
            }
        }
        blocks
    };
    let mut text = String::new();
    for (i, ((line, old), (_, new))) in blocks(written).iter().zip(blocks(reported)).enumerate() {
        if *old == new {
            continue;
        }
        let _ = writeln!(text, "  line {i}: {line}");
        let gone = old.iter().filter(|a| !new.contains(a)).map(|a| format!("        - {a}\n"));
        let come = new.iter().filter(|a| !old.contains(a)).map(|a| format!("        + {a}\n"));
        text.extend(gone.chain(come));
    }
    text
}
