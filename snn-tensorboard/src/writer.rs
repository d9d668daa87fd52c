//! The event file. In: values, each with a tag and a step; out: a file that TensorBoard shows, whole at any moment.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::histogram::histogram;
use crate::image;
use crate::proto::Message;
use crate::record::record;

/// Files of one process have different names.
static FILES: AtomicU64 = AtomicU64::new(0);

/// Writes a run for TensorBoard: `tensorboard --logdir runs`.
///
/// Each call writes one record with one system call, so that what was written is not lost when the program is killed, and several writers may
/// share a folder: each has a file of its own.
///
/// torch equivalent: `torch.utils.tensorboard.SummaryWriter`, with the names of its methods.
///
/// ```
/// use snn_tensorboard::SummaryWriter;
///
/// # let folder = std::env::temp_dir().join(format!("snn-tensorboard-{}", std::process::id()));
/// let mut writer = SummaryWriter::new(folder.join("runs/first"))?;
/// for epoch in 0..3 {
///     writer.add_scalar("loss/train", 1.0 / (1.0 + epoch as f64), epoch)?;
/// }
/// writer.add_histogram("fc1.weight", &[0.1, -0.3, 0.2], 0)?;
/// writer.add_image("input", &[0.0, 0.5, 0.5, 1.0], [1, 2, 2], 0)?;
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), snn_tensorboard::Error>(())
/// ```
#[derive(Debug)]
pub struct SummaryWriter {
    path: PathBuf,
    file: File,
}

impl SummaryWriter {
    /// Makes the folder, if needed, and a new file in it. The folders below the one that `--logdir` names are its runs.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be made.
    pub fn new(log_dir: impl AsRef<Path>) -> Result<SummaryWriter> {
        let folder = log_dir.as_ref();
        fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.into(), source })?;
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host: String = host.trim().chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let host = if host.is_empty() { "localhost" } else { host.as_str() };
        let (seconds, number) = (now() as u64, FILES.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.{host}.{}.{number}", std::process::id()));
        let file =
            OpenOptions::new().append(true).create_new(true).open(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let mut writer = SummaryWriter { path, file };
        writer.write(Message::default().double(1, now()).bytes(3, b"brain.Event:2"))?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number at a step. Infinite ones and those that are not a number are written, too: TensorBoard marks them.
    ///
    /// # Errors
    ///
    /// The tag is empty, or the file cannot be written.
    pub fn add_scalar(&mut self, tag: &str, value: f64, global_step: i64) -> Result<()> {
        self.summary(tag, global_step, Message::default().float(2, value as f32))
    }

    /// How some numbers, of any shape, are distributed: weights, gradients, potentials.
    ///
    /// # Errors
    ///
    /// There are none, one is infinite or not a number, the tag is empty, or the file cannot be written.
    pub fn add_histogram(&mut self, tag: &str, values: &[f32], global_step: i64) -> Result<()> {
        let histogram = histogram(tag, values)?;
        self.summary(tag, global_step, Message::default().message(5, histogram))
    }

    /// An image: numbers from 0 to 1 of the shape `[C, H, W]`, one channel for grey, three for RGB, four for RGBA.
    ///
    /// # Errors
    ///
    /// The shape is another one or empty, a pixel is out of range, the tag is empty, or the file cannot be written.
    pub fn add_image(&mut self, tag: &str, pixels: &[f32], shape: [usize; 3], global_step: i64) -> Result<()> {
        let image = image::of_pixels(tag, pixels, shape)?;
        self.summary(tag, global_step, Message::default().message(4, image))
    }

    /// A picture, drawn as a PNG file: `raster(..)?.png()?` of `snn::plot`.
    ///
    /// # Errors
    ///
    /// The bytes are no PNG, the tag is empty, or the file cannot be written.
    pub fn add_figure(&mut self, tag: &str, png: &[u8], global_step: i64) -> Result<()> {
        let image = image::of_png(tag, png)?;
        self.summary(tag, global_step, Message::default().message(4, image))
    }

    /// Waits until the system has everything on the disk. Without it, only a crash of the machine loses something.
    ///
    /// # Errors
    ///
    /// The system says so.
    pub fn flush(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    fn summary(&mut self, tag: &str, step: i64, value: Message) -> Result<()> {
        if tag.is_empty() {
            return Err(Error::value(
                tag,
                "a tag has at least one letter",
                "name it `loss/train`: what stands before the `/` is its group",
            ));
        }
        let value = Message::default().bytes(1, tag.as_bytes()).and(value);
        let summary = Message::default().message(1, value);
        self.write(Message::default().double(1, now()).int64(2, step).message(5, summary))
    }

    fn write(&mut self, event: Message) -> Result<()> {
        let record = record(&event.into_bytes());
        self.file.write_all(&record).map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
