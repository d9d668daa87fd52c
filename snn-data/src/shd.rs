//! The Spiking Heidelberg Digits and Speech Commands (`.h5`). In: such a file; out: a recording and a label a sample.
//!
//! An HDF5 file with the times (seconds) and the channels of the spikes of each sample, `spikes/times` and `spikes/units`, as
//! variable-length arrays, and a class each, `labels`.

use std::path::{Path, PathBuf};

use hdf5_reader::{ByteOrder, Dataset, Datatype, Hdf5File, OpenOptions, VarLenKind};

use crate::error::{Error, Result, wrong};
use crate::events::{Event, Events, Sensor};
use crate::number::{Number, NumberKind};

/// A corrupt file may promise anything: more than this is not allocated for it at once.
const MAX_BYTES: usize = 1 << 30;

/// A file of recordings from the cochlea of SHD and SSC, opened; samples are read one by one, from any thread.
///
/// ```no_run
/// use snn_data::Shd;
///
/// let shd = Shd::open("shd_train.h5")?;
/// let (spikes, class) = (shd.events(0)?, shd.labels()[0]);
/// # Ok::<(), snn_data::Error>(())
/// ```
///
/// SpikingJelly equivalent: `SpikingHeidelbergDigits` and `SpikingSpeechCommands` with `data_type='event'`. Its times stay 16-bit
/// floats in seconds; here they are rounded to microseconds.
pub struct Shd {
    path: PathBuf,
    times: Lists,
    units: Lists,
    labels: Vec<i64>,
}

impl Shd {
    /// Opens a file and reads its labels.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no HDF5, or lacks one of the three datasets; they are of other types or of different lengths.
    pub fn open(path: impl AsRef<Path>) -> Result<Shd> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).and_then(|file| file.metadata());
        if let Err(source) = file {
            return Err(Error::Io { path: path.into(), source });
        }
        Shd::of(path, Hdf5File::open_with_options(path, limits()))
    }

    /// [`open`](Self::open) from the bytes of a file; `path` is for errors.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn decode(path: &Path, bytes: Vec<u8>) -> Result<Shd> {
        Shd::of(path, Hdf5File::from_vec_with_options(bytes, limits()))
    }

    fn of(path: &Path, file: hdf5_reader::error::Result<Hdf5File>) -> Result<Shd> {
        let file = file.map_err(|e| wrong(path, format!("is no HDF5 file: {e}")))?;
        let times = Lists::open(path, &file, "spikes/times", true)?;
        let units = Lists::open(path, &file, "spikes/units", false)?;
        let labels = labels(path, &file)?;
        for (name, len) in [("spikes/units", units.len()), ("labels", labels.len())] {
            if len != times.len() {
                return Err(wrong(path, format!("{name}: wants {} samples, as in spikes/times, but finds {len}", times.len())));
            }
        }
        Ok(Shd { path: path.into(), times, units, labels })
    }

    /// The class of each sample.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// No samples?
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The spikes of a sample, on [`Sensor::SHD`].
    ///
    /// # Errors
    ///
    /// There is no such sample; its arrays cannot be read or differ in length; a time is not a number from 0 on, or a channel
    /// is outside of the sensor.
    pub fn events(&self, sample: usize) -> Result<Events> {
        if sample >= self.len() {
            let problem = format!("must be less than {}, the number of samples, but is {sample}", self.len());
            return Err(Error::argument("Shd::events", "sample", problem, ""));
        }
        let (times, units) = (self.times.bytes(&self.path, sample)?, self.units.bytes(&self.path, sample)?);
        let (times, units) = (times.chunks_exact(self.times.number.size), units.chunks_exact(self.units.number.size));
        if times.len() != units.len() {
            let problem = format!("wants {} spikes, as in spikes/times, but finds {}", times.len(), units.len());
            return Err(wrong(&self.path, format!("spikes/units of sample {sample}: {problem}")));
        }
        let sensor = Sensor::SHD;
        let mut events = Vec::with_capacity(times.len());
        for (i, (time, unit)) in times.zip(units).enumerate() {
            let of_spike = |name: &str, wants: String, finds: String| {
                wrong(&self.path, format!("{name} of sample {sample}, spike {i}: wants {wants}, but finds {finds}"))
            };
            let seconds = self.times.number.float(time);
            let t = (seconds * 1e6).round_ties_even(); // as numpy rounds
            if !(0.0..9e18).contains(&t) {
                return Err(of_spike("spikes/times", "a time in seconds, at least 0".into(), seconds.to_string()));
            }
            let unit = self.units.number.integer(unit);
            if !(0..i128::from(sensor.width)).contains(&unit) {
                return Err(of_spike("spikes/units", format!("a channel less than {}", sensor.width), unit.to_string()));
            }
            events.push(Event { t: t as u64, x: unit as u16, y: 0, p: true });
        }
        Events::checked("Shd::events", sensor, events)
    }
}

