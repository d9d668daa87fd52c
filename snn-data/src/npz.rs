//! Events as SpikingJelly keeps them (`.npz`). In: an archive of numpy with the arrays `t`, `x`, `y`, `p`, compressed or not, and
//! its sensor; out: its events.

use std::io::Cursor;
use std::path::Path;

use zip::ZipArchive;

use crate::error::{Result, at, read as read_bytes, wrong};
use crate::events::{Event, Events, Sensor};
use crate::npy::{Wrong, integers};

/// Reads a file. The arrays have one axis and hold whole numbers of any width or, for `p`, booleans: 1 is ON, 0 is OFF.
///
/// SpikingJelly equivalent: `numpy.load` of a file in its `events_np` folders.
///
/// # Errors
///
/// The file cannot be read, is no zip file, lacks an array, has one of another type or length, or an event outside of the sensor.
pub fn read(path: impl AsRef<Path>, sensor: Sensor) -> Result<Events> {
    let path = path.as_ref();
    decode(path, &read_bytes(path)?, sensor)
}

/// [`read`] from bytes; `path` is for errors.
///
/// # Errors
///
/// As [`read`].
pub fn decode(path: &Path, bytes: &[u8], sensor: Sensor) -> Result<Events> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| wrong(path, format!("is no archive of numpy: {e}")))?;
    let mut array = |name: &str| {
        let file = format!("{name}.npy");
        if archive.index_for_name(&file).is_none() {
            let names: Vec<_> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
            return Err(wrong(path, format!("wants the arrays t.npy, x.npy, y.npy, p.npy, but finds {}", names.join(", "))));
        }
        let member = archive.by_name(&file).map_err(|e| wrong(path, format!("{file}: {e}")))?;
        integers(member).map_err(|Wrong { offset, wants, finds }| at(path, format!("{offset} of {file}"), wants, finds))
    };
    let [t, x, y, p] = [array("t")?, array("x")?, array("y")?, array("p")?];
    for (name, len) in [("x", x.len()), ("y", y.len()), ("p", p.len())] {
        if len != t.len() {
            return Err(wrong(path, format!("wants {} elements in {name}.npy, as in t.npy, but finds {len}", t.len())));
        }
    }
    let mut events = Vec::with_capacity(t.len());
    for i in 0..t.len() {
        let of_event = |wants: &str, finds: String| wrong(path, format!("element {i}: wants {wants}, but finds {finds}"));
        let time = u64::try_from(t[i]).map_err(|_| of_event("a time of at least 0", t[i].to_string()))?;
        let place = |v: i128| u64::try_from(v).unwrap_or(u64::MAX); // what is negative is outside, too
        if let Some((wants, _)) = sensor.outside(place(x[i]), place(y[i])) {
            return Err(of_event(&wants, format!("x = {}, y = {}", x[i], y[i])));
        }
        let on = match p[i] {
            0 => false,
            1 => true,
            other => return Err(of_event("a polarity of 0 or 1", other.to_string())),
        };
        events.push(Event { t: time, x: x[i] as u16, y: y[i] as u16, p: on });
    }
    Events::checked("npz::read", sensor, events)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;
    use crate::testing::events_on;

    const U32: &[u8] = include_bytes!("../tests/files/events_u32.npz");
    const I64: &[u8] = include_bytes!("../tests/files/events_i64.npz");

    /// An array of numpy, in the first version of the format.
    fn npy(descr: &str, count: usize, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}");
        header.extend(std::iter::repeat_n(' ', 63 - (10 + header.len()) % 64));
        header.push('\n');
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    fn archive(packed: bool, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let method = if packed { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn encode(packed: bool, events: &Events) -> Vec<u8> {
        let of = |descr: &str, number: fn(&Event) -> Vec<u8>| {
            npy(descr, events.len(), &events.as_slice().iter().flat_map(number).collect::<Vec<u8>>())
        };
        let t = of("<u8", |e| e.t.to_le_bytes().to_vec());
        let x = of(">u2", |e| e.x.to_be_bytes().to_vec());
        let y = of("<i4", |e| i32::from(e.y).to_le_bytes().to_vec());
        let p = of("|b1", |e| vec![e.p.into()]);
        archive(packed, &[("t.npy", t), ("x.npy", x), ("y.npy", y), ("p.npy", p)])
    }

    fn error(bytes: &[u8]) -> String {
        decode(Path::new("some.npz"), bytes, Sensor::N_MNIST).unwrap_err().to_string()
    }

    #[test]
    fn files_of_numpy_are_read() {
        let row = |line: &str| {
            let [t, x, y, p] = line.split(' ').map(|n| n.parse::<u64>().unwrap()).collect::<Vec<_>>()[..] else { panic!("{line}") };
            Event { t, x: x as u16, y: y as u16, p: p == 1 }
        };
        let want: Vec<Event> = include_str!("../tests/files/events.txt").lines().map(row).collect();
        for bytes in [U32, I64] {
            assert_eq!(decode(Path::new("f"), bytes, Sensor::N_MNIST).unwrap().as_slice(), want);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(error(b"no zip").starts_with("some.npz: is no archive of numpy: "), "{}", error(b"no zip"));
        let with = |name: &str, bytes: Vec<u8>| {
            let files = ["t.npy", "x.npy", "y.npy", "p.npy"];
            let files: Vec<_> = files.map(|f| (f, if f == name { bytes.clone() } else { npy("|u1", 2, &[0, 1]) })).into();
            archive(false, &files)
        };
        let error = |name: &str, bytes: Vec<u8>| error(&with(name, bytes)).replace("some.npz: ", "");
        let none = super::tests::error(&archive(false, &[("frames.npy", vec![])]));
        assert_eq!(none, "some.npz: wants the arrays t.npy, x.npy, y.npy, p.npy, but finds frames.npy");
        assert_eq!(error("x.npy", b"PNG! bytes".to_vec()), r#"at byte 0 of x.npy: wants "\x93NUMPY", but finds "PNG! b""#);
        let floats = error("t.npy", npy("<f8", 2, &[0; 16]));
        assert!(
            floats.starts_with("at byte 10 of t.npy: wants a 'descr' of whole numbers or booleans, but finds {'descr': '<f8'"),
            "{floats}"
        );
        let short = error("t.npy", npy("<u4", 2, &[0; 7]));
        assert_eq!(short, "at byte 128 of t.npy: wants 2 elements of 4 bytes, but finds 7 bytes");
        assert_eq!(error("t.npy", npy("<u4", 2, &[0; 9])), "at byte 136 of t.npy: wants the end of the array, but finds more bytes");
        assert_eq!(error("y.npy", npy("|u1", 1, &[0])), "wants 2 elements in y.npy, as in t.npy, but finds 1");
        assert_eq!(error("t.npy", npy("|i1", 2, &[0, 255])), "element 1: wants a time of at least 0, but finds -1");
        assert_eq!(error("p.npy", npy("|i1", 2, &[0, 255])), "element 1: wants a polarity of 0 or 1, but finds -1");
        let far = error("x.npy", npy("|u1", 2, &[0, 34]));
        assert_eq!(far, "element 1: wants an event on a sensor of 34 x 34 (rows x columns), but finds x = 34, y = 1");
        let huge = error("x.npy", npy("<u8", 1 << 40, &[]));
        assert!(huge.contains("wants a 'shape' of one axis, of at most 2^30 elements"), "{huge}");
    }

    #[test]
    fn every_cut_is_an_error() {
        for whole in [U32, I64] {
            for end in 0..whole.len() {
                assert!(decode(Path::new("f"), &whole[..end], Sensor::N_MNIST).is_err(), "{end} of {} bytes", whole.len());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(events in events_on(Sensor::N_MNIST, u64::MAX), packed: bool) {
            prop_assert_eq!(decode(Path::new("f"), &encode(packed, &events), Sensor::N_MNIST).unwrap(), events);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, byte: u8) {
            let _ = decode(Path::new("f"), &bytes, Sensor::N_MNIST);
            let _ = decode(Path::new("f"), &archive(true, &[("t.npy", bytes.clone())]), Sensor::N_MNIST);
            let _ = decode(Path::new("f"), &archive(true, &[("t.npy", [&b"\x93NUMPY\x01\x00"[..], &bytes].concat())]), Sensor::N_MNIST);
            for whole in [U32, I64] {
                let mut bytes = whole.to_vec();
                let at = at.index(bytes.len());
                bytes[at] = byte;
                let _ = decode(Path::new("f"), &bytes, Sensor::N_MNIST);
            }
        }
    }
}
