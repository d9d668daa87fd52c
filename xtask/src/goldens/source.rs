//! The generated crate's sources. In: the programs of the cases, the names to ask the compiler about, the nets it must refuse;
//! out: Rust text in numbered modules, and which module a line belongs to, to read the compiler's errors by.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What a module holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A net with its session: `open` builds it.
    Net,
    /// A function of a tensor: `apply`.
    Function,
    /// A net that is only compiled.
    Compiled,
}

/// Rust text made of numbered modules.
#[derive(Debug, Default)]
pub(crate) struct Source {
    text: String,
    lines: usize,
    modules: Vec<Module>,
    known: HashMap<String, usize>,
}

#[derive(Debug)]
struct Module {
    kind: Kind,
    body: String,
    /// First and last line, from 1.
    lines: (usize, usize),
}

impl Source {
    pub(crate) fn new() -> Source {
        let mut source = Source::default();
        source.push("// Written by `cargo xtask goldens`.\n");
        source
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.lines += text.matches('\n').count();
    }

    /// Adds a module and gives its number; the same text twice is one module.
    pub(crate) fn module(&mut self, kind: Kind, body: &str) -> usize {
        if let Some(&number) = self.known.get(body) {
            return number;
        }
        let number = self.modules.len();
        let first = self.lines + 1;
        self.push(&format!("pub mod n{number} {{\n{body}}}\n"));
        self.modules.push(Module { kind, body: body.to_string(), lines: (first, self.lines) });
        self.known.insert(body.to_string(), number);
        number
    }

    /// The module that a line belongs to.
    pub(crate) fn module_at(&self, line: usize) -> Option<usize> {
        self.modules.iter().position(|m| (m.lines.0..=m.lines.1).contains(&line))
    }

    /// How many modules there are.
    pub(crate) fn len(&self) -> usize {
        self.modules.len()
    }

    /// A module's text, to show what does not compile.
    pub(crate) fn body(&self, number: usize) -> &str {
        &self.modules[number].body
    }

    /// The whole file: the modules, and the tables that the runner looks them up in.
    pub(crate) fn finish(&self) -> String {
        let mut text = self.text.clone();
        for (table, ty, kind, item) in [("NETS", "Open", Kind::Net, "open"), ("FUNCTIONS", "Function", Kind::Function, "apply")] {
            let _ = writeln!(text, "pub const {table}: &[(&str, snn_goldens::{ty})] = &[");
            for (number, _) in self.modules.iter().enumerate().filter(|(_, m)| m.kind == kind) {
                let _ = writeln!(text, "    (\"n{number}\", n{number}::{item}),");
            }
            text.push_str("];\n");
        }
        text
    }
}

/// What the runner calls a module.
pub(crate) fn name(number: usize) -> String {
    format!("n{number}")
}

/// Writes a file unless it already says so: what did not change need not be compiled again.
pub(crate) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_modules_are_written_once_and_found_by_line() {
        let mut source = Source::new();
        assert_eq!(source.module(Kind::Net, "    a\n"), 0);
        assert_eq!(source.module(Kind::Function, "    b\n    b\n"), 1);
        assert_eq!(source.module(Kind::Net, "    a\n"), 0);
        assert_eq!((source.len(), source.body(1)), (2, "    b\n    b\n"));
        assert_eq!((source.module_at(1), source.module_at(3), source.module_at(7)), (None, Some(0), Some(1)));
        let expected = "// Written by `cargo xtask goldens`.
pub mod n0 {
    a
}
pub mod n1 {
    b
    b
}
pub const NETS: &[(&str, snn_goldens::Open)] = &[
    (\"n0\", n0::open),
];
pub const FUNCTIONS: &[(&str, snn_goldens::Function)] = &[
    (\"n1\", n1::apply),
];
";
        assert_eq!(source.finish(), expected);
    }
}