fn limits() -> OpenOptions {
    OpenOptions::default().with_max_read_bytes(MAX_BYTES).with_max_chunk_bytes(MAX_BYTES)
}

fn dataset(path: &Path, file: &Hdf5File, name: &str) -> Result<Dataset> {
    file.dataset(name).map_err(|e| wrong(path, format!("wants the datasets spikes/times, spikes/units and labels: {name}: {e}")))
}

fn labels(path: &Path, file: &Hdf5File) -> Result<Vec<i64>> {
    let dataset = dataset(path, file, "labels")?;
    let number = match number(dataset.dtype()) {
        Some(number) if number.kind != NumberKind::Float && dataset.ndim() == 1 => number,
        _ => return Err(wrong(path, format!("labels: wants whole numbers, one axis, but finds {}", described(&dataset)))),
    };
    let bytes = dataset.read_raw_bytes().map_err(|e| wrong(path, format!("labels: {e}")))?;
    let label = |bytes| i64::try_from(number.integer(bytes)).map_err(|_| wrong(path, "labels: wants classes of at most 63 bits"));
    bytes.chunks_exact(number.size).map(label).collect()
}

fn described(dataset: &Dataset) -> String {
    format!("{:?} of sizes {:?}", dataset.dtype(), dataset.shape())
}

/// A dataset with a variable-length array of numbers a sample.
struct Lists {
    name: &'static str,
    dataset: Dataset,
    /// Where the arrays are, one reference a sample.
    references: Vec<u8>,
    number: Number,
}

impl Lists {
    /// A dataset of floats, or of whole numbers.
    fn open(path: &Path, file: &Hdf5File, name: &'static str, floats: bool) -> Result<Lists> {
        let dataset = dataset(path, file, name)?;
        let number = match dataset.dtype() {
            Datatype::VarLen { base, kind: VarLenKind::Sequence, .. } if dataset.ndim() == 1 => number(base),
            _ => None,
        };
        let Some(number) = number.filter(|number| (number.kind == NumberKind::Float) == floats) else {
            let wants = if floats { "floats" } else { "whole numbers" };
            let finds = described(&dataset);
            return Err(wrong(path, format!("{name}: wants variable-length arrays of {wants}, one axis, but finds {finds}")));
        };
        let references = dataset.read_raw_bytes().map_err(|e| wrong(path, format!("{name}: {e}")))?;
        Ok(Lists { name, dataset, references, number })
    }

    fn len(&self) -> usize {
        self.references.len() / self.dataset.vlen_reference_size()
    }

    /// The array of a sample.
    fn bytes(&self, path: &Path, sample: usize) -> Result<Vec<u8>> {
        let size = self.dataset.vlen_reference_size();
        let reference = &self.references[sample * size..][..size];
        let bytes = self.dataset.resolve_vlen_reference_bytes(reference, self.number.size);
        bytes.map_err(|e| wrong(path, format!("{} of sample {sample}: {e}", self.name)))
    }
}

