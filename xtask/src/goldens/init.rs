//! `--init`: what layers start with. In: `init.json`, the parameters of fresh modules, as values or as an interval they are drawn
//! from; out: for each row whether a fresh net has the same parameters, with the same values or the same distribution.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::compile::{Difference, Refused};
use super::dsl::{Name, SINGLE, Unsupported};
use super::index::{self, Spec};
use super::report::Verdict;
use super::single::{self, Single};
use super::source::{self, Kind, Source};
use super::table::{self, Row};

/// A row of the table.
#[derive(Debug, Deserialize)]
struct Fresh {
    cls: String,
    args: Map<String, Value>,
    /// By name; the runner reads them.
    params: Value,
}

/// The rows whose name contains the filter.
///
/// # Errors
/// If the table cannot be read.
pub(crate) fn rows(dir: &Path, filter: &str) -> anyhow::Result<Vec<Box<dyn Row>>> {
    let table = index::table::<Fresh>(&dir.join("init.json"), filter, |row| &row.cls)?;
    let row = |(id, Fresh { cls, args, params }): (String, Fresh)| {
        let spec = Spec { cls, args, attrs: Map::new() };
        let (steps, sample) = single::fitting(&spec);
        let written = Single::write(&spec, steps, &sample, None);
        let names = written.as_ref().map(|single| single.names.clone()).unwrap_or_default();
        Box::new(InitRow { id, written, names, params }) as Box<dyn Row>
    };
    Ok(table.into_iter().map(row).collect())
}

struct InitRow {
    id: String,
    written: Result<Single, Unsupported>,
    names: Vec<Name>,
    params: Value,
}

impl Row for InitRow {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> &[Name] {
        &self.names
    }

    fn told(&self) -> Option<Verdict> {
        self.written.as_ref().err().map(|unsupported| Verdict::Skipped(unsupported.0.clone()))
    }

    fn question(&self) -> Option<&str> {
        None
    }

    fn answered(&self, _: &[Refused]) -> Option<Verdict> {
        None
    }

    fn order(&self, source: &mut Source) -> (Value, Vec<usize>) {
        let body = self.written.as_ref().map(Single::with_session).unwrap_or_default();
        let module = source.module(Kind::Net, &body);
        (json!({ "task": "init", "id": self.id, "net": source::name(module), "prefix": SINGLE, "params": self.params }), vec![module])
    }

    fn does_not_compile(&self, error: &Refused, body: &str) -> Verdict {
        table::does_not_compile(error, body)
    }

    fn ran(&self, differences: &[Difference]) -> Verdict {
        table::differing(differences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_row_is_written() {
        let rows = rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens"), "").unwrap();
        assert_eq!(rows.len(), 39);
        let mut source = Source::new();
        for row in &rows {
            assert_eq!(row.told(), None, "{}", row.id());
            assert_eq!(row.order(&mut source).0["prefix"], "m");
        }
        syn::parse_file(&source.finish()).unwrap();
    }
}
