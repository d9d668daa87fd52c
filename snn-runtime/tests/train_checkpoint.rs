//! Files of training runs. In: runs that do not fit a file, files that are none; out: errors that name what is wrong, and nothing has changed.

use std::fs;
use std::path::PathBuf;

use snn_runtime::train::{Adam, AdamConfig, Checkpoint, LRScheduler, Progress, StepLR};
use snn_runtime::{Device, Kind, Tensor, nn};

struct Run {
    vs: nn::VarStore,
    optimizer: Adam,
    scheduler: LRScheduler,
}

impl Run {
    /// Some variables, and a few steps.
    fn new(sizes: &[i64], steps: usize) -> Run {
        let vs = nn::VarStore::new(Device::Cpu);
        for (i, &n) in sizes.iter().enumerate() {
            let _w = (vs.root() / format!("layer{i}")).ones("weight", &[n]);
        }
        let _buffer = vs.root().zeros_no_train("counter", &[2]);
        let mut optimizer = Adam::new(&vs, AdamConfig::default()).unwrap();
        let scheduler = LRScheduler::new(StepLR::new(2), &mut optimizer, 0.1).unwrap();
        let mut run = Run { vs, optimizer, scheduler };
        run.steps(steps);
        run
    }

    fn steps(&mut self, n: usize) {
        for _ in 0..n {
            self.optimizer.zero_grad();
            let loss: Tensor = self.vs.trainable_variables().iter().map(|w| (w * w).sum(Kind::Float)).sum();
            loss.backward();
            self.optimizer.step().unwrap();
            self.scheduler.step(&mut self.optimizer).unwrap();
        }
    }

    fn save(&self, to: &Checkpoint, at: &Progress) {
        to.save(&self.vs, &self.optimizer, Some(&self.scheduler), at).unwrap();
    }

    fn load(&mut self, from: &Checkpoint) -> snn_runtime::Result<Progress> {
        from.load(&self.vs, &mut self.optimizer, Some(&mut self.scheduler))
    }

    fn weights(&self) -> Vec<f32> {
        self.vs.trainable_variables().iter().flat_map(|w| Vec::<f32>::try_from(w).unwrap()).collect()
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("snn-checkpoint-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_run_goes_on_as_if_nothing_had_happened() {
    let file = Checkpoint::new(folder("goes-on").join("run.checkpoint"));
    assert!(!file.exists());
    let mut whole = Run::new(&[3, 2], 3);
    let notes = [("loss".to_string(), vec![1.5, f64::NAN]), ("empty".to_string(), vec![])].into();
    let at = Progress { epoch: 7, batch: 11, notes };
    whole.save(&file, &at);
    whole.steps(4);

    let mut other = Run::new(&[3, 2], 1);
    let back = other.load(&file).unwrap();
    assert_eq!((back.epoch, back.batch), (7, 11));
    assert_eq!(back.notes["loss"][0], 1.5);
    assert!(back.notes["loss"][1].is_nan() && back.notes["empty"].is_empty());
    assert_eq!(other.scheduler.last_epoch(), 3);
    other.steps(4);
    assert_eq!(other.weights(), whole.weights());
    assert_eq!(other.optimizer.config().lr, whole.optimizer.config().lr);
}

#[test]
fn the_save_before_is_kept() {
    let file = Checkpoint::new(folder("previous").join("run.checkpoint"));
    let run = Run::new(&[3], 1);
    run.save(&file, &Progress { epoch: 1, ..Progress::default() });
    assert!(!file.previous().exists());
    let first = fs::read(file.path()).unwrap();
    run.save(&file, &Progress { epoch: 2, ..Progress::default() });
    assert_eq!(fs::read(file.previous()).unwrap(), first);
    run.save(&file, &Progress { epoch: 3, ..Progress::default() });
    let mut other = Run::new(&[3], 0);
    assert_eq!(other.load(&Checkpoint::new(file.previous())).unwrap().epoch, 2);
    assert_eq!(other.load(&file).unwrap().epoch, 3);
    let names: Vec<_> = fs::read_dir(file.path().parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");

    fs::write(file.path(), &first[..first.len() - 1]).unwrap();
    let e = other.load(&file).unwrap_err().to_string();
    assert!(e.contains("is no safetensors file") && e.contains("help: the save before it is") && e.contains(".previous"), "{e}");
}

#[test]
fn what_does_not_fit_is_named_and_nothing_changes() {
    let folder = folder("odd");
    let file = Checkpoint::new(folder.join("run.checkpoint"));
    Run::new(&[3, 2], 3).save(&file, &Progress::default());

    let says = |mut run: Run, text: &str| {
        let (before, lr) = (run.weights(), run.optimizer.config().lr);
        let e = run.load(&file).unwrap_err().to_string();
        assert!(e.contains("run.checkpoint: ") && e.contains(text), "{e}");
        assert_eq!((run.weights(), run.optimizer.config().lr, run.scheduler.last_epoch()), (before, lr, 1));
    };
    says(Run::new(&[3], 1), "unexpected");
    says(Run::new(&[3, 2, 1], 1), "missing");
    says(Run::new(&[3, 4], 1), "weight wants [4], but gets [2]");

    let mut run = Run::new(&[3, 2], 1);
    let e = file.load(&run.vs, &mut run.optimizer, None).unwrap_err().to_string();
    assert!(e.contains("is of a run with a learning-rate schedule, and this one has none"), "{e}");
    let without = Checkpoint::new(folder.join("without"));
    without.save(&run.vs, &run.optimizer, None, &Progress::default()).unwrap();
    let e = run.load(&without).unwrap_err().to_string();
    assert!(e.contains("is of a run with no learning-rate schedule, and this one has one"), "{e}");

    let weights = folder.join("weights.safetensors");
    snn_runtime::save(&run.vs, &weights).unwrap();
    let e = run.load(&Checkpoint::new(&weights)).unwrap_err().to_string();
    assert!(e.contains("is no checkpoint of a training run") && e.contains("`snn::load`"), "{e}");
    let e = run.load(&Checkpoint::new(folder.join("nothing"))).unwrap_err().to_string();
    assert!(e.contains("nothing: No such file"), "{e}");
    let e = Checkpoint::new(folder.join("no/folder")).save(&run.vs, &run.optimizer, None, &Progress::default()).unwrap_err().to_string();
    assert!(e.contains("folder: No such file"), "{e}");
}