/// How HDF5 stores a number; nothing where it is none.
fn number(datatype: &Datatype) -> Option<Number> {
    let big_endian = |order: ByteOrder| matches!(order, ByteOrder::BigEndian);
    match *datatype {
        Datatype::FixedPoint { size: size @ (1 | 2 | 4 | 8), signed, byte_order } => {
            let kind = if signed { NumberKind::Signed } else { NumberKind::Unsigned };
            Some(Number { kind, size: size.into(), big_endian: big_endian(byte_order) })
        }
        Datatype::FloatingPoint { size: size @ (2 | 4 | 8), byte_order } => {
            Some(Number { kind: NumberKind::Float, size: size.into(), big_endian: big_endian(byte_order) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLES: &[u8] = include_bytes!("../tests/files/shd_tables.h5");
    const H5PY: &[u8] = include_bytes!("../tests/files/shd_h5py.h5");

    /// A label and the spikes of each sample, as `make.py` had them.
    fn wanted() -> Vec<(i64, Vec<(u64, u16)>)> {
        let sample = |line: &str| {
            let (label, spikes) = line.split_once(' ').unwrap_or((line, ""));
            let spike = |spike: &str| spike.split_once(':').map(|(t, x)| (t.parse().unwrap(), x.parse().unwrap())).unwrap();
            (label.parse().unwrap(), spikes.split_whitespace().map(spike).collect())
        };
        include_str!("../tests/files/shd.txt").lines().map(sample).collect()
    }

    fn decode(bytes: &[u8]) -> Result<Shd> {
        Shd::decode(Path::new("some.h5"), bytes.to_vec())
    }

    /// Everything a file has, or the first error.
    fn all(bytes: &[u8]) -> Result<Vec<(i64, Events)>> {
        let shd = decode(bytes)?;
        (0..shd.len()).map(|i| Ok((shd.labels()[i], shd.events(i)?))).collect()
    }

    #[test]
    fn files_of_pytables_and_h5py_are_read() {
        for bytes in [TABLES, H5PY] {
            let read = all(bytes).unwrap().into_iter();
            let pairs = |events: &Events| events.as_slice().iter().map(|e| (e.t, e.x)).collect::<Vec<_>>();
            assert_eq!(read.map(|(label, events)| (label, pairs(&events))).collect::<Vec<_>>(), wanted());
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/shd_tables.h5");
        let shd = Shd::open(path).unwrap();
        assert_eq!((shd.len(), shd.labels()), (4, &[3, 19, 0, 7][..]));
        assert_eq!(shd.events(1).unwrap().len(), 0);
        assert_eq!(shd.events(2).unwrap().sensor(), Sensor::SHD);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |bytes: &[u8]| all(bytes).err().unwrap().to_string();
        assert!(error(b"no HDF5").starts_with("some.h5: is no HDF5 file: "), "{}", error(b"no HDF5"));
        let renamed = |from: &[u8], to: &[u8]| {
            let at = TABLES.windows(from.len()).position(|w| w == from).unwrap();
            [&TABLES[..at], to, &TABLES[at + to.len()..]].concat()
        };
        let missing = error(&renamed(b"labels\0", b"lapels\0"));
        assert!(missing.starts_with("some.h5: wants the datasets spikes/times, spikes/units and labels: labels: "), "{missing}");
        let swapped = error(&renamed(b"times\0\0\0units\0", b"units\0\0\0times\0"));
        assert!(
            swapped.starts_with("some.h5: spikes/times: wants variable-length arrays of floats, one axis, but finds VarLen"),
            "{swapped}"
        );

        // The first spike of the first sample: its channel, little-endian, in front of the second one's.
        let unit = wanted()[0].1.iter().flat_map(|(_, x)| x.to_le_bytes()).collect::<Vec<u8>>();
        let far = error(&renamed(&unit[..8], &[0xbc, 2]));
        assert_eq!(far, "some.h5: spikes/units of sample 0, spike 0: wants a channel less than 700, but finds 700");
        let shd = decode(TABLES).unwrap();
        assert_eq!(shd.events(4).unwrap_err().to_string(), "Shd::events: `sample` must be less than 4, the number of samples, but is 4");
        assert!(Shd::open("/nowhere/x.h5").err().unwrap().to_string().starts_with("/nowhere/x.h5: No such file"));
    }

    /// A cut file has an error, or, where only unused bytes are gone, all it had.
    #[test]
    fn cut_files_are_errors() {
        for whole in [TABLES, H5PY] {
            let want = all(whole).unwrap();
            for end in (0..whole.len()).step_by(61) {
                match all(&whole[..end]) {
                    Err(Error::Format { .. }) => {}
                    other => assert_eq!(other.unwrap(), want, "{end} of {} bytes", whole.len()),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = all(&bytes);
            let _ = all(&[&TABLES[..96], &bytes].concat());
        }

        #[test]
        fn no_changed_bytes_make_it_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), newest: bool,
        ) {
            let mut bytes = if newest { H5PY } else { TABLES }.to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = all(&bytes);
        }
    }
}
