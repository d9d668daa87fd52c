//! AEDAT 3.1, the recordings of cAER: DVS128 Gesture. In: such a file and its sensor; out: its events.
//!
//! Lines that start with `#`, from `#!AER-DAT3.1` to `#!END-HEADER`; then packets, little-endian: 28 bytes that say what kind of
//! events follow, how long one is and how many there are, then the events. Those of pixels hold y (15 bits), x (15 bits), polarity
//! and a mark "valid", then a time in microseconds of 31 bits; the packet counts how often that ran over.

use std::path::Path;

use crate::error::{Result, at, quoted, read as read_bytes, start_of};
use crate::events::{Event, Events, Sensor};

const MAGIC: &[u8] = b"#!AER-DAT3.1";
const END: &[u8] = b"#!END-HEADER";
const PACKET: usize = 28;
/// The kind of packets with events of pixels.
const POLARITY: u16 = 1;

/// Reads a file. Only valid events of pixels are taken: not frames, movement or signals, nor what the camera marked as invalid.
///
/// SpikingJelly equivalent: `load_aedat_v3`, which also takes invalid events and the unused rest of a packet.
///
/// # Errors
///
/// The file cannot be read, is no AEDAT 3.1, ends within a packet, has a packet that contradicts itself, or an event outside of
/// the sensor.
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
    let mut from = skip_header(path, bytes)?;
    let mut events = Vec::new();
    while from < bytes.len() {
        let packet = Packet::parse(path, bytes, from)?;
        if packet.kind == POLARITY {
            packet.polarity(path, bytes, sensor, &mut events)?;
        }
        from = packet.end;
    }
    Events::checked("aedat_v3::read", sensor, events)
}

/// Where the line `#!END-HEADER` ends.
fn skip_header(path: &Path, bytes: &[u8]) -> Result<usize> {
    if !bytes.starts_with(MAGIC) {
        return Err(at(path, 0, quoted(MAGIC), start_of(bytes, MAGIC.len())));
    }
    let mut start = 0;
    loop {
        let line = bytes[start..].split_inclusive(|&b| b == b'\n').next().unwrap_or_default();
        if !line.starts_with(b"#") || !line.ends_with(b"\n") {
            return Err(at(path, start, format!("a line of the header, up to {}", quoted(END)), start_of(line, END.len())));
        }
        start += line.len();
        if line.trim_ascii_end() == END {
            return Ok(start);
        }
    }
}

/// What the 28 bytes in front of some events say.
struct Packet {
    kind: u16,
    /// Bytes of one event.
    size: usize,
    /// Where in an event its time is.
    time: usize,
    overflow: u32,
    /// How many events there are; room for more may follow them.
    number: usize,
    /// The first byte of the first event.
    start: usize,
    /// The byte after the packet.
    end: usize,
}

impl Packet {
    fn parse(path: &Path, bytes: &[u8], from: usize) -> Result<Packet> {
        let start = from + PACKET;
        let Some(header) = bytes.get(from..start) else {
            return Err(at(path, from, "28 bytes in front of a packet", format!("the file's last {} bytes", bytes.len() - from)));
        };
        let word = |i: usize| u32::from_le_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
        let [size, time, overflow, capacity, number] = [4, 8, 12, 16, 20].map(word);
        if number > capacity {
            return Err(at(path, from + 20, format!("at most {capacity} events, the packet's room"), number));
        }
        let (end, room) = (start as u64 + u64::from(size) * u64::from(capacity), bytes.len() - start);
        if end > bytes.len() as u64 {
            let wants = format!("a packet of {capacity} events of {size} bytes");
            return Err(at(path, start, wants, format!("the file's last {room} bytes")));
        }
        let kind = u16::from_le_bytes([header[0], header[1]]);
        if kind == POLARITY && (size < 8 || time < 4 || time > size - 4) {
            let finds = format!("{size} bytes, the time at byte {time} of them");
            return Err(at(path, from + 4, "events of at least 8 bytes, their time after the pixel", finds));
        }
        Ok(Packet { kind, size: size as usize, time: time as usize, overflow, number: number as usize, start, end: end as usize })
    }

