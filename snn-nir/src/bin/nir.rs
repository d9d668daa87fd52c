//! `cargo xtask nir import FILE [--dt SECONDS] [--steps T] [--out DIR]`. In: a graph of another framework; out: the source of the net on
//! stdout, and its weights in a safetensors file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use snn_nir::{Graph, ImportConfig};

const USAGE: &str = "cargo xtask nir import FILE [--dt SECONDS] [--steps T] [--out DIR]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", causes.join("\n  because: "));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command of `nir`.
///
/// # Errors
/// If the command is another one, or if the file cannot be read, mapped or written.
fn run(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((command, rest)) if command == "import" => import(&Options::parse(rest)?),
        Some((other, _)) => bail!("`nir` has no `{other}`: {USAGE}"),
        None => bail!("what is to be done? {USAGE}"),
    }
}

fn import(options: &Options) -> Result<()> {
    let mut config = ImportConfig::new(&options.file, options.dt);
    config.steps = options.steps.unwrap_or(config.steps);
    let net = Graph::read(&options.file)?.import(&config).with_context(|| options.file.display().to_string())?;
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    let stem = options.file.file_stem().unwrap_or_default();
    let weights = options.out.join(Path::new(stem).with_added_extension("safetensors"));
    net.save(&weights)?;
    print!("{}", net.source);
    eprintln!("the weights are in {}: `snn::load(&vs, ..)` reads them into `{}`", weights.display(), config.net);
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Options {
    file: PathBuf,
    dt: Option<f64>,
    steps: Option<usize>,
    out: PathBuf,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options> {
        let (mut file, mut dt, mut steps, mut out) = (None, None, None, PathBuf::from("."));
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, mut inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let mut value = || inline.take().or_else(|| args.next().cloned()).with_context(|| format!("{name} needs a value"));
            match name {
                "--dt" => {
                    let text = value()?;
                    dt = Some(text.parse().with_context(|| format!("--dt `{text}` is no number of seconds, such as 1e-4"))?);
                }
                "--steps" => {
                    let text = value()?;
                    let n = text.parse().ok().filter(|&n: &usize| n > 0);
                    steps = Some(n.with_context(|| format!("--steps `{text}` is no number of steps from 1 on"))?);
                }
                "--out" => out = value()?.into(),
                _ if arg.starts_with("--") => bail!("`nir import` has no `{arg}`: {USAGE}"),
                _ if file.is_none() => file = Some(PathBuf::from(arg)),
                _ => bail!("one file at a time, so not `{arg}`: {USAGE}"),
            }
        }
        Ok(Options { file: file.with_context(|| format!("which file? {USAGE}"))?, dt, steps, out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn options_are_read() {
        let got = Options::parse(&args("a.nir --dt 1e-4 --steps=1000 --out nets")).unwrap();
        assert_eq!(got, Options { file: "a.nir".into(), dt: Some(1e-4), steps: Some(1000), out: "nets".into() });
    }

    #[test]
    fn mistakes_are_named() {
        for (line, says) in [
            ("", "what is to be done"),
            ("export a.nir", "`nir` has no `export`"),
            ("import", "which file?"),
            ("import a.nir b.nir", "not `b.nir`"),
            ("import a.nir --dt", "--dt needs a value"),
            ("import a.nir --dt 1ms", "`1ms` is no number of seconds"),
            ("import a.nir --steps 0", "`0` is no number of steps"),
            ("import a.nir --fast", "has no `--fast`"),
            ("import there-is-no.nir", "there-is-no.nir: "),
        ] {
            let error = run(&args(line)).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{line}: {error:#}");
        }
    }
}
