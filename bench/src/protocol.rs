//! What is asked and answered. In: a line of JSON; out: a request; and the reverse for replies.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What `xtask` asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Draw weights, inputs and targets, the same ones each time, and write them to a file.
    Make { work: Work, file: PathBuf },
    /// Load the file, write the results of the first iteration, and get ready for timed ones.
    Prepare {
        work: Work,
        file: PathBuf,
        results: PathBuf,
        threads: usize,
        /// A CUDA device; without it the CPU.
        device: Option<usize>,
    },
    /// Time so many iterations, one by one.
    Run { iterations: usize },
}

/// What comes back.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    /// How often the neurons of each layer fire, where it is known.
    Made { firing: Vec<(String, f64)> },
    /// Who computes; resident bytes before anything was loaded; how long an iteration takes once warm.
    Ready { about: String, base: u64, seconds: f64 },
    /// The time of each iteration, and the peak of resident bytes since `Ready`.
    Ran { seconds: Vec<f64>, peak: u64 },
    /// The request could not be done.
    Failed { error: String },
}

/// A net and what to do with it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Work {
    #[serde(flatten)]
    pub(crate) net: Net,
    pub(crate) task: Task,
    pub(crate) batch: i64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "net", rename_all = "kebab-case")]
pub(crate) enum Net {
    /// LIF neurons alone, 128 x 14 x 14 of them.
    Lif { steps: usize },
    /// The convolutional net of SpikingJelly's tutorial; the bias of its norms sets how often it fires.
    Csnn { bias: f64 },
    /// One linear layer and LIF neurons, 500 steps.
    Dense { features: usize },
    /// SEW-ResNet-18 on 32 x 32 images.
    SewResnet18,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// No gradients.
    Forward,
    /// The gradient of every weight, or of the input where there are none.
    Backward,
    /// One step of Adam on the squared error of one-hot labels.
    Train,
    /// As at the end of training, no gradients.
    Infer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let line = r#"{"do": "make", "work": {"net": "csnn", "bias": -0.5, "task": "train", "batch": 32}, "file": "w"}"#;
        let Request::Make { work, .. } = serde_json::from_str(line).unwrap() else { panic!("{line}") };
        assert!(matches!(work, Work { net: Net::Csnn { bias: -0.5 }, task: Task::Train, batch: 32 }), "{work:?}");
        let line = r#"{"do": "run", "iterations": 3}"#;
        assert!(matches!(serde_json::from_str(line).unwrap(), Request::Run { iterations: 3 }));
        let error = serde_json::from_str::<Request>(r#"{"do": "fly"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown variant `fly`"), "{error}");
    }

    #[test]
    fn replies_are_plain_objects() {
        let text = |reply: &Reply| serde_json::to_string(reply).unwrap();
        assert_eq!(text(&Reply::Ran { seconds: vec![0.5], peak: 7 }), r#"{"seconds":[0.5],"peak":7}"#);
        assert_eq!(text(&Reply::Failed { error: "no".into() }), r#"{"error":"no"}"#);
    }
}