    fn polarity(&self, path: &Path, bytes: &[u8], sensor: Sensor, events: &mut Vec<Event>) -> Result<()> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        for i in 0..self.number {
            let offset = self.start + i * self.size;
            let data = word(offset);
            if data & 1 == 0 {
                continue;
            }
            let (x, y) = (data >> 17, data >> 2 & 0x7fff);
            if let Some((wants, finds)) = sensor.outside(x.into(), y.into()) {
                return Err(at(path, offset, wants, finds));
            }
            let time = word(offset + self.time);
            if time >> 31 != 0 {
                return Err(at(path, offset + self.time, "a time of 31 bits", format!("{time:#x}")));
            }
            let t = u64::from(self.overflow) << 31 | u64::from(time);
            events.push(Event { t, x: x as u16, y: y as u16, p: data & 2 != 0 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{events_on, recordings};

    const HEADER: &[u8] = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n";

    fn packet(kind: u16, size: u32, overflow: u32, capacity: u32, events: &[Vec<u8>]) -> Vec<u8> {
        let words = [size, 4, overflow, capacity, events.len() as u32, events.len() as u32];
        let mut bytes = [kind.to_le_bytes(), 1u16.to_le_bytes()].concat();
        bytes.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        bytes.extend(events.concat());
        bytes.resize(PACKET + (size * capacity) as usize, 0);
        bytes
    }

    fn event(e: &Event) -> Vec<u8> {
        let data = u32::from(e.x) << 17 | u32::from(e.y) << 2 | u32::from(e.p) << 1 | 1;
        [data.to_le_bytes(), ((e.t & 0x7fff_ffff) as u32).to_le_bytes()].concat()
    }

    /// In packets of events with one overflow, with room for two more, and packets of another kind between them.
    fn encode(events: &Events) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        for run in events.as_slice().chunk_by(|a, b| a.t >> 31 == b.t >> 31) {
            let written: Vec<Vec<u8>> = run.iter().map(event).collect();
            bytes.extend(packet(POLARITY, 8, (run[0].t >> 31) as u32, run.len() as u32 + 2, &written));
            bytes.extend(packet(3, 36, 0, 1, &[vec![0xff; 36]])); // a movement sensor
        }
        bytes
    }

    fn decoded(packets: &[u8]) -> Result<Events> {
        decode(Path::new("some.aedat"), &[HEADER, packets].concat(), Sensor::DVS128)
    }

    #[test]
    fn invalid_events_are_no_events() {
        let (mut bad, good) = (event(&Event { t: 1, x: 2, y: 3, p: true }), Event { t: 5, x: 127, y: 1, p: false });
        bad[0] &= 0xfe;
        let events = decoded(&packet(POLARITY, 8, 0, 2, &[bad, event(&good)])).unwrap();
        assert_eq!(events.as_slice(), [good]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |bytes: &[u8]| decode(Path::new("f"), bytes, Sensor::DVS128).unwrap_err().to_string();
        assert_eq!(error(b"#!AER-DAT2.0\r\n"), r##"f: at byte 0: wants "#!AER-DAT3.1", but finds "#!AER-DAT2.0""##);
        let wants = r##"wants a line of the header, up to "#!END-HEADER", but finds"##;
        assert_eq!(error(b"#!AER-DAT3.1\r\n#a"), format!("f: at byte 14: {wants} \"#a\""));
        assert_eq!(error(b"#!AER-DAT3.1\r\n"), format!("f: at byte 14: {wants} the end of the file"));

        let error = |packets: &[u8]| decoded(packets).unwrap_err().to_string();
        let n = HEADER.len();
        let one = event(&Event { t: 1, x: 2, y: 3, p: true });
        let whole = packet(POLARITY, 8, 0, 1, std::slice::from_ref(&one));
        let begin = |offset: usize| format!("some.aedat: at byte {}: ", n + offset);
        assert_eq!(error(&whole[..9]), begin(0) + "wants 28 bytes in front of a packet, but finds the file's last 9 bytes");
        assert_eq!(error(&whole[..30]), begin(28) + "wants a packet of 1 events of 8 bytes, but finds the file's last 2 bytes");
        let full = packet(POLARITY, 8, 0, 0, std::slice::from_ref(&one));
        assert_eq!(error(&full), begin(20) + "wants at most 0 events, the packet's room, but finds 1");
        let short = packet(POLARITY, 6, 0, 1, &[one[..6].to_vec()]);
        let wants = "wants events of at least 8 bytes, their time after the pixel, but finds 6 bytes, the time at byte 4 of them";
        assert_eq!(error(&short), begin(4) + wants);
        let far = packet(POLARITY, 8, 0, 1, &[event(&Event { t: 1, x: 200, y: 3, p: true })]);
        assert_eq!(error(&far), begin(28) + "wants an event on a sensor of 128 x 128 (rows x columns), but finds x = 200, y = 3");
        let late = packet(POLARITY, 8, 0, 1, &[[&one[..4], &[0, 0, 0, 0x80]].concat()]);
        assert_eq!(error(&late), begin(32) + "wants a time of 31 bits, but finds 0x80000000");
    }

    /// DVS128 Gesture is published in this format; the clips at hand, in another, are written in it and read again.
    #[test]
    fn real_clips_survive() {
        let Some(clips) = recordings("dvsgesture-10-bs2.tar.xz") else { return };
        for (name, bytes) in &clips {
            let events = crate::atis_bin::decode(Path::new(name), bytes, Sensor::DVS128).unwrap();
            assert_eq!(decode(Path::new(name), &encode(&events), Sensor::DVS128).unwrap(), events, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(events in events_on(Sensor::DVS128, 1 << 63)) {
            prop_assert_eq!(decode(Path::new("f"), &encode(&events), Sensor::DVS128).unwrap(), events);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0usize..3, size in 0u32..12) {
            let starts = [vec![], HEADER.to_vec(), [HEADER, &packet(POLARITY, size, 0, 2, &[])].concat()];
            let _ = decode(Path::new("f"), &[starts[start].clone(), bytes].concat(), Sensor::DVS128);
        }

        #[test]
        fn no_changed_byte_makes_it_panic(events in events_on(Sensor::DVS128, 1 << 33), at: prop::sample::Index, byte: u8) {
            let mut bytes = encode(&events);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(Path::new("f"), &bytes, Sensor::DVS128);
        }
    }
}
