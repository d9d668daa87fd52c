//! The binary recordings of an ATIS camera: N-MNIST and N-Caltech101 (`.bin`), and the clips of other sets in the same form
//! (`.bs2`). In: such a file and its sensor; out: its events.
//!
//! Five bytes an event: x, y, polarity (1 bit) and time (23 bits, big-endian). The sensor has rows 0 to 239; row 240 marks
//! that the camera's clock ran over: it and all after it are 2^13 us later.

use std::path::Path;

use crate::error::{Result, at, read as read_bytes};
use crate::events::{Event, Events, Sensor};

const RECORD: usize = 5;
/// The row that marks an overflow of the clock, and what it adds.
const OVERFLOW_ROW: u8 = 240;
const OVERFLOW: u64 = 1 << 13;

/// Reads a file.
///
/// SpikingJelly equivalent: `load_ATIS_bin`, which takes marks of the clock for events.
///
/// # Errors
///
/// The file cannot be read, ends within an event, or has an event outside of the sensor.
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
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err(at(path, bytes.len() - rest.len(), "events of 5 bytes", format!("the file's last {} bytes", rest.len())));
    }
    let mut events = Vec::with_capacity(records.len());
    let mut late = 0;
    for (i, &[x, y, high, middle, low]) in records.iter().enumerate() {
        if y == OVERFLOW_ROW {
            late += OVERFLOW;
            continue;
        }
        if let Some((wants, finds)) = sensor.outside(x.into(), y.into()) {
            return Err(at(path, i * RECORD, wants, finds));
        }
        let t = late + u64::from(u32::from_be_bytes([0, high & 0x7f, middle, low]));
        events.push(Event { t, x: x.into(), y: y.into(), p: high & 0x80 != 0 });
    }
    Events::checked("atis_bin::read", sensor, events)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{events_on, recordings};

    fn encode(events: &Events) -> Vec<u8> {
        let record = |e: &Event| {
            let [_, high, middle, low] = (e.t as u32).to_be_bytes();
            [e.x as u8, e.y as u8, u8::from(e.p) << 7 | high, middle, low]
        };
        events.as_slice().iter().flat_map(record).collect()
    }

    fn error(bytes: &[u8]) -> String {
        decode(Path::new("some.bin"), bytes, Sensor::N_MNIST).unwrap_err().to_string()
    }

    #[test]
    fn bytes_are_x_y_polarity_time() {
        let events = decode(Path::new("f"), &[3, 33, 0x80, 1, 2, 4, 0, 0x7f, 0xff, 0xff], Sensor::N_MNIST).unwrap();
        let [on, off] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(*on, Event { t: 0x102, x: 3, y: 33, p: true });
        assert_eq!(*off, Event { t: (1 << 23) - 1, x: 4, y: 0, p: false });
        assert!(decode(Path::new("f"), &[], Sensor::N_MNIST).unwrap().is_empty());
    }

    #[test]
    fn row_240_moves_the_clock() {
        let bytes = [[1, 1, 0, 0, 9], [0, 240, 0, 0, 0], [1, 1, 0, 0, 7], [0, 240, 0, 0, 0], [1, 1, 0, 0, 8]].concat();
        let events = decode(Path::new("f"), &bytes, Sensor::N_MNIST).unwrap();
        assert_eq!(events.as_slice().iter().map(|e| e.t).collect::<Vec<_>>(), [9, 8192 + 7, 2 * 8192 + 8]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(error(&[1, 2, 3, 4, 5, 6, 7]), "some.bin: at byte 5: wants events of 5 bytes, but finds the file's last 2 bytes");
        assert_eq!(
            error(&[1, 1, 0, 0, 0, 34, 1, 0, 0, 0]),
            "some.bin: at byte 5: wants an event on a sensor of 34 x 34 (rows x columns), but finds x = 34, y = 1"
        );
        assert!(read("/nowhere/x.bin", Sensor::N_MNIST).unwrap_err().to_string().starts_with("/nowhere/x.bin: No such file"));
    }

    /// 1000 recordings of the training set and 100 of the test set: three saccades each, in a third of a second.
    #[test]
    fn real_recordings_are_read() {
        let Some(files) = recordings("nmnist-1100-bs2.tar.xz") else { return };
        let (mut files_read, mut all) = (0, 0);
        for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".bs2")) {
            let events = decode(Path::new(name), bytes, Sensor::N_MNIST).unwrap();
            assert!(events.as_slice().is_sorted_by_key(|e| e.t), "{name}");
            assert!(events.as_slice().last().is_some_and(|e| (290_000..340_000).contains(&e.t)), "{name}");
            assert_eq!(encode(&events), *bytes, "{name}");
            (files_read, all) = (files_read + 1, all + events.len());
        }
        assert_eq!((files_read, all), (1100, 4_518_827));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(events in events_on(Sensor::N_MNIST, 1 << 23)) {
            prop_assert_eq!(decode(Path::new("f"), &encode(&events), Sensor::N_MNIST).unwrap(), events);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), height: u16, width: u16) {
            let _ = decode(Path::new("f"), &bytes, Sensor::new(height, width));
        }
    }
}
