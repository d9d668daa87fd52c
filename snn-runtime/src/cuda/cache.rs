//! Compiled kernels on disk. In: a text and what it is compiled for; out: the code, from a file if there is one.
//!
//! Files lie in `$SNN_CUDA_CACHE`, else in `snn/cuda` of the user's cache folder. Their name is the SHA-256 of all that the code depends on:
//! text, options, versions of NVRTC and driver. They appear whole or not at all. Where nothing can be written, each process compiles.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use sha2::{Digest, Sha256};

use super::driver::Gpu;
use super::nvrtc::Target;

/// A file of the cache, which need not be there.
#[derive(Debug)]
pub(super) struct Entry {
    file: Option<PathBuf>,
}

impl Entry {
    /// Where the code of `text` is.
    pub(super) fn new(text: &str, target: &Target, gpu: &Gpu) -> Entry {
        Entry { file: folder().map(|folder| folder.join(name(text, target, gpu.driver))) }
    }

    pub(super) fn read(&self) -> Option<Vec<u8>> {
        fs::read(self.file.as_ref()?).ok().filter(|code| !code.is_empty())
    }

    /// Another process may write the same file: the last one stays, and all are alike.
    pub(super) fn write(&self, code: &[u8]) {
        let Some(file) = &self.file else { return };
        if let Err(e) = put(file, code) {
            tracing::warn!("compiled CUDA kernels are not kept: {}: {e}", file.display());
        }
    }

    /// The file does not hold what it should.
    pub(super) fn remove(&self) {
        if let Some(file) = &self.file {
            // If it cannot be deleted, it is replaced.
            let _ = fs::remove_file(file);
        }
    }
}

fn folder() -> Option<PathBuf> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    of("SNN_CUDA_CACHE").or_else(|| Some(cache()?.join("snn/cuda")))
}

fn name(text: &str, target: &Target, driver: i32) -> String {
    let mut hash = Sha256::new();
    let versions = format!("{:?} {driver}", target.version);
    for part in target.options.iter().map(String::as_str).chain([versions.as_str(), text]) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put(file: &Path, code: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    let private = file.with_extension(format!("{}.tmp", process::id()));
    fs::write(&private, code)?;
    fs::rename(&private, file)
}
