//! Files of events and images, damaged. In: bytes; out: events that are all on the sensor, or an error that names the file.

use std::io::{Cursor, Write as _};
use std::path::Path;

use bolero::check;
use snn_data::{Events, Idx, Sensor, Shd, aedat_v2, aedat_v3, atis_bin, npz};
use snn_fuzz::Corpus;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const SENSOR: Sensor = Sensor::new(34, 34);

fn path() -> &'static Path {
    Path::new("some.file")
}

/// What every reader promises.
fn judge(read: snn_data::Result<Events>) {
    match read {
        Ok(events) => {
            Events::new(events.sensor(), events.as_slice().to_vec()).expect("all of them on the sensor");
        }
        Err(error) => assert!(error.to_string().starts_with("some.file: "), "{error}"),
    }
}

/// A corpus that no reader reads would test nothing but the first check.
#[test]
fn whole_files_are_read() {
    type Read = fn(&[u8]) -> bool;
    let readers: [(&str, Read); 7] = [
        ("atis", |file| atis_bin::decode(path(), file, SENSOR).is_ok_and(|events| !events.is_empty())),
        ("aedat2", |file| {
            let read = |camera| aedat_v2::decode(path(), file, camera).is_ok_and(|events| !events.is_empty());
            read(aedat_v2::Camera::Dvs128) || read(aedat_v2::Camera::CIFAR10_DVS)
        }),
        ("aedat3", |file| aedat_v3::decode(path(), file, Sensor::DVS128).is_ok_and(|events| !events.is_empty())),
        ("npz_archive", |file| npz::decode(path(), file, SENSOR).is_ok_and(|events| !events.is_empty())),
        ("npz_array", |array| npz::decode(path(), &archive(array, array), SENSOR).is_ok_and(|events| !events.is_empty())),
        ("shd", |file| Shd::decode(path(), file.to_vec()).is_ok_and(|shd| shd.events(0).is_ok())),
        ("idx", |file| Idx::decode(path(), file).is_ok()),
    ];
    for (target, reads) in readers {
        assert!(Corpus::of(target).files().any(reads), "{target}");
    }
}

#[test]
fn atis() {
    let corpus = Corpus::of("atis");
    check!().for_each(|bytes| corpus.each(bytes, |file| judge(atis_bin::decode(path(), file, SENSOR))));
}

#[test]
fn aedat2() {
    let corpus = Corpus::of("aedat2");
    check!().for_each(|bytes| {
        corpus.each(bytes, |file| {
            judge(aedat_v2::decode(path(), file, aedat_v2::Camera::Dvs128));
            judge(aedat_v2::decode(path(), file, aedat_v2::Camera::CIFAR10_DVS));
        });
    });
}

#[test]
fn aedat3() {
    let corpus = Corpus::of("aedat3");
    check!().for_each(|bytes| corpus.each(bytes, |file| judge(aedat_v3::decode(path(), file, Sensor::DVS128))));
}

/// The archive; what is inside is behind its checksums.
#[test]
fn npz_archive() {
    let corpus = Corpus::of("npz_archive");
    check!().for_each(|bytes| corpus.each(bytes, |file| judge(npz::decode(path(), file, SENSOR))));
}

/// The arrays, in an archive whose checksums fit.
#[test]
fn npz_array() {
    let corpus = Corpus::of("npz_array");
    let places = corpus.files().next().expect("an array");
    check!().for_each(|bytes| corpus.each(bytes, |file| judge(npz::decode(path(), &archive(places, file), SENSOR))));
}

/// A recording with an array as its times and polarities, and another as its places.
fn archive(places: &[u8], array: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("t", array), ("x", places), ("y", places), ("p", array)] {
        zip.start_file(format!("{name}.npy"), plain).expect("a member");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

#[test]
fn shd() {
    let corpus = Corpus::of("shd");
    let read = |file: &[u8]| match Shd::decode(path(), file.to_vec()) {
        Ok(shd) => (0..shd.len().min(10)).for_each(|i| judge(shd.events(i))),
        Err(error) => judge(Err(error)),
    };
    check!().for_each(|bytes| corpus.each(bytes, read));
}

#[test]
fn idx() {
    let corpus = Corpus::of("idx");
    let read = |file: &[u8]| match Idx::decode(path(), file) {
        Ok(idx) => assert_eq!(idx.data.len(), idx.sizes.iter().product::<usize>()),
        Err(error) => judge(Err(error)),
    };
    check!().for_each(|bytes| corpus.each(bytes, read));
}
