//! What the tests of several readers share. In: nothing, or an archive of recordings; out: events to write and to read again.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use proptest::prelude::*;

use crate::events::{Event, Events, Sensor};

/// Up to 30 events on a sensor, in any order, before `end`.
pub(crate) fn events_on(sensor: Sensor, end: u64) -> impl Strategy<Value = Events> {
    let event = (0..end, 0..sensor.width, 0..sensor.height, any::<bool>()).prop_map(|(t, x, y, p)| Event { t, x, y, p });
    prop::collection::vec(event, 0..30).prop_map(move |events| Events::new(sensor, events).unwrap())
}

/// The files of an archive in `shared/data`, by name; nothing where the archive is not.
pub(crate) fn recordings(archive: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(archive);
    if !path.exists() {
        eprintln!("skipped: there is no {}", path.display());
        return None;
    }
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(File::open(path).unwrap(), false));
    let file = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    Some(archive.entries().unwrap().map(file).collect())
}
