//! What is typed behind `cargo xtask bench`. In: arguments; out: options, or what is wrong with them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

pub(crate) const USAGE: &str = "\
cargo xtask bench [--peers] [--only NAME].. [--threads N].. [--rounds N] [--device N] [--json FILE]
cargo xtask bench --list
cargo xtask bench --compile [--rounds N]
cargo xtask bench --criterion [..]

  --peers        beside SpikingJelly (eager and compiled), snnTorch and Norse, in an environment of their own in .peers
  --only NAME    the workloads whose name starts so, upper or lower case: W2, w3-512
  --threads N    on so many threads; without it, on 1 and on 2
  --rounds N     everybody's turns at each workload (5)
  --device N     on that CUDA device, beside SpikingJelly on it (torch, and cupy where Python has it); the interpreter is $PYTHON, else python3
  --json FILE    every number, with the machine, as JSON
  --list         the names of the workloads
  --compile      how long the compiler takes for SEW-ResNet-18 after one line of it changed
  --criterion    the benchmarks of the kernels and the library; .. goes to criterion
";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) peers: bool,
    /// The compiler's time instead of the nets'.
    pub(crate) compile: bool,
    /// Nothing: all.
    pub(crate) only: Vec<String>,
    pub(crate) threads: Vec<usize>,
    pub(crate) rounds: usize,
    /// A CUDA device instead of the CPU.
    pub(crate) device: Option<usize>,
    pub(crate) json: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Options> {
        let mut options =
            Options { peers: false, compile: false, only: Vec::new(), threads: Vec::new(), rounds: 5, device: None, json: None };
        // `--name=value` is `--name value`.
        let words = args.iter().flat_map(|arg| match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => vec![name, value],
            _ => vec![arg.as_str()],
        });
        let mut words = words.collect::<Vec<_>>().into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n\n{USAGE}"));
            match word {
                "--peers" => options.peers = true,
                "--compile" => options.compile = true,
                "--only" => options.only.push(value()?.to_lowercase()),
                "--threads" => options.threads.push(number(word, value()?)?),
                "--rounds" => options.rounds = number(word, value()?)?,
                "--device" => {
                    let value = value()?;
                    options.device =
                        Some(value.parse().ok().with_context(|| format!("--device needs a number from 0 up, but gets `{value}`"))?);
                }
                "--json" => options.json = Some(PathBuf::from(value()?)),
                _ => bail!("`bench` takes no `{word}`\n\n{USAGE}"),
            }
        }
        if options.threads.is_empty() {
            options.threads = if options.device.is_some() { vec![1] } else { vec![1, 2] };
        }
        Ok(options)
    }

    /// Whether the workload of that name is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only.as_str()))
    }
}

fn number(name: &str, value: &str) -> Result<usize> {
    let number: usize = value.parse().ok().with_context(|| format!("{name} needs a number, but gets `{value}`"))?;
    ensure!(number > 0, "{name} needs at least 1");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn without_arguments_everything_runs_on_one_and_two_threads() {
        let options = parse("").unwrap();
        assert_eq!(
            options,
            Options { peers: false, compile: false, only: vec![], threads: vec![1, 2], rounds: 5, device: None, json: None }
        );
        assert!(options.wants("w1-forward"));
    }

    #[test]
    fn options_are_read() {
        let options = parse("--peers --only W2 --only=w3-512 --threads 1 --rounds=3 --json out/b.json").unwrap();
        assert!(options.peers && options.wants("w2-train") && options.wants("w3-512") && !options.wants("w3-2048"));
        assert_eq!((options.threads, options.rounds, options.json), (vec![1], 3, Some(PathBuf::from("out/b.json"))));
    }

    #[test]
    fn a_device_has_one_thread_beside_it() {
        let options = parse("--device 1").unwrap();
        assert_eq!((options.device, options.threads), (Some(1), vec![1]));
        assert!(parse("--device cuda").unwrap_err().to_string().contains("--device needs a number from 0 up, but gets `cuda`"));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, says) in [
            ("--fast", "`bench` takes no `--fast`"),
            ("--only", "--only needs a value"),
            ("--rounds many", "--rounds needs a number, but gets `many`"),
            ("--threads 0", "--threads needs at least 1"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.starts_with(says), "{line}: {error}");
        }
    }
}
