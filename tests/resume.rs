//! Runs that are killed, and runs that are repeated. In: a small training program, this test in a process of its own; out: the same weights to the bit,
//! whatever happened to it.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use snn::data::Dataset;
use snn::prelude::*;
use snn::train::{Adam, AdamConfig, Checkpoint, LRScheduler, OneCycleLR, Progress, clip_grad_norm_};
use snn::{nn, snn_net};

type Failed = Box<dyn std::error::Error>;

snn_net! {
    /// With everything that a file has to hold: statistics, masks, a learned constant.
    net Small(x: [1, 6, 6]) -> [3] {
        T = 3;
        step_mode = 'm';
        surrogate = ATan;
        conv: Conv2d(_, 4, 3, padding = 1), BatchNorm2d(_), ParametricLIFNode(init_tau = 2.0),
        Dropout(0.2),
        #[checkpoint]
        deep: [Conv2d(_, 4, 3, padding = 1), BatchNorm2d(_), IFNode(), Dropout(0.1)],
        Flatten(),
        Linear(_, 3),
        MeanOverTime(),
    }
}

const EPOCHS: u32 = 8;
const BATCHES: usize = 5;
/// A save is due after so many batches: in the middle of epochs, too.
const SAVE_EVERY: usize = 2;

/// The training program: goes on from its checkpoint, if there is one, and writes its weights at the end.
fn program(folder: &Path, threads: usize, pause: Duration) -> Result<(), Failed> {
    tch::set_num_threads(i32::try_from(threads)?);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    snn::manual_seed(3);
    let images = Tensor::f_rand([38, 1, 6, 6], (Kind::Float, Device::Cpu))? * 2.0;
    let labels = Tensor::f_arange(38, (Kind::Int64, Device::Cpu))?.f_remainder(3)?;
    let set = Dataset { images, labels };
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Small::new(&vs.root())?;
    let mut optimizer = Adam::new(&vs, AdamConfig::default())?;
    let schedule = OneCycleLR::new(0.05, u64::from(EPOCHS) * BATCHES as u64 + 1);
    let mut scheduler = LRScheduler::new(schedule, &mut optimizer, 0.05)?;

    let checkpoint = Checkpoint::new(folder.join("run.checkpoint"));
    let mut at = match checkpoint.exists() {
        true => checkpoint.load(&vs, &mut optimizer, Some(&mut scheduler))?,
        false => Progress::default(),
    };
    println!("from {} {}", at.epoch, at.batch);
    while at.epoch < EPOCHS {
        for batch in set.shuffled(8, snn::initial_seed(), at.epoch)?.skip(at.batch) {
            let (x, labels) = batch?;
            let x = Small::input(&x + x.f_rand_like()? * 0.1)?; // torch's generator
            let loss = net.forward_t(&x, true)?.f_cross_entropy_loss::<&Tensor>(&labels, None, tch::Reduction::Mean, -100, 0.0)?;
            optimizer.zero_grad();
            loss.f_backward()?;
            clip_grad_norm_(&vs, 1.0, 2.0)?;
            optimizer.step()?;
            scheduler.step(&mut optimizer)?;
            at.batch += 1;
            at.notes.entry("loss".into()).or_default().push(loss.f_double_value(&[])?);
            if (at.epoch as usize * BATCHES + at.batch).is_multiple_of(SAVE_EVERY) {
                checkpoint.save(&vs, &optimizer, Some(&scheduler), &at)?;
            }
            println!("batch");
            thread::sleep(pause);
        }
        at = Progress { epoch: at.epoch + 1, batch: 0, ..at };
    }
    snn::save(&vs, folder.join("weights.safetensors"))?;
    fs::write(folder.join("losses"), format!("{:?}", at.notes["loss"].iter().map(|l| l.to_bits()).collect::<Vec<_>>()))?;
    Ok(())
}

const FOLDER: &str = "SNN_RESUME_FOLDER";
const THREADS: &str = "SNN_RESUME_THREADS";
const PAUSE: &str = "SNN_RESUME_PAUSE";

/// Where this is the program's own process, runs it.
fn is_program() -> bool {
    let Some(folder) = env::var_os(FOLDER) else { return false };
    let number = |name: &str| env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    program(Path::new(&folder), number(THREADS) as usize, Duration::from_millis(number(PAUSE))).unwrap();
    true
}

/// Starts the program in a process of its own; `test` is the name of the test that called.
fn start(test: &str, folder: &Path, threads: usize, pause: u64) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).env(THREADS, threads.to_string()).env(PAUSE, pause.to_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Waits for the line that says where it goes on from: epoch and batch.
fn goes_on_from(lines: &mut Lines<BufReader<ChildStdout>>) -> (u32, usize) {
    let line = lines.map(Result::unwrap).find_map(|line| Some(line.split_once("from ")?.1.to_string())).expect("it says where it starts");
    let (epoch, batch) = line.split_once(' ').unwrap();
    (epoch.parse().unwrap(), batch.parse().unwrap())
}

fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("snn-resume-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn whole(test: &str, name: &str, threads: usize) -> (Vec<u8>, Vec<u8>) {
    let folder = folder(name);
    let (mut child, lines) = start(test, &folder, threads, 0);
    assert_eq!(lines.filter(|line| line.as_ref().unwrap() == "batch").count(), EPOCHS as usize * BATCHES);
    assert!(child.wait().unwrap().success());
    let left = what_is_left(&folder);
    fs::remove_dir_all(folder).unwrap();
    left
}

fn what_is_left(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    (fs::read(folder.join("weights.safetensors")).unwrap(), fs::read(folder.join("losses")).unwrap())
}

#[test]
fn killed_at_any_moment_nothing_is_lost() {
    const TEST: &str = "killed_at_any_moment_nothing_is_lost";
    if is_program() {
        return;
    }
    let want = whole(TEST, "uninterrupted", 1);
    let folder = folder("killed");
    let (mut kills, mut starts) = (0, Vec::new());
    // Random, and different in every run of the test.
    let mut random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    loop {
        let (mut child, mut lines) = start(TEST, &folder, 1, 2);
        starts.push(goes_on_from(&mut lines));
        if kills < 6 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Six times the most, and what runs on meanwhile, are not the whole run.
            let batches = (random >> 33) as usize % (EPOCHS as usize * BATCHES / 8);
            assert_eq!(lines.by_ref().filter(|line| line.as_ref().unwrap() == "batch").take(batches).count(), batches);
            thread::sleep(Duration::from_micros(random >> 40 & 0x1FFF)); // up to 8 ms: in a batch, a save, or between them
            child.kill().unwrap(); // SIGKILL
            kills += 1;
        }
        lines.for_each(drop); // a full pipe would hold it up
        if child.wait().unwrap().success() {
            break;
        }
    }
    assert!(starts.len() > 3, "it was over before it could be killed often enough: {starts:?}");
    assert!(starts.iter().any(|&(epoch, batch)| epoch * 5 + batch as u32 > 0) && starts.is_sorted(), "it went on: {starts:?}");
    let got = what_is_left(&folder);
    assert!(got.1 == want.1, "the losses differ after {starts:?}");
    assert!(got.0 == want.0, "the weights differ after {starts:?}");
    // The last run has removed what killed saves left.
    let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["losses", "run.checkpoint", "run.checkpoint.previous", "weights.safetensors"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    const TEST: &str = "the_same_seed_gives_the_same_weights";
    if is_program() {
        return;
    }
    for threads in [1, 2] {
        let runs = ["a", "b"].map(|name| whole(TEST, &format!("{name}{threads}"), threads));
        assert!(runs[0] == runs[1], "{threads} threads");
    }
}
