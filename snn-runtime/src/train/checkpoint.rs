//! A training run as a file. In: the weights, the optimiser, the schedule, the random number generators, and how far the run is; out: one file, from
//! which another process goes on as if nothing had happened.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use safetensors::tensor::{SafeTensors, TensorView};
use snn_infer::__private::write_whole;
use tch::{Device, Kind, Tensor, nn};

use super::{Adam, LRScheduler};
use crate::error::{Error, Result};
use crate::io::{fitted, read, serialized};
use crate::random_state::RandomState;
use crate::rng::StreamPositions;
use crate::spikes;

const FORMAT: &str = "snn.checkpoint";
const VERSION: &str = "1";

/// No save takes so long: what is older and not done is left over.
const LEFT_OVER: Duration = Duration::from_secs(60 * 60);

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Epochs that are done: the number of the one to go on with.
    pub epoch: u32,
    /// Batches of it that are done: [`Iterator::skip`] them, or leave them out by
    /// [`LoaderConfig::first_batch`](crate::data::LoaderConfig::first_batch).
    pub batch: usize,
    /// The program's own numbers by name, such as the losses so far.
    pub notes: BTreeMap<String, Vec<f64>>,
}

/// A file with everything that a training run has, from which it goes on to the same weights, to the bit.
///
/// In it are the weights and buffers, the moments of [`Adam`], the position of the schedule, torch's random number generators, the draws of the
/// layers, and a [`Progress`]. A save is atomic: the file is written beside `path`, synced to the disk, and renamed, so that a process may be killed
/// at any moment. The save before is kept beside it, as `path` with `.previous` behind.
///
/// What a run has besides is the program's: it makes the same net, optimiser and schedule, with the same data, before it loads. The state of a net
/// ([`State`](crate::State)) is not in the file: save between recordings, when it is reset anyway. tch's own optimisers do not tell their
/// moments; [`Adam`] computes the same as its `Adam` and `AdamW`.
///
/// ```
/// use snn_runtime::train::{Adam, AdamConfig, Checkpoint, LRScheduler, Progress, StepLR};
/// use snn_runtime::{Device, nn};
/// # let folder = std::env::temp_dir().join(format!("snn-doc-checkpoint-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
///
/// snn_runtime::manual_seed(1);
/// let vs = nn::VarStore::new(Device::Cpu);
/// let _net = vs.root().zeros("w", &[3]); // in place of a net
/// let mut optimizer = Adam::new(&vs, AdamConfig::default())?;
/// let mut scheduler = LRScheduler::new(StepLR::new(10), &mut optimizer, 0.01)?;
///
/// let checkpoint = Checkpoint::new(folder.join("run.checkpoint"));
/// let mut at = match checkpoint.exists() {
///     true => checkpoint.load(&vs, &mut optimizer, Some(&mut scheduler))?,
///     false => Progress::default(),
/// };
/// while at.epoch < 2 {
///     // for batch in train.shuffled(64, snn::initial_seed(), at.epoch)?.skip(at.batch) { .. }
///     scheduler.step(&mut optimizer)?;
///     at = Progress { epoch: at.epoch + 1, batch: 0, ..at };
///     checkpoint.save(&vs, &optimizer, Some(&scheduler), &at)?;
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
}

