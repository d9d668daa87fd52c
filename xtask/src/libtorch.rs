//! In: the environment and the root. Out: which libtorch the build uses (torch-sys's own rules), and whether the one of
//! `.libtorch` is complete.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::version::Version;
use crate::wheels::{Parts, Wheel};
use crate::workspace;

/// What torch-sys 0.26 is written for.
pub(crate) const VERSION: Version = Version(2, 13, 0);

/// torch's wheel is the CUDA build, and its CPU library needs a library of each of the other two. `.libtorch` has the five, and the headers.
pub(crate) const PARTS: Parts = Parts {
    wheels: &[
        Wheel {
            requirement: "torch==2.13.0",
            bytes: 526_600_000,
            sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
        },
        Wheel {
            requirement: "nvidia-cuda-runtime==13.0.96",
            bytes: 2_200_000,
            sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        },
        Wheel {
            requirement: "nvidia-cuda-cupti==13.0.85",
            bytes: 10_700_000,
            sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        },
    ],
    libraries: &[
        "torch/lib/libtorch_cpu.so",
        "torch/lib/libc10.so",
        "torch/lib/libgomp.so.1",
        "nvidia/cu13/lib/libcudart.so.13",
        "nvidia/cu13/lib/libcupti.so.13",
    ],
};

/// Which libtorch the build uses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `LIBTORCH_USE_PYTORCH` is set: the torch of the user's Python (the way to CUDA).
    Python,
    /// `LIBTORCH` is set: the user's own.
    Own(PathBuf),
    /// The CPU part of the wheels, in `.libtorch`, where `cargo xtask setup` puts it.
    Local(PathBuf),
}

impl Source {
    /// What torch-sys will take. Under `cargo run`, `LIBTORCH` is always set: to `.libtorch/torch`, by `.cargo/config.toml`.
    pub(crate) fn of_environment(root: &Path) -> Source {
        Source::of(root, env::var_os("LIBTORCH_USE_PYTORCH").as_deref(), env::var_os("LIBTORCH").as_deref())
    }

    fn of(root: &Path, use_pytorch: Option<&OsStr>, libtorch: Option<&OsStr>) -> Source {
        let local = root.join(".libtorch");
        match (use_pytorch, libtorch) {
            (Some(_), _) => Source::Python, // torch-sys asks whether it is set, not what it is set to
            (None, Some(own)) if Path::new(own) != local.join("torch") => Source::Own(PathBuf::from(own)),
            (None, _) => Source::Local(local),
        }
    }

    /// The version of a libtorch that is not ours to install.
    ///
    /// # Errors
    /// If it is not there: the message ends with the fix.
    pub(crate) fn version(&self) -> Result<String> {
        match self {
            Source::Python => {
                // torch-sys asks the same interpreter.
                let python = if env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
                workspace::answer(Command::new(python).args(["-c", "import torch; print(torch.__version__)"])).with_context(|| {
                    format!("LIBTORCH_USE_PYTORCH is set, but `{python}` cannot import torch\n  fix: {python} -m pip install torch=={VERSION}   (or: unset LIBTORCH_USE_PYTORCH)")
                })
            }
            Source::Own(dir) => {
                let library = dir.join("lib/libtorch.so");
                anyhow::ensure!(
                    library.exists(),
                    "LIBTORCH is {}, but {} is not there\n  fix: unset LIBTORCH   (then `cargo xtask setup` installs one), or set it to a libtorch {VERSION}",
                    dir.display(),
                    library.display()
                );
                Ok(fs::read_to_string(dir.join("build-version"))
                    .map_or_else(|_| "of unknown version".to_string(), |text| text.trim().to_string()))
            }
            Source::Local(dir) => {
                anyhow::ensure!(is_ready(dir), "libtorch is not installed in {}\n  fix: cargo xtask setup", dir.display());
                Ok(VERSION.to_string())
            }
        }
    }
}

/// Whether the folder was installed whole, from today's wheels, and nothing was cut off since.
pub(crate) fn is_ready(dir: &Path) -> bool {
    PARTS.are_in(dir) && dir.join("torch/lib/libtorch.so").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_libtorch_wins() {
        let root = Path::new("/repo");
        let local = Source::Local("/repo/.libtorch".into());
        let of = |python: Option<&str>, libtorch: Option<&str>| Source::of(root, python.map(OsStr::new), libtorch.map(OsStr::new));
        assert_eq!(of(None, None), local);
        assert_eq!(of(None, Some("/repo/.libtorch/torch")), local);
        assert_eq!(of(None, Some("/opt/libtorch")), Source::Own("/opt/libtorch".into()));
        assert_eq!(of(Some("1"), Some("/opt/libtorch")), Source::Python);
        assert_eq!(of(Some("0"), None), Source::Python);
    }

    #[test]
    fn an_own_libtorch_that_is_not_there_is_an_error_with_a_fix() {
        let error = Source::Own("/nowhere".into()).version().unwrap_err().to_string();
        assert!(error.contains("LIBTORCH is /nowhere") && error.contains("fix: unset LIBTORCH"), "{error}");
        let error = Source::Local("/nowhere".into()).version().unwrap_err().to_string();
        assert!(error.ends_with("fix: cargo xtask setup"), "{error}");
    }
}
