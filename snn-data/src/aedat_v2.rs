//! AEDAT 2.0, the recordings of jAER: CIFAR10-DVS. In: such a file and its camera; out: its events.
//!
//! Lines that start with `#`, the first of them `#!AER-DAT2.0`; then eight bytes an event, big-endian: an address, whose bits
//! mean what the camera's maker chose, and a time in microseconds.

use std::path::Path;

use crate::error::{Result, at, quoted, read as read_bytes, start_of};
use crate::events::{Event, Events, Sensor};

const MAGIC: &[u8] = b"#!AER-DAT2.0";
const RECORD: usize = 8;

/// What the bits of an address mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Camera {
    /// DVS128 as jAER writes it: bit 0 is 1 for OFF, x in bits 1 to 7, counted from the right edge, y in bits 8 to 14; bit 15
    /// marks a signal from outside.
    Dvs128,
    /// The layout of the DAVIS cameras, which CIFAR10-DVS is in too: bit 11 is 1 for ON, x in bits 12 to 21, y in bits 22 to
    /// 30; bit 31 marks anything but an event of the pixels (a frame, a movement sensor), bit 10 a signal from outside.
    Davis(Sensor),
}

impl Camera {
    /// CIFAR10-DVS: the layout of a DAVIS, the sensor of a DVS128.
    pub const CIFAR10_DVS: Camera = Camera::Davis(Sensor::DVS128);

    fn sensor(self) -> Sensor {
        match self {
            Camera::Dvs128 => Sensor::DVS128,
            Camera::Davis(sensor) => sensor,
        }
    }

    /// x, y and polarity of an address; nothing where it is no event of a pixel.
    fn pixel(self, address: u32) -> Option<(u32, u32, bool)> {
        match self {
            Camera::Dvs128 if address & 0x8000 != 0 => None,
            Camera::Dvs128 => Some((127 - (address >> 1 & 0x7f), address >> 8 & 0x7f, address & 1 == 0)),
            Camera::Davis(_) if address & 0x8000_0400 != 0 => None,
            Camera::Davis(_) => Some((address >> 12 & 0x3ff, address >> 22 & 0x1ff, address & 0x800 != 0)),
        }
    }
}

/// Reads a file. Only events of pixels are taken: not frames, movement or signals from outside.
///
/// SpikingJelly equivalent: what its `CIFAR10DVS` does with a `.aedat` file ([`Camera::CIFAR10_DVS`]), which also takes what is no
/// event of a pixel.
///
/// # Errors
///
/// The file cannot be read, is no AEDAT 2.0, ends within an event, or has an event outside of the sensor.
pub fn read(path: impl AsRef<Path>, camera: Camera) -> Result<Events> {
    let path = path.as_ref();
    decode(path, &read_bytes(path)?, camera)
}

/// [`read`] from bytes; `path` is for errors.
///
/// # Errors
///
/// As [`read`].
pub fn decode(path: &Path, bytes: &[u8], camera: Camera) -> Result<Events> {
    let start = skip_header(path, bytes)?;
    let (records, rest) = bytes[start..].as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err(at(path, bytes.len() - rest.len(), "events of 8 bytes", format!("the file's last {} bytes", rest.len())));
    }
    let sensor = camera.sensor();
    let mut events = Vec::with_capacity(records.len());
    for (i, &[a0, a1, a2, a3, t0, t1, t2, t3]) in records.iter().enumerate() {
        let Some((x, y, p)) = camera.pixel(u32::from_be_bytes([a0, a1, a2, a3])) else { continue };
        if let Some((wants, finds)) = sensor.outside(x.into(), y.into()) {
            return Err(at(path, start + i * RECORD, wants, finds));
        }
        let t = u32::from_be_bytes([t0, t1, t2, t3]).into();
        events.push(Event { t, x: x as u16, y: y as u16, p });
    }
    Events::checked("aedat_v2::read", sensor, events)
}