impl Checkpoint {
    /// The file at `path`, whether it is there or not.
    pub fn new(path: impl Into<PathBuf>) -> Checkpoint {
        Checkpoint { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the save before the last one is.
    pub fn previous(&self) -> PathBuf {
        beside(&self.path, ".previous")
    }

    /// Has there been a save?
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Writes the run as it is now.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: the file cannot be written; the save before is whole then.
    pub fn save(&self, vs: &nn::VarStore, optimizer: &Adam, scheduler: Option<&LRScheduler>, at: &Progress) -> Result<()> {
        let about = HashMap::from([(FORMAT.to_string(), VERSION.to_string())]);
        let file = serialized(&self.path, &contents(vs, optimizer, scheduler, at)?, Some(about))?;
        self.keep_previous()
            .and_then(|()| write_whole(&self.path, &file))
            .and_then(|()| {
                // From here on a run can go on from it.
                spikes::read_again();
                self.sync_folder()
            })
            .map_err(|source| self.io(source))
    }

    /// Goes back to the run that was saved. Nothing has changed after an error.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Format`] are about the file, [`Error::Weights`] about another net; another optimiser or schedule is told, too.
    pub fn load(&self, vs: &nn::VarStore, optimizer: &mut Adam, scheduler: Option<&mut LRScheduler>) -> Result<Progress> {
        let bytes = fs::read(&self.path).map_err(|source| self.io(source))?;
        self.sweep();
        let no_file = |e: safetensors::SafeTensorError| {
            let previous = self.previous();
            let kept = if previous.exists() { format!("\n  help: the save before it is {}", previous.display()) } else { String::new() };
            self.wrong(format!("is no safetensors file: {e}{kept}"))
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(no_file)?;
        match metadata.metadata().as_ref().and_then(|about| about.get(FORMAT)).map(String::as_str) {
            Some(VERSION) => {}
            Some(other) => return Err(self.wrong(format!("is a checkpoint of version {other}, and this is version {VERSION}"))),
            None => {
                let help = "it is `snn::load` that reads weights alone";
                return Err(self.wrong(format!("is no checkpoint of a training run\n  help: {help}")));
            }
        }
        let file = SafeTensors::deserialize(&bytes).map_err(no_file)?;
        let (mut weights, mut stored) = (BTreeMap::new(), HashMap::new());
        for (name, view) in file.tensors() {
            if let Some(weight) = name.strip_prefix("weights.") {
                weights.insert(weight.to_string(), view);
            } else {
                stored.insert(name, view);
            }
        }

        // Everything is read and compared before anything changes.
        let mut values = fitted(&self.path, vs, weights)?;
        for (variable, value) in &mut values {
            *value = value.f_to_device(variable.device())?;
        }
        let rest = Rest { path: &self.path, stored };
        let memory = rest.memory(&vs.trainable_variables(), optimizer.memory().count())?;
        let lr = rest.number("adam.lr")?;
        let last_epoch: Option<u64> = rest.whole("schedule.last_epoch")?;
        if last_epoch.is_some() != scheduler.is_some() {
            let (had, has) = if last_epoch.is_some() { ("a", "none") } else { ("no", "one") };
            return Err(self.wrong(format!("is of a run with {had} learning-rate schedule, and this one has {has}")));
        }
        let at = rest.progress()?;
        let streams = rest.streams()?;
        let random = rest.random()?;
        // Tried, and put back by the guard.
        random.enter().map(drop).map_err(|e| self.wrong(format!("has states that torch's random number generators refuse: {e}")))?;

        // The draws and the schedule may refuse, and change nothing then.
        let before = StreamPositions::now();
        streams.restore()?;
        let schedule = match (scheduler, last_epoch) {
            (Some(scheduler), Some(last_epoch)) => scheduler.set_last_epoch(last_epoch, optimizer).map(drop),
            _ => {
                optimizer.set_lr(lr);
                Ok(())
            }
        };
        if let Err(e) = schedule {
            before.restore()?;
            return Err(e);
        }
        random.restore()?;
        optimizer.remember(memory);
        spikes::read_again();
        tch::no_grad(|| values.into_iter().try_for_each(|(mut variable, value)| variable.f_copy_(&value)))?;
        Ok(at)
    }

    /// The last save under its second name. At every moment both names are of whole files.
    fn keep_previous(&self) -> io::Result<()> {
        if !self.exists() {
            return Ok(());
        }
        let second = beside(&self.path, &format!(".tmp{}-previous", std::process::id()));
        let _left_over = fs::remove_file(&second);
        // Not every file system has links.
        fs::hard_link(&self.path, &second).or_else(|_| fs::copy(&self.path, &second).map(drop))?;
        fs::rename(&second, self.previous())
    }

    /// A rename is on the disk when its folder is.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    /// Removes what saves have left that were killed: old files with the number of a process that is no more. (One that this machine does not
    /// know may be at work on another, in the same folder.)
    fn sweep(&self) {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name().and_then(|name| name.to_str())) else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let left = entry.file_name();
            let process = left.to_str().and_then(|left| left.strip_prefix(name)?.strip_prefix(".tmp")?.split('-').next());
            let is_old = || Some(entry.metadata().ok()?.modified().ok()?.elapsed().ok()? > LEFT_OVER);
            if process.is_some_and(|id| id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists())
                && Path::new("/proc/self").exists()
                && is_old() == Some(true)
            {
                let _removed = fs::remove_file(entry.path());
            }
        }
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Format { path: self.path.clone(), problem }
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(end);
    name.into()
}

/// All of a run as tensors by name.
fn contents(vs: &nn::VarStore, optimizer: &Adam, scheduler: Option<&LRScheduler>, at: &Progress) -> Result<BTreeMap<String, Tensor>> {
    let mut all: BTreeMap<String, Tensor> = vs.variables().into_iter().map(|(name, t)| (format!("weights.{name}"), t)).collect();
    let mut put = |name: String, tensor: Tensor| drop(all.insert(name, tensor));
    for (i, (steps, moments)) in optimizer.memory().enumerate() {
        put(format!("adam.{i}.steps"), Tensor::f_from_slice(&[i64::from(steps)])?);
        if let Some([first, second]) = moments {
            put(format!("adam.{i}.exp_avg"), first.shallow_clone());
            put(format!("adam.{i}.exp_avg_sq"), second.shallow_clone());
        }
    }
    put("adam.lr".into(), Tensor::f_from_slice(&[optimizer.config().lr])?);
    if let Some(scheduler) = scheduler {
        put("schedule.last_epoch".into(), Tensor::f_from_slice(&[scheduler.last_epoch() as i64])?);
    }
    put("progress".into(), Tensor::f_from_slice(&[i64::from(at.epoch), at.batch as i64])?);
    for (name, numbers) in &at.notes {
        put(format!("notes.{name}"), Tensor::f_from_slice(numbers)?);
    }
    let streams = StreamPositions::now();
    let drawn: Vec<i64> = streams.drawn.iter().flat_map(|&(stream, n)| [i64::from(stream), i64::from(n)]).collect();
    put("random.seed".into(), Tensor::f_from_slice(&[streams.seed as i64])?);
    put("random.drawn".into(), Tensor::f_from_slice(&drawn)?);
    for (device, state) in RandomState::now(&vs.trainable_variables())?.parts() {
        let place = if let Device::Cuda(n) = device { format!("cuda{n}") } else { "cpu".into() };
        put(format!("random.{place}"), state.shallow_clone());
    }
    Ok(all)
}

/// What a file holds besides weights.
struct Rest<'a> {
    path: &'a Path,
    stored: HashMap<String, TensorView<'a>>,
}

impl Rest<'_> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        self.stored.get(name).map(|view| read(self.path, name, view)).transpose()
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Format { path: self.path.into(), problem }
    }

    fn wanted<T>(&self, name: &str, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| self.wrong(format!("has no `{name}`")))
    }

    fn integers(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(t) = self.tensor(name)? else { return Ok(None) };
        if t.kind() != Kind::Int64 {
            return Err(self.wrong(format!("`{name}` wants numbers of Int64, but is of {:?}", t.kind())));
        }
        Ok(Some(Vec::<i64>::try_from(t.f_reshape([-1])?)?))
    }

    /// A number of the file as one of the program.
    fn within<T: TryFrom<i64>>(&self, name: &str, n: i64) -> Result<T> {
        T::try_from(n).map_err(|_| self.wrong(format!("`{name}` cannot be {n}")))
    }

    /// One whole number.
    fn whole<T: TryFrom<i64>>(&self, name: &str) -> Result<Option<T>> {
        match self.integers(name)?.as_deref() {
            None => Ok(None),
            Some(&[n]) => self.within(name, n).map(Some),
            Some(numbers) => Err(self.wrong(format!("`{name}` wants one number, but has {}", numbers.len()))),
        }
    }

    fn progress(&self) -> Result<Progress> {
        match self.wanted("progress", self.integers("progress")?)?[..] {
            [epoch, batch] => {
                Ok(Progress { epoch: self.within("progress", epoch)?, batch: self.within("progress", batch)?, notes: self.notes()? })
            }
            _ => Err(self.wrong("does not say how far the run is".into())),
        }
    }

    fn number(&self, name: &str) -> Result<f64> {
        let found = self.tensor(name)?.filter(|t| t.numel() == 1);
        Ok(self.wanted(name, found)?.f_reshape([-1])?.f_double_value(&[0])?)
    }

    /// Steps and moments of the optimiser's variables.
    fn memory(&self, variables: &[Tensor], count: usize) -> Result<Vec<(i32, Option<[Tensor; 2]>)>> {
        let stored = (0..).take_while(|i| self.stored.contains_key(&format!("adam.{i}.steps"))).count();
        if stored != count || variables.len() != count {
            let problem =
                format!("has moments of {stored} variables, and this optimiser has {count} of {} that are trained", variables.len());
            return Err(self.wrong(problem));
        }
        let moment = |i: usize, name: &str| {
            let name = format!("adam.{i}.{name}");
            match self.tensor(&name)? {
                Some(t) if t.size() == variables[i].size() && t.kind() == variables[i].kind() => Ok(Some(t)),
                Some(t) => {
                    let (want, got) = (variables[i].size(), t.size());
                    let problem = format!("`{name}` wants {want:?} of {:?}, but is {got:?} of {:?}", variables[i].kind(), t.kind());
                    Err(self.wrong(problem))
                }
                None => Ok(None),
            }
        };
        let one = |i: usize| {
            let name = format!("adam.{i}.steps");
            let steps: i32 = self.wanted(&name, self.whole(&name)?)?;
            if steps < 0 {
                return Err(self.wrong(format!("`{name}` cannot be {steps}")));
            }
            let there = |t: Tensor| t.f_to_device(variables[i].device());
            let moments = match (moment(i, "exp_avg")?, moment(i, "exp_avg_sq")?) {
                (Some(first), Some(second)) => Some([there(first)?, there(second)?]),
                (None, None) => None,
                _ => return Err(self.wrong(format!("has one of `adam.{i}.exp_avg` and `adam.{i}.exp_avg_sq` without the other"))),
            };
            Ok((steps, moments))
        };
        (0..count).map(one).collect()
    }

    fn notes(&self) -> Result<BTreeMap<String, Vec<f64>>> {
        let names = self.stored.keys().filter_map(|name| Some((name, name.strip_prefix("notes.")?)));
        let numbers = |name: &str| {
            let numbers = self.wanted(name, self.tensor(name)?)?;
            Vec::<f64>::try_from(numbers).map_err(|e| self.wrong(format!("`{name}` is no list of numbers: {e}")))
        };
        names.map(|(name, note)| Ok((note.to_string(), numbers(name)?))).collect()
    }

    fn streams(&self) -> Result<StreamPositions> {
        // The bits of a number without a sign.
        let seed = self.wanted("random.seed", self.whole::<i64>("random.seed")?)? as u64;
        let name = "random.drawn";
        let drawn = self.wanted(name, self.integers(name)?)?;
        let (pairs, []) = drawn.as_chunks::<2>() else {
            return Err(self.wrong(format!("`{name}` wants pairs, but has {} numbers", drawn.len())));
        };
        let pairs = pairs.iter().map(|&[stream, n]| Ok((self.within(name, stream)?, self.within(name, n)?)));
        Ok(StreamPositions { seed, drawn: pairs.collect::<Result<_>>()? })
    }

    fn random(&self) -> Result<RandomState> {
        let mut parts = vec![(Device::Cpu, self.wanted("random.cpu", self.tensor("random.cpu")?)?)];
        for name in self.stored.keys() {
            if let Some(device) = name.strip_prefix("random.cuda").and_then(|n| n.parse().ok()) {
                parts.push((Device::Cuda(device), self.wanted(name, self.tensor(name)?)?));
            }
        }
        Ok(RandomState::of(parts))
    }
}
