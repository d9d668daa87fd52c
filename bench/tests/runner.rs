//! Our runner as `cargo xtask bench` drives it. In: requests; out: replies, and files that another runner can load and compare.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tch::Tensor;

/// The process, and a folder for its files; both go with the value.
struct Runner {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    dir: PathBuf,
}

impl Runner {
    fn start(name: &str) -> Runner {
        Runner::of("snn", name)
    }

    /// A side of ours.
    fn of(side: &str, name: &str) -> Runner {
        let dir = std::env::temp_dir().join(format!("snn-bench-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_snn-bench"));
        command.arg(side);
        // `make` computes before `prepare` sets the threads.
        let command = command.envs([("RAYON_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "1")]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (requests, replies) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Runner { child, requests, replies, dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        let _ = self.replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{request}: {error} in `{line}`"))
    }

    /// `make`, `prepare` and three iterations; what was reported, and the results.
    fn whole(&mut self, work: &Value) -> (Value, HashMap<String, Tensor>) {
        let (file, results) = (self.file("work"), self.file("results"));
        let made = self.ask(&json!({ "do": "make", "work": work, "file": file }));
        assert!(made["firing"].is_array(), "{work}: {made}");
        let ready = self.ask(&json!({ "do": "prepare", "work": work, "file": file, "results": results, "threads": 1 }));
        assert!(ready["seconds"].as_f64().is_some_and(|s| s > 0.0) && ready["base"].as_u64().is_some_and(|b| b > 0), "{work}: {ready}");
        let ran = self.ask(&json!({ "do": "run", "iterations": 3 }));
        assert_eq!(ran["seconds"].as_array().map(Vec::len), Some(3), "{work}: {ran}");
        assert!(ran["peak"].as_u64() >= ready["base"].as_u64(), "{work}: {ran}");
        (made, read(&results))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn read(file: &Path) -> HashMap<String, Tensor> {
    Tensor::read_safetensors(file).unwrap().into_iter().collect()
}

fn names(results: &HashMap<String, Tensor>) -> Vec<&str> {
    let mut names: Vec<&str> = results.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn neurons_alone_have_the_gradient_of_their_input() {
    let mut runner = Runner::start("lif");
    let (made, results) = runner.whole(&json!({ "net": "lif", "steps": 4, "batch": 1, "task": "backward" }));
    assert_eq!(names(&results), ["gradient.x", "y"]);
    let rate = made["firing"][0][1].as_f64().unwrap();
    assert!((0.1..0.5).contains(&rate), "{made}");
    assert!((results["y"].mean(tch::Kind::Double).double_value(&[]) - rate).abs() < 1e-6);
    assert!(results["gradient.x"].abs().max().double_value(&[]) > 0.0);
}

#[test]
fn a_layer_has_gradients_of_its_weights() {
    let mut runner = Runner::start("dense");
    let (_, results) = runner.whole(&json!({ "net": "dense", "features": 512, "batch": 1, "task": "backward" }));
    assert_eq!(names(&results), ["gradient.fc.bias", "gradient.fc.weight", "y"]);
    assert_eq!(results["y"].size(), [500, 1, 512]);
}

#[test]
fn a_training_step_tells_loss_gradients_and_what_became_of_the_weights() {
    let mut runner = Runner::start("csnn");
    let work = json!({ "net": "csnn", "bias": -0.4, "batch": 2, "task": "train" });
    let (made, results) = runner.whole(&work);
    let layers: Vec<&str> = made["firing"].as_array().unwrap().iter().map(|layer| layer[0].as_str().unwrap()).collect();
    assert_eq!(layers, ["sn1", "sn2", "sn3", "sn4"]);
    assert!(results.contains_key("loss") && results.contains_key("gradient.conv1.weight"), "{:?}", names(&results));
    let before = read(&runner.file("work"));
    let moved = (&before["weight.conv2.weight"] - &results["after.conv2.weight"]).abs().max().double_value(&[]);
    assert!((0.9e-3..1.1e-3).contains(&moved), "Adam's first step is its learning rate, not {moved}");

    // The same work is the same file, and the same results.
    let (first, second) = (fs::read(runner.file("work")).unwrap(), runner.whole(&work).1);
    let again = read(&runner.file("work"));
    assert_eq!(first.len(), fs::read(runner.file("work")).unwrap().len());
    assert!(before.iter().all(|(name, tensor)| tensor.equal(&again[name])));
    assert!(results.iter().all(|(name, tensor)| tensor.equal(&second[name])), "the first iteration starts from the file");
}

#[test]
fn inference_after_training_gives_the_class_rates() {
    let mut runner = Runner::start("sew");
    let (_, results) = runner.whole(&json!({ "net": "sew-resnet18", "batch": 1, "task": "infer" }));
    assert_eq!((names(&results), results["y"].size()), (vec!["y"], vec![1, 10]));
}

#[test]
fn a_frozen_net_gives_what_the_net_gives() {
    for work in [
        json!({ "net": "csnn", "bias": -0.4, "batch": 2, "task": "infer" }),
        json!({ "net": "lif", "steps": 4, "batch": 1, "task": "forward" }),
        json!({ "net": "dense", "features": 512, "batch": 1, "task": "infer" }),
    ] {
        let (plain, mut runner) = (Runner::start("plain").whole(&work).1, Runner::of("snn-frozen", "frozen"));
        let frozen = runner.whole(&work).1;
        let apart = (&plain["y"] - &frozen["y"]).abs();
        let differ = apart.gt(1e-5).to_kind(tch::Kind::Double).mean(tch::Kind::Double).double_value(&[]);
        assert!(differ < 1e-3, "{work}: {differ} of the outputs differ");
    }
    let mut runner = Runner::of("snn-frozen", "frozen-backward");
    let work = json!({ "net": "lif", "steps": 4, "batch": 1, "task": "backward" });
    let (file, results) = (runner.file("work"), runner.file("results"));
    let reply = runner.ask(&json!({ "do": "prepare", "work": work, "file": file, "results": results, "threads": 1 }));
    assert!(reply["error"].as_str().is_some_and(|error| error.contains("no gradients")), "{reply}");
}

#[test]
fn mistakes_are_replies() {
    let mut runner = Runner::start("mistakes");
    let error = |reply: Value| reply["error"].as_str().map(String::from).unwrap_or_else(|| panic!("{reply}"));
    assert!(error(runner.ask(&json!({ "do": "fly" }))).contains("unknown variant `fly`"));
    assert!(error(runner.ask(&json!({ "do": "run", "iterations": 1 }))).contains("`prepare` comes first"));
    let work = json!({ "net": "lif", "steps": 5, "batch": 1, "task": "forward" });
    let file = runner.file("work");
    assert!(error(runner.ask(&json!({ "do": "make", "work": work, "file": file }))).contains("no Lif net of 5 steps"));
    let work = json!({ "net": "lif", "steps": 4, "batch": 1, "task": "forward" });
    let request = json!({ "do": "prepare", "work": work, "file": file, "results": runner.file("results"), "threads": 0 });
    assert!(error(runner.ask(&request)).contains("no thread"));
}
