//! `cargo xtask book`: the pages of `docs/` as a book. In: the pages, and mdBook, which is installed once; out: `target/book`. The tests here
//! check what a reader would stumble over: chapters that are missing and links that lead nowhere.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::workspace;

const VERSION: &str = "0.5.4";

/// Installs mdBook in `target/tools`, once, and builds the book.
///
/// # Errors
/// If either fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let target = workspace::target(root);
    let tools = target.join("tools").join(format!("mdbook-{VERSION}"));
    let mdbook = tools.join("bin/mdbook");
    if !mdbook.exists() {
        let mut install = workspace::cargo(root);
        // In debug: a book of a dozen pages is built in a second either way. Without the server and the search, which are most of it.
        install.args(["install", "mdbook", "--locked", "--debug", "--version", VERSION, "--no-default-features"]);
        install.args(["--config", "profile.dev.debug=false"]).arg("--root").arg(tools);
        workspace::run(&mut install)?;
    }
    let book = target.join("book");
    workspace::run(Command::new(mdbook).current_dir(root).args(["build", "docs", "--dest-dir"]).arg(&book))?;
    println!("{}", book.join("index.html").display());
    Ok(())
}

/// The stage of `ci`.
///
/// # Errors
/// As [`run`].
pub(crate) fn stage(root: &Path) -> Result<ExitCode> {
    run(root).map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn pages(root: &Path) -> Vec<(PathBuf, String)> {
        let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
        pages.push(root.join("README.md"));
        pages.sort();
        pages.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    /// The page without its blocks of code.
    fn prose(page: &str) -> String {
        page.split("```").step_by(2).collect()
    }

    /// What stands in the round brackets of `[..](..)`.
    fn links(page: &str) -> Vec<String> {
        prose(page).split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_string())).collect()
    }

    /// The anchors of the headings, as GitHub and mdBook make them.
    fn anchors(page: &str) -> BTreeSet<String> {
        let heading = |line: &str| {
            let text = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
            Some(text.chars().filter(|c| c.is_alphanumeric() || "_- ".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect())
        };
        prose(page).lines().filter_map(heading).collect()
    }

    #[test]
    fn links_lead_somewhere() {
        let root = workspace::root().unwrap();
        let mut wrong = Vec::new();
        for (path, page) in pages(&root) {
            for link in links(&page) {
                if link.starts_with("https://") || link.starts_with("http://") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
                let to = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
                let there = fs::read_to_string(&to).map(|page| anchor.is_empty() || anchors(&page).contains(anchor));
                if !there.unwrap_or(to.is_dir()) {
                    wrong.push(format!("{}: {link}", path.strip_prefix(&root).unwrap().display()));
                }
            }
        }
        assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    }

    #[test]
    fn every_page_is_a_chapter() {
        let root = workspace::root().unwrap();
        let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
        let chapters: BTreeSet<String> = links(&summary).into_iter().collect();
        for (path, _) in pages(&root).into_iter().filter(|(path, _)| path.parent() != Some(&root)) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(name == "SUMMARY.md" || chapters.contains(&name), "docs/SUMMARY.md does not list {name}");
        }
    }

    /// All blocks of Rust in `docs/` and README are doc tests of the facade.
    #[test]
    fn every_block_of_rust_is_compiled() {
        let root = workspace::root().unwrap();
        let facade = fs::read_to_string(root.join("src/book.rs")).unwrap();
        for (path, page) in pages(&root) {
            let fences: Vec<&str> = page.lines().filter_map(|line| line.trim_start().strip_prefix("```")).step_by(2).collect();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            let (ignored, reasons) = (fences.iter().filter(|f| f.contains("ignore")).count(), page.matches("<!-- ignore: ").count());
            assert!(ignored == reasons, "{name}: {ignored} blocks are not compiled, {reasons} say why; mark what is no Rust `text`");
            assert!(fences.iter().all(|f| !f.is_empty()), "{name}: a block without a language; mark it `text`");
            let compiled = facade.contains(&format!("include_str!(\"../{name}\")"));
            assert!(compiled || !fences.iter().any(|f| f.starts_with("rust")), "src/book.rs does not include {name}");
        }
    }

    #[test]
    fn anchors_are_those_of_github() {
        let page = "# A tour\n\n## Neurons: `snn_neuron!`\n```\n# no heading\n```\n";
        assert_eq!(anchors(page).into_iter().collect::<Vec<_>>(), ["a-tour", "neurons-snn_neuron"]);
        assert_eq!(links("see [a](b.md#c) and ```\n[x](y)\n``` [d](e)"), ["b.md#c", "e"]);
    }
}
