//! `cargo xtask goldens DIR ..`. In: a folder of recordings of SpikingJelly (GOLDENS.md), seen before or not; out: each row's verdict, and
//! `N passed, N failed, N skipped` on the last line.
//!
//! Each row (a recorded case, unless another table is asked for) is written as a net in the language (`dsl`, `net`, `single`); all
//! nets become one generated crate (`source`), which is compiled and run (`compile`, `table`) against `snn-goldens`, the crate that
//! compares tensors. What the compiler does not know yet is skipped (it is asked, there is no list here); what it must not accept
//! (`refuse`) passes by not compiling.

mod cases;
mod compile;
mod dsl;
mod errors;
mod index;
mod init;
mod net;
mod probe;
mod refuse;
mod report;
mod shapes;
mod single;
pub(crate) mod source;
mod table;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use compile::Workshop;
use table::Row;

use crate::setup::{self, Ready};
use crate::workspace;

const USAGE: &str = "cargo xtask goldens DIR [--filter TEXT] [--json FILE] [--device N|stand-in] [--one-each] \
    [--cases] [--shapes] [--errors] [--init] [--all]";

/// Runs every row of the asked tables whose id contains the filter; ends the process with status 1 if one fails.
///
/// # Errors
/// If the folder cannot be read, or if the library does not compile.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    let root = workspace::root()?;
    setup::run(&root, Ready::Silent)?;
    let workshop = Workshop::open(&root, options.workshop(&root)?)?.on(options.device.clone());
    let mut rows = Vec::new();
    for table in &options.tables {
        rows.extend(table.rows(&options)?);
    }
    let report = table::run(&workshop, &rows)?;
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

/// A file of the folder whose rows are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Table {
    /// `index.json`
    Cases,
    Shapes,
    Errors,
    Init,
}

impl Table {
    const ALL: [Table; 4] = [Table::Cases, Table::Shapes, Table::Errors, Table::Init];

    fn rows(self, options: &Options) -> anyhow::Result<Vec<Box<dyn Row>>> {
        let (dir, filter) = (options.dir.as_path(), options.filter.as_str());
        match self {
            Table::Cases => cases::rows(dir, filter, options.one_each),
            Table::Shapes => shapes::rows(dir, filter),
            Table::Errors => errors::rows(dir, filter),
            Table::Init => init::rows(dir, filter),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    dir: PathBuf,
    filter: String,
    json: Option<PathBuf>,
    /// The CUDA device that cases run on, or what stands in for one; the CPU if nothing is said.
    device: Option<String>,
    /// One case of each layer alone.
    one_each: bool,
    /// Which rows; the recorded cases if nothing is said.
    tables: Vec<Table>,
}

impl Options {
    fn parse(args: &[String]) -> anyhow::Result<Options> {
        let (mut dir, mut filter, mut json, mut device, mut one_each, mut tables) = (None, String::new(), None, None, false, Vec::new());
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value: {USAGE}"));
            match arg.as_str() {
                "--filter" => filter = value()?.clone(),
                "--json" => json = Some(PathBuf::from(value()?)),
                "--device" => {
                    let value = value()?;
                    if value != "stand-in" && value.parse::<u32>().is_err() {
                        bail!("--device needs a number or stand-in, but gets `{value}`: {USAGE}");
                    }
                    device = Some(value.clone());
                }
                "--one-each" => one_each = true,
                "--cases" => tables.push(Table::Cases),
                "--shapes" => tables.push(Table::Shapes),
                "--errors" => tables.push(Table::Errors),
                "--init" => tables.push(Table::Init),
                "--all" => tables.extend(Table::ALL),
                _ if arg.starts_with('-') || dir.is_some() => bail!("`{arg}` is not understood: {USAGE}"),
                _ => dir = Some(PathBuf::from(arg)),
            }
        }
        let dir = dir.with_context(|| format!("no folder is given: {USAGE}"))?;
        if one_each && tables.iter().any(|table| *table != Table::Cases) {
            bail!("--one-each is of the cases alone: {USAGE}");
        }
        let asked = |table: &Table| if tables.is_empty() { *table == Table::Cases } else { tables.contains(table) };
        Ok(Options { dir, filter, json, device, one_each, tables: Table::ALL.into_iter().filter(asked).collect() })
    }

    /// One folder of generated files per golden folder, filter and tables: what is asked again is not compiled again.
    fn workshop(&self, root: &Path) -> anyhow::Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        self.dir.canonicalize()?.hash(&mut hasher);
        (&self.filter, self.one_each, &self.tables).hash(&mut hasher);
        Ok(workspace::target(root).join("goldens").join(format!("{:016x}", hasher.finish())))
    }
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
        let json = Some("f.json".into());
        let expected = Options { dir: "dir".into(), filter: "LIF".into(), json, device: None, one_each: false, tables: vec![Table::Cases] };
        assert_eq!(options, expected);
        assert!(Options::parse(&strings(&["dir", "--one-each"])).unwrap().one_each);
        assert!(Options::parse(&strings(&["dir", "--one-each", "--all"])).unwrap_err().to_string().contains("of the cases alone"));
        for device in ["1", "stand-in"] {
            assert_eq!(Options::parse(&strings(&["dir", "--device", device])).unwrap().device.as_deref(), Some(device));
        }
        assert!(Options::parse(&strings(&["dir", "--device", "cuda"])).is_err());
        assert_eq!(Options::parse(&strings(&["--init", "--shapes", "dir"])).unwrap().tables, [Table::Shapes, Table::Init]);
        assert_eq!(Options::parse(&strings(&["dir", "--all", "--errors"])).unwrap().tables, Table::ALL);
        assert!(Options::parse(&strings(&[])).unwrap_err().to_string().contains("no folder is given"));
        assert!(Options::parse(&strings(&["a", "b"])).unwrap_err().to_string().contains("`b` is not understood"));
        assert!(Options::parse(&strings(&["a", "--json"])).unwrap_err().to_string().contains("needs a value"));
    }
}
