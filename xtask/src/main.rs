//! `cargo xtask ..`: what a user or a CI machine types. In: a command. Out: its output, and an exit code that says whether it worked.
//!
//! Nothing here depends on tch, so this builds before libtorch is installed.

mod bench;
mod book;
mod ci;
mod counts;
mod cuda;
mod data;
mod disk;
mod doctor;
mod goldens;
mod gpu;
mod libtorch;
mod nightly;
mod pip;
#[cfg(test)]
mod scratch;
mod setup;
mod staging;
mod tally;
mod test;
mod version;
mod wheels;
mod workspace;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use setup::Ready;

const USAGE: &str = "\
cargo xtask COMMAND

  demo [--data small|fashion|mnist] [..]     train a spiking network on images (setup first); .. goes to the example
  test [FILTER..]                            all tests and recorded cases (setup first)
  setup [--peers] [--cuda]                   install the CPU part of libtorch 2.13 in .libtorch, once;
                                             with --peers, the Python frameworks of bench in .peers;
                                             with --cuda, NVRTC in .cuda: the tests compile the CUDA kernels
  doctor                                     what is here, what is missing, how to fix it
  data fashion|mnist                         fetch a full data set into data/
  goldens DIR [--filter TEXT] [--json FILE]  run recorded cases of SpikingJelly in the folder, or its tables:
          [--shapes] [--errors] [--init] [--all]  output shapes, what must be refused, initial values, everything;
          [--device N|stand-in] [--one-each]   on a GPU, or on host memory that stands in for one; one case of each layer
  nir import FILE [--dt SECONDS]             the `snn_net!` source of a NIR graph on stdout, its weights as DIR/FILE.safetensors;
          [--steps T] [--out DIR]            --dt is the length of a step, needed where the graph has time constants
  book                                       the pages of docs/ as a book, in target/book (installs mdBook there once)
  docs                                       write docs/layers.md from the compiler's tables
  bench [--peers] [--only NAME] [..]         the library beside the Python frameworks, in one go (setup first); bench --help
  counts                                     the kernels' instructions under valgrind, against their limits
  fuzz TARGET [--seconds N]                  damage files or tokens until a reader or macro fails (files need nightly); without TARGET: their names
  miri [FILTER..]                            the kernels' tests under Miri (needs nightly with miri and rust-src)
  gpu                                        on a machine with a GPU: the tests of the CUDA kernels on it
  ci                                         fmt, clippy, rustdoc, book, counts, miri, test, as .ci/run does
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match command(&args) {
        Ok(code) => code,
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", causes.join("\n  because: "));
            ExitCode::FAILURE
        }
    }
}

fn command(args: &[String]) -> Result<ExitCode> {
    let root = workspace::root()?;
    let (name, rest) = args.split_first().map_or(("help", args), |(name, rest)| (name.as_str(), rest));
    let no_more = || if rest.is_empty() { Ok(()) } else { bail!("`{name}` takes no `{}`\n\n{USAGE}", rest.join(" ")) };
    let done = |()| ExitCode::SUCCESS;
    match name {
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ if rest.iter().any(|arg| arg == "--help" || arg == "-h") && !matches!(name, "demo" | "bench") => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        "setup" if rest == ["--peers"] => setup::run(&root, Ready::Say).and_then(|()| bench::peers::setup(&root, Ready::Say)).map(done),
        "setup" if rest == ["--cuda"] => setup::run(&root, Ready::Say).and_then(|()| cuda::setup(&root, Ready::Say)).map(done),
        "setup" => no_more().and_then(|()| setup::run(&root, Ready::Say)).map(done),
        "doctor" => no_more().map(|()| doctor::run(&root)),
        "docs" => no_more().and_then(|()| docs(&root)).map(done),
        "fuzz" => nightly::fuzz(&root, rest).map(done),
        "miri" => nightly::miri(&root, rest).map(done),
        "book" => no_more().and_then(|()| book::run(&root)).map(done),
        "counts" => no_more().and_then(|()| counts::run(&root)).map(done),
        "gpu" => no_more().and_then(|()| gpu::run(&root)).map(done),
        "ci" => no_more().and_then(|()| ci::run(&root)),
        "test" => test::run(&root, rest),
        "demo" => demo(&root, rest).map(done),
        "bench" => bench::run(&root, rest).map(done),
        "goldens" => goldens::run(rest).map(done),
        "nir" => nir(&root, rest).map(done),
        "data" => match rest {
            [set] => data::run(&root, set).map(done),
            _ => bail!("which data set? cargo xtask data fashion|mnist"),
        },
        unknown => bail!("there is no command `{unknown}`\n\n{USAGE}"),
    }
}

/// The example trains; here only what it needs is put in place.
fn demo(root: &Path, args: &[String]) -> Result<()> {
    let set = option(args, "--data")?;
    if !matches!(set, None | Some("small" | "fashion" | "mnist")) {
        bail!("there is no data set `{}`: --data small|fashion|mnist", set.unwrap_or_default());
    }
    setup::run(root, Ready::Silent)?;
    if let Some(set @ ("fashion" | "mnist")) = set {
        data::run(root, set)?;
    }
    workspace::run(workspace::cargo(root).args(["run", "--release", "--example", "train_fmnist", "--"]).args(args))
}

/// A program of its own, so that xtask need not wait for HDF5 where nobody asks for it. Paths are those of the folder one stands in.
fn nir(root: &Path, args: &[String]) -> Result<()> {
    let mut nir = workspace::cargo(root);
    workspace::run(nir.current_dir(".").args(["run", "--quiet", "--package", "snn-nir", "--"]).args(args))
}

/// The page is written by the test that compares it with the tables: proc-macro crates have no other door.
fn docs(root: &Path) -> Result<()> {
    let mut test = workspace::cargo(root);
    test.args(["test", "--quiet", "--package", "snn-macros", "--lib", "layer_docs"]).env("SNN_UPDATE", "1");
    workspace::run(test.stdout(std::process::Stdio::null()))?;
    println!("docs/layers.md is what the tables say");
    Ok(())
}

/// The value of `--name value` or `--name=value`.
fn option<'a>(args: &'a [String], name: &str) -> Result<Option<&'a str>> {
    let Some(at) = args.iter().position(|arg| arg.split('=').next() == Some(name)) else { return Ok(None) };
    match args[at].split_once('=') {
        Some((_, value)) => Ok(Some(value)),
        None if at + 1 < args.len() => Ok(Some(&args[at + 1])),
        None => bail!("{name} needs a value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn options_are_found() {
        assert_eq!(option(&args("--epochs 3 --data mnist"), "--data").unwrap(), Some("mnist"));
        assert_eq!(option(&args("--data=fashion"), "--data").unwrap(), Some("fashion"));
        assert_eq!(option(&args("--dataset x"), "--data").unwrap(), None);
        assert!(option(&args("--data"), "--data").is_err());
    }

    #[test]
    fn mistakes_are_named() {
        for (line, says) in [
            ("tset", "no command `tset`"),
            ("setup now", "`setup` takes no `now`"),
            ("gpu now", "`gpu` takes no `now`"),
            ("data", "which data set"),
            ("data cifar", "no data set `cifar`"),
            ("bench --fast", "`bench` takes no `--fast`"),
            ("bench --only w9", "no workload is named `w9`"),
            ("demo --data cifar", "no data set `cifar`: --data small|fashion|mnist"),
        ] {
            let error = command(&args(line)).unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