/// Where the lines that start with `#` end.
///
/// The first byte of an event can be a `#` too. But a line is text up to its end, and a time of less than 9 minutes has a zero byte.
fn skip_header(path: &Path, bytes: &[u8]) -> Result<usize> {
    if !bytes.starts_with(MAGIC) {
        return Err(at(path, 0, quoted(MAGIC), start_of(bytes, MAGIC.len())));
    }
    let mut start = 0;
    while bytes.get(start) == Some(&b'#') {
        let rest = &bytes[start..];
        match rest.iter().position(|&b| b == b'\n' || b < b' ' && b != b'\t' && b != b'\r') {
            Some(end) if rest[end] == b'\n' => start += end + 1,
            Some(_) => break,
            None => return Err(at(path, start, "a line of the header", "the end of the file")),
        }
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::events_on;

    const HEADER: &[u8] = b"#!AER-DAT2.0\r\n# This is a raw AE data file created by a test\r\n";

    fn encode(camera: Camera, events: &Events) -> Vec<u8> {
        let address = |e: &Event| match camera {
            Camera::Dvs128 => u32::from(!e.p) | (127 - u32::from(e.x)) << 1 | u32::from(e.y) << 8,
            Camera::Davis(_) => u32::from(e.p) << 11 | u32::from(e.x) << 12 | u32::from(e.y) << 22,
        };
        let record = |e: &Event| [address(e).to_be_bytes(), (e.t as u32).to_be_bytes()].concat();
        [HEADER.to_vec(), events.as_slice().iter().flat_map(record).collect()].concat()
    }

    fn decoded(records: &[u8], camera: Camera) -> Result<Events> {
        decode(Path::new("some.aedat"), &[HEADER, records].concat(), camera)
    }

    #[test]
    fn only_pixels_are_events() {
        // A pixel, a frame's pixel (bit 31), a signal (bit 10), a pixel.
        let words: [u32; 8] = [5 << 22 | 6 << 12 | 1 << 11, 10, 1 << 31, 11, 1 << 10, 12, 7 << 22, 13];
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
        let events = decoded(&bytes, Camera::CIFAR10_DVS).unwrap();
        assert_eq!(events.as_slice(), [Event { t: 10, x: 6, y: 5, p: true }, Event { t: 13, x: 0, y: 7, p: false }]);
        let signal = [0x8000u32.to_be_bytes(), [0; 4]].concat();
        assert!(decoded(&signal, Camera::Dvs128).unwrap().is_empty());
    }

    #[test]
    fn an_event_may_start_as_a_line_does() {
        // y = 140 makes the first byte 0x23, `#`.
        let camera = Camera::Davis(Sensor::new(180, 240));
        let events = Events::new(Sensor::new(180, 240), vec![Event { t: 70_000, x: 3, y: 140, p: true }; 2]).unwrap();
        assert_eq!(encode(camera, &events)[HEADER.len()], b'#');
        assert_eq!(decode(Path::new("f"), &encode(camera, &events), camera).unwrap(), events);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |bytes: &[u8]| decode(Path::new("f"), bytes, Camera::Dvs128).unwrap_err().to_string();
        assert_eq!(error(b"#!AER-DAT3.1\r\n"), r##"f: at byte 0: wants "#!AER-DAT2.0", but finds "#!AER-DAT3.1""##);
        assert_eq!(error(b""), r##"f: at byte 0: wants "#!AER-DAT2.0", but finds the end of the file"##);
        assert_eq!(error(b"#!AER-DAT2.0\r\n# abc"), "f: at byte 14: wants a line of the header, but finds the end of the file");
        assert_eq!(error(b"#!AER-DAT2.0\r\n\0\0\0"), "f: at byte 14: wants events of 8 bytes, but finds the file's last 3 bytes");
        let error = decoded(&[[0; 8], [0x3f, 0xc0, 0, 0, 0, 0, 0, 0]].concat(), Camera::CIFAR10_DVS).unwrap_err().to_string();
        let wants = "wants an event on a sensor of 128 x 128 (rows x columns), but finds x = 0, y = 255";
        assert_eq!(error, format!("some.aedat: at byte {}: {wants}", HEADER.len() + 8));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(events in events_on(Sensor::DVS128, 1 << 32)) {
            for camera in [Camera::Dvs128, Camera::CIFAR10_DVS] {
                prop_assert_eq!(&decode(Path::new("f"), &encode(camera, &events), camera).unwrap(), &events);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), headed: bool, davis: bool) {
            let bytes = if headed { [HEADER, &bytes].concat() } else { bytes };
            let _ = decode(Path::new("f"), &bytes, if davis { Camera::CIFAR10_DVS } else { Camera::Dvs128 });
        }
    }
}
