//! A training run as a file. In: the weights, the optimiser, the schedule, the random number generators, and how far the run is; out: one file, from
//! which another process goes on as if nothing had happened.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{SafeTensors, TensorView};
use snn_infer::__private::write_whole;
use tch::{Device, Kind, Tensor, nn};

use super::{Adam, LRScheduler};
use crate::error::{Error, Result};
use crate::io::{check_names, copy, dtype, read, sizes};
use crate::random_state::RandomState;
use crate::rng::StreamPositions;

const FORMAT: &str = "snn.checkpoint";
const VERSION: &str = "1";

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
        let file = self.bytes(&contents(vs, optimizer, scheduler, at)?)?;
        self.keep_previous()
            .and_then(|()| write_whole(&self.path, &file))
            .and_then(|()| self.sync_folder())
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
        let mut stored: HashMap<String, TensorView<'_>> = file.tensors().into_iter().collect();

        // Everything is read and compared before anything changes.
        let mut variables: BTreeMap<String, Tensor> = vs.variables().into_iter().collect();
        let names: Vec<String> = stored.keys().filter_map(|name| name.strip_prefix("weights.").map(String::from)).collect();
        let weights: HashMap<String, TensorView<'_>> =
            names.into_iter().filter_map(|name| stored.remove(&format!("weights.{name}")).map(|view| (name, view))).collect();
        check_names(&self.path, &variables, &weights)?;
        let values = variables.keys().map(|name| Ok((name.clone(), read(&self.path, name, &weights[name])?)));
        let values: BTreeMap<String, Tensor> = values.collect::<Result<_>>()?;
        let rest = Rest { path: &self.path, stored };
        let memory = rest.memory(&vs.trainable_variables(), optimizer.memory().count())?;
        let lr = rest.number("adam.lr")?;
        let last_epoch = rest.integers("schedule.last_epoch")?;
        if last_epoch.is_some() != scheduler.is_some() {
            let (had, has) = if last_epoch.is_some() { ("a", "none") } else { ("no", "one") };
            return Err(self.wrong(format!("is of a run with {had} learning-rate schedule, and this one has {has}")));
        }
        let position = rest.wanted("progress", rest.integers("progress")?)?;
        let notes = rest.notes()?;
        let streams = rest.streams()?;
        let random = rest.random()?;

        // The schedule and the draws may refuse, so they come first.
        let before = StreamPositions::now();
        streams.restore()?;
        let generators = random.restore();
        let schedule = generators.and_then(|()| match (scheduler, last_epoch.as_deref()) {
            (Some(scheduler), Some([last_epoch])) => scheduler.set_last_epoch(*last_epoch as u64, optimizer).map(drop),
            _ => {
                optimizer.set_lr(lr);
                Ok(())
            }
        });
        if let Err(e) = schedule {
            before.restore()?;
            return Err(e);
        }
        optimizer.remember(memory);
        tch::no_grad(|| {
            let mut pairs = variables.iter_mut().filter_map(|(name, variable)| Some((variable, values.get(name)?)));
            pairs.try_for_each(|(variable, value)| variable.f_copy_(value))
        })?;
        match position[..] {
            [epoch, batch] => Ok(Progress { epoch: epoch as u32, batch: batch as usize, notes }),
            _ => Err(self.wrong("does not say how far the run is".into())),
        }
    }

    fn bytes(&self, tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
        let mut data = Vec::with_capacity(tensors.len());
        for (name, tensor) in tensors {
            data.push((name, dtype(&self.path, name, tensor)?, sizes(tensor), copy(tensor)?));
        }
        let views = data.iter().map(|(name, dtype, sizes, data)| Ok((name, TensorView::new(*dtype, sizes.clone(), data)?)));
        let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(|e| self.wrong(e.to_string()))?;
        let about = HashMap::from([(FORMAT.to_string(), VERSION.to_string())]);
        safetensors::serialize(views, Some(about)).map_err(|e| self.wrong(e.to_string()))
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

    /// Removes what saves have left that were killed: files with the number of a process that is no more.
    fn sweep(&self) {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name().and_then(|name| name.to_str())) else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let left = entry.file_name();
            let process = left.to_str().and_then(|left| left.strip_prefix(name)?.strip_prefix(".tmp")?.split('-').next());
            if process.is_some_and(|id| id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists())
                && Path::new("/proc/self").exists()
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

    fn wanted<T>(&self, name: &str, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| Error::Format { path: self.path.into(), problem: format!("has no `{name}`") })
    }

    fn integers(&self, name: &str) -> Result<Option<Vec<i64>>> {
        Ok(self.tensor(name)?.map(|t| Vec::try_from(t.f_to_kind(Kind::Int64)?.f_reshape([-1])?)).transpose()?)
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
            return Err(Error::Format { path: self.path.into(), problem });
        }
        let moment = |i: usize, name: &str| {
            let name = format!("adam.{i}.{name}");
            match self.tensor(&name)? {
                Some(t) if t.size() == variables[i].size() && t.kind() == variables[i].kind() => Ok(Some(t)),
                Some(t) => {
                    let (want, got) = (variables[i].size(), t.size());
                    let problem = format!("`{name}` wants {want:?} of {:?}, but is {got:?} of {:?}", variables[i].kind(), t.kind());
                    Err(Error::Format { path: self.path.into(), problem })
                }
                None => Ok(None),
            }
        };
        let one = |i: usize| {
            let name = format!("adam.{i}.steps");
            let steps = self.wanted(&name, self.integers(&name)?.and_then(|steps| i32::try_from(*steps.first()?).ok()))?;
            let moments = moment(i, "exp_avg")?.zip(moment(i, "exp_avg_sq")?);
            let there = |t: Tensor| t.f_to_device(variables[i].device());
            Ok((steps, moments.map(|(first, second)| Ok::<_, tch::TchError>([there(first)?, there(second)?])).transpose()?))
        };
        (0..count).map(one).collect()
    }

    fn notes(&self) -> Result<BTreeMap<String, Vec<f64>>> {
        let names = self.stored.keys().filter_map(|name| Some((name, name.strip_prefix("notes.")?)));
        names.map(|(name, note)| Ok((note.to_string(), Vec::try_from(self.wanted(name, self.tensor(name)?)?)?))).collect()
    }

    fn streams(&self) -> Result<StreamPositions> {
        let seed = self.wanted("random.seed", self.integers("random.seed")?.and_then(|seed| seed.first().copied()))? as u64;
        let drawn = self.wanted("random.drawn", self.integers("random.drawn")?)?;
        Ok(StreamPositions { seed, drawn: drawn.as_chunks::<2>().0.iter().map(|&[stream, n]| (stream as u32, n as u32)).collect() })
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
