//! Do others read our event files? In: a run with a value of each kind; out: what a plain reader of records finds, and what TensorBoard
//! itself finds, which pip installs once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use snn_tensorboard::{Result, SummaryWriter};

/// What TensorBoard needs to read files; all by version, nothing that pip would add.
const PACKAGES: [&str; 6] =
    ["tensorboard==2.21.0", "protobuf==7.36.2", "numpy==2.4.6", "absl-py==2.5.1", "packaging==26.4", "setuptools==84.2.1"];

/// A folder of its own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// A value of each kind.
fn write(folder: &Path) -> Result<PathBuf> {
    let mut writer = SummaryWriter::new(folder)?;
    for step in 0..5 {
        writer.add_scalar("loss/train", 1.0 / (1.0 + step as f64), 10 * step)?;
    }
    writer.add_scalar("loss/test", f64::NAN, -1)?;
    writer.add_histogram("fc1.weight", &[-2.0, -0.5, 0.0, 0.25, 0.25, 3.0], 7)?;
    writer.add_image("grey", &[0.0, 0.5, 1.0, 0.25, 0.75, 1.0], [1, 2, 3], 1)?;
    let rgb: Vec<f32> = (0..3 * 4 * 5).map(|i| i as f32 / 59.0).collect();
    writer.add_image("rgb", &rgb, [3, 4, 5], 2)?;
    writer.add_figure("figure", include_bytes!("figure.png"), 3)?;
    writer.flush()?;
    Ok(writer.path().to_path_buf())
}

/// The records of a file, by their frames. (CRC-32C bit by bit: the reader shares nothing with the writer.)
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    fn masked(bytes: &[u8]) -> u32 {
        let crc = bytes.iter().fold(!0u32, |crc, &b| (0..8).fold(crc ^ u32::from(b), |c, _| (c >> 1) ^ ((c & 1) * 0x82f6_3b78)));
        let crc = !crc;
        crc.rotate_right(15).wrapping_add(0xa282_ead8)
    }
    let u32_at = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut records = Vec::new();
    while bytes.len() >= 12 {
        let n = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(u32_at(bytes, 8), masked(&bytes[..8]));
        if bytes.len() < 16 + n {
            break;
        }
        assert_eq!(u32_at(bytes, 12 + n), masked(&bytes[12..12 + n]));
        records.push(bytes[12..12 + n].to_vec());
        bytes = &bytes[16 + n..];
    }
    records
}

#[test]
fn a_file_is_whole_records_at_any_moment() -> Result<()> {
    let folder = folder("records");
    let path = write(&folder)?;
    let bytes = fs::read(&path).unwrap();
    let all = records(&bytes);
    assert_eq!(all.len(), 1 + 5 + 1 + 1 + 3);
    assert!(all[0].ends_with(b"brain.Event:2"));
    // Cut anywhere, what stands before the cut is whole.
    assert_eq!(records(&bytes[..bytes.len() - 1]), all[..10]);

    // Nothing waits in memory: a second writer has its own file, and both are on the disk while they are open.
    let mut writer = SummaryWriter::new(&folder)?;
    assert_ne!(writer.path(), path);
    writer.add_scalar("x", 1.0, 0)?;
    assert_eq!(records(&fs::read(writer.path()).unwrap()).len(), 2);
    Ok(())
}

