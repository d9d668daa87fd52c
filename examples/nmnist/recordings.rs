//! N-MNIST as samples of a loader. In: an archive of recordings and lists of their classes, or a folder of N-MNIST; out: frames and a class.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use snn::data::{Event, Events, Samples, Sensor, SplitBy, atis_bin, integrate_events_by_fixed_frames_number as integrate, permutation};

/// Frames of a recording.
pub(crate) const T: usize = 10;
/// Recordings are shifted by up to so many pixels each way, in training.
const SHIFT: i32 = 2;

/// Recordings with a class each.
pub(crate) struct Recordings {
    files: Arc<[Recording]>,
    /// A seed and an epoch, which decide how each is shifted.
    shift: Option<(u64, u32)>,
}

struct Recording {
    name: PathBuf,
    class: i64,
    /// What is in it, where it comes out of an archive.
    bytes: Option<Vec<u8>>,
}

impl Recordings {
    fn new(files: Vec<Recording>) -> Recordings {
        Recordings { files: files.into(), shift: None }
    }

    /// The same recordings, each shifted in its own way.
    pub(crate) fn shifted(&self, seed: u64, epoch: u32) -> Recordings {
        Recordings { files: self.files.clone(), shift: Some((seed, epoch)) }
    }
}

impl Samples for Recordings {
    /// `[T, 2, 34, 34]`, and the class.
    type Sample = (Vec<f32>, i64);

    fn len(&self) -> usize {
        self.files.len()
    }

    fn name(&self, index: usize) -> String {
        self.files[index].name.display().to_string()
    }

    fn load(&self, index: usize) -> Result<Self::Sample, Box<dyn Error + Send + Sync>> {
        let Recording { name, class, bytes } = &self.files[index];
        let sensor = Sensor::N_MNIST;
        let mut events = match bytes {
            Some(bytes) => atis_bin::decode(name, bytes, sensor)?,
            None => atis_bin::read(name, sensor)?,
        };
        if let Some((seed, epoch)) = self.shift {
            // One of the places of a square, at random.
            let side = 2 * SHIFT + 1;
            let place = permutation((side * side) as usize, seed.wrapping_add(index as u64), epoch)[0] as i32;
            events = shifted(&events, place % side - SHIFT, place / side - SHIFT)?;
        }
        let mut frames = vec![0.0; T * sensor.frame_len()];
        integrate(&events, SplitBy::Number, T, &mut frames)?;
        Ok((frames, *class))
    }
}

/// The events that are still on the sensor after a shift.
fn shifted(events: &Events, dx: i32, dy: i32) -> snn::Result<Events> {
    let sensor = events.sensor();
    let moved = |e: &Event| {
        let x = u16::try_from(i32::from(e.x) + dx).ok().filter(|&x| x < sensor.width)?;
        let y = u16::try_from(i32::from(e.y) + dy).ok().filter(|&y| y < sensor.height)?;
        Some(Event { x, y, ..*e })
    };
    Ok(Events::new(sensor, events.as_slice().iter().filter_map(moved).collect())?)
}

/// The recordings to train on and those to test on.
pub(crate) fn open(path: &Path) -> Result<(Recordings, Recordings)> {
    ensure!(path.exists(), "there is no {}\n  help: name a folder with N-MNIST's `Train` and `Test`", path.display());
    if path.is_dir() {
        return Ok((folder(&path.join("Train"))?, folder(&path.join("Test"))?));
    }
    let mut files = archive(path).with_context(|| format!("cannot unpack {}", path.display()))?;
    let mut set = |list: &str| -> Result<Recordings> {
        let text = files.remove(list).with_context(|| format!("{} has no list {list}", path.display()))?;
        let text = String::from_utf8(text)?;
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let recording = |line: &str| {
            let (number, class) =
                line.split_once('\t').with_context(|| format!("{list}: wants `number, tab, class`, but finds `{line}`"))?;
            let name = format!("{number}.bs2");
            let bytes = files.remove(&name).with_context(|| format!("{list} names {name}, which is not in {}", path.display()))?;
            Ok(Recording { name: name.into(), class: class.trim().parse()?, bytes: Some(bytes) })
        };
        Ok(Recordings::new(lines.map(recording).collect::<Result<_>>()?))
    };
    Ok((set("train1K.txt")?, set("test100.txt")?))
}

/// The files of an archive.
fn archive(path: &Path) -> Result<HashMap<String, Vec<u8>>> {
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(File::open(path)?, false));
    let mut files = HashMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(entry.path()?.display().to_string(), bytes);
    }
    Ok(files)
}

/// The recordings of a folder with a folder a class, in order of their names.
fn folder(path: &Path) -> Result<Recordings> {
    let mut files = Vec::new();
    for class in 0..10 {
        let of_class = path.join(class.to_string());
        let entries = fs::read_dir(&of_class).with_context(|| format!("cannot read {}", of_class.display()))?;
        let mut names = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        names.sort();
        let names = names.into_iter().filter(|name| name.extension().is_some_and(|e| e == "bin"));
        files.extend(names.map(|name| Recording { name, class, bytes: None }));
    }
    ensure!(!files.is_empty(), "there are no .bin files in {}", path.display());
    Ok(Recordings::new(files))
}
