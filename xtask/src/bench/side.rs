//! Who computes. In: a runner's command; out: a process that answers one line of JSON per request.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::peers;
use crate::{pip, workspace};

/// Compiling is the slowest answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// Ours, and the frameworks one would use instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Snn,
    /// Ours, after `freeze`.
    SnnFrozen,
    SpikingJelly,
    SpikingJellyCompiled,
    /// On a CUDA device only.
    SpikingJellyCupy,
    SnnTorch,
    Norse,
}

impl Side {
    /// As its runner knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Snn => "snn",
            Side::SnnFrozen => "snn-frozen",
            Side::SpikingJelly => "spikingjelly",
            Side::SpikingJellyCompiled => "spikingjelly-compiled",
            Side::SpikingJellyCupy => "spikingjelly-cupy",
            Side::SnnTorch => "snntorch",
            Side::Norse => "norse",
        }
    }

    /// What starts its runner. OpenMP is told the number of threads before it starts; everything else of the environment is the
    /// user's, and the same for all.
    pub(crate) fn command(self, root: &Path, threads: usize, device: Option<usize>) -> Command {
        let mut command = match self {
            Side::Snn | Side::SnnFrozen => {
                let mut cargo = workspace::cargo(root);
                cargo.args(["run", "--release", "--quiet", "--package", "snn-bench", "--", self.name()]);
                cargo
            }
            peer => {
                // That of `.peers` has no CUDA.
                let mut python = if device.is_some() { Command::new(pip::interpreter()) } else { peers::python(root) };
                python.arg(root.join("bench/peers/runner.py")).arg(peer.name());
                python
            }
        };
        command.env("OMP_NUM_THREADS", threads.to_string());
        command
    }
}

/// A runner at work; killed with the value.
pub(crate) struct Runner {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<String>,
}

impl Runner {
    /// Starts the runner. What it writes to stderr goes to the file `words`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(command: &mut Command, words: &Path) -> Result<Runner> {
        let words = std::fs::File::create(words).with_context(|| format!("cannot write {}", words.display()))?;
        let mut child = workspace::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(words))?;
        let requests = child.stdin.take().context("stdin is piped")?;
        let out = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let (sender, replies) = mpsc::channel();
        // A thread of its own: reading from a pipe knows no time limit.
        thread::spawn(move || {
            for line in out.lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Runner { child, requests, replies })
    }

    /// One request, one reply.
    ///
    /// # Errors
    /// If the runner says so, ends, or does not answer in time.
    pub(crate) fn ask(&mut self, request: &Value, patience: Duration) -> Result<Value> {
        // A runner that has ended says more by what it replies, which is nothing.
        let sent = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        let line = match self.replies.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {} s", patience.as_secs()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait()?;
                bail!("the runner ended ({status}){}", if sent.is_err() { " before it was asked" } else { "" });
            }
        };
        let reply: Value = serde_json::from_str(&line).with_context(|| format!("the runner replied `{line}`"))?;
        match reply["error"].as_str() {
            Some(error) => bail!("{}", error.trim()),
            None => Ok(reply),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scratch::Scratch;

    /// A runner that is a script: each line of the request is in `$line`.
    fn runner(scratch: &Scratch, script: &str) -> Runner {
        let script = format!("while read -r line; do {script}; done");
        Runner::start(Command::new("sh").args(["-c", &script]), &scratch.path().join("words")).unwrap()
    }

    #[test]
    fn a_reply_answers_a_request() {
        let scratch = Scratch::new("runner-replies");
        let mut echo = runner(&scratch, r#"echo "{\"got\":$line}""#);
        for n in [1, 2] {
            assert_eq!(echo.ask(&json!({ "n": n }), PATIENCE).unwrap(), json!({ "got": { "n": n } }));
        }
    }

    #[test]
    fn what_goes_wrong_is_told() {
        let scratch = Scratch::new("runner-errors");
        let says = |script: &str, patience| runner(&scratch, script).ask(&json!({}), patience).unwrap_err().to_string();
        assert_eq!(says(r#"echo '{"error": "no net "}'"#, PATIENCE), "no net");
        assert_eq!(says("exit 3", PATIENCE), "the runner ended (exit status: 3)");
        assert_eq!(says("echo '{'", PATIENCE), "the runner replied `{`");
        assert_eq!(says("exec sleep 60", Duration::from_millis(200)), "no answer within 0 s");
    }
}