#[test]
fn what_could_not_be_shown_is_refused() -> Result<()> {
    let mut writer = SummaryWriter::new(folder("refused"))?;
    let empty = fs::read(writer.path()).unwrap();
    let says = |result: Result<()>, wants: &str| {
        let problem = result.unwrap_err().to_string();
        assert!(problem.contains(wants), "{problem}");
    };
    says(writer.add_scalar("", 1.0, 0), "a tag has at least one letter");
    says(writer.add_histogram("w", &[], 0), "`w`: a histogram of no numbers");
    says(writer.add_histogram("w", &[0.0, f32::NAN], 0), "number 1 is NaN");
    says(writer.add_image("i", &[0.0; 4], [2, 1, 2], 0), "wants 1, 3 or 4 channels, [C, H, W], but gets 2");
    says(writer.add_image("i", &[0.0; 4], [1, 1, 3], 0), "an image of [1, 1, 3] wants as many pixels, but gets 4");
    says(writer.add_image("i", &[], [1, 0, 3], 0), "at least 1 x 1");
    says(writer.add_image("i", &[1.5], [1, 1, 1], 0), "pixels are from 0 to 1, but number 0 is 1.5");
    says(writer.add_image("i", &[f32::NAN], [1, 1, 1], 0), "number 0 is NaN");
    says(writer.add_figure("f", b"GIF89a", 0), "a figure is a PNG file");
    // What was refused left nothing behind.
    assert_eq!(fs::read(writer.path()).unwrap(), empty);
    let file = writer.path().to_path_buf();
    assert!(SummaryWriter::new(file.join("below")).unwrap_err().to_string().contains("below: Not a directory"));
    Ok(())
}

/// TensorBoard's own reader, in a folder that pip fills once. None where pip cannot.
fn tensorboard(python: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tensorboard-2.21.0");
    if place.exists() {
        return Some(place);
    }
    // Whole or not at all: another name until it is finished.
    let unfinished = folder(&format!("tensorboard-{}", std::process::id()));
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check", "--root-user-action=ignore"]);
    let pip = pip.args(["--retries", "1", "--timeout", "20", "--target"]).arg(&unfinished).args(PACKAGES).output();
    match pip {
        Ok(out) if out.status.success() => fs::rename(&unfinished, &place).ok().map(|()| place),
        Ok(out) => {
            aloud(&format!("skipped: pip does not give TensorBoard: {}", String::from_utf8_lossy(&out.stderr).trim()));
            None
        }
        Err(problem) => {
            aloud(&format!("skipped: {python} does not run: {problem}"));
            None
        }
    }
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn aloud(says: &str) {
    let _ = writeln!(std::io::stderr(), "tensorboard_reads_it: {says}");
}

#[test]
fn tensorboard_reads_it() -> Result<()> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let Some(packages) = tensorboard(&python) else { return Ok(()) };
    let run = folder("run");
    write(&run)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read.py");
    let out = Command::new(&python).arg(script).arg(&run).env("PYTHONPATH", packages).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();

    let losses: Vec<(i64, f64)> = serde_json::from_value(found["scalars"]["loss/train"].clone()).unwrap();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert_eq!(losses.iter().map(|l| l.0).collect::<Vec<_>>(), [0, 10, 20, 30, 40]);
    assert!(losses.iter().enumerate().all(|(i, l)| close(l.1, 1.0 / (1.0 + i as f64))), "{losses:?}");
    assert_eq!(found["scalars"]["loss/test"], serde_json::json!([[-1, "nan"]]));

    let histogram = &found["histograms"]["fc1.weight"];
    assert_eq!(histogram["step"], 7);
    for (what, wants) in [("min", -2.0), ("max", 3.0), ("num", 6.0), ("sum", 1.0), ("sum_squares", 13.375)] {
        assert!(close(histogram[what].as_f64().unwrap(), wants), "{what}: {histogram}");
    }
    // Every value lies below the limit of its bucket, and not below that of the one before.
    let limits: Vec<f64> = serde_json::from_value(histogram["bucket_limit"].clone()).unwrap();
    let counts: Vec<f64> = serde_json::from_value(histogram["bucket"].clone()).unwrap();
    let mut wants = vec![0.0; limits.len()];
    for v in [-2.0, -0.5, 0.0, 0.25, 0.25, 3.0] {
        wants[limits.iter().position(|&limit| v < limit).unwrap()] += 1.0;
    }
    assert_eq!((counts[0], &counts), (0.0, &wants));

    let image =
        |tag: &str| (found["images"][tag]["step"].clone(), found["images"][tag]["size"].clone(), found["images"][tag]["png"].clone());
    assert_eq!(image("grey"), (1.into(), serde_json::json!([2, 3]), true.into()));
    assert_eq!(image("rgb"), (2.into(), serde_json::json!([4, 5]), true.into()));
    assert_eq!(image("figure"), (3.into(), serde_json::json!([2, 2]), true.into()));
    Ok(())
}
