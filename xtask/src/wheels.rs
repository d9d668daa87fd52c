//! Parts of wheels from PyPI. In: pinned wheels, and which of their libraries are wanted; out: a folder that has those, or a fix.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{disk, pip, workspace};

const UNPACK: &str = include_str!("unpack.py");

/// A wheel of PyPI.
pub(crate) struct Wheel {
    pub requirement: &'static str,
    pub bytes: u64,
    pub sha256: &'static str,
}

/// What a folder must hold, and the wheels it is taken from.
pub(crate) struct Parts {
    pub wheels: &'static [Wheel],
    pub libraries: &'static [&'static str],
}

impl Parts {
    /// What the folder's `STAMP` says: the wheels it was made of, and the size of each library.
    ///
    /// # Errors
    /// If a library is missing.
    pub(crate) fn stamp(&self, dir: &Path) -> Result<String> {
        let mut text: String = self.wheels.iter().map(|wheel| format!("{}\n", wheel.requirement)).collect();
        for library in self.libraries {
            let bytes = fs::metadata(dir.join(library)).with_context(|| format!("{library} is missing"))?.len();
            text += &format!("{library} {bytes}\n");
        }
        Ok(text)
    }

    /// Whether the folder was made whole, of today's wheels, and nothing was cut off since.
    pub(crate) fn are_in(&self, dir: &Path) -> bool {
        let stored = fs::read_to_string(dir.join("STAMP"));
        stored.is_ok_and(|stored| self.stamp(dir).is_ok_and(|now| now == stored))
    }

    /// Downloads the wheels into `private` and unpacks what is wanted, with its licences, into `out`.
    ///
    /// # Errors
    /// If pip fails: its words and the fix.
    pub(crate) fn fetch(&self, python: &str, private: &Path, out: &Path) -> Result<()> {
        let wheels = private.join("wheels");
        self.download(python, private, &wheels)?;
        workspace::output(Command::new(python).args(["-c", UNPACK]).arg(&wheels).arg(out).args(self.libraries))
            .context("the wheels cannot be unpacked")?;
        fs::write(out.join("STAMP"), self.stamp(out)?)?;
        println!("  unpacked {} MB", disk::size(out) / 1_000_000);
        Ok(())
    }

    fn download(&self, python: &str, private: &Path, wheels: &Path) -> Result<()> {
        let requirements = private.join("requirements.txt");
        let pinned = self.wheels.iter().map(|wheel| format!("{} --hash=sha256:{}\n", wheel.requirement, wheel.sha256));
        fs::write(&requirements, pinned.collect::<String>())?;
        let mut command = Command::new(python);
        command.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]);
        command.args([
            "--require-hashes",
            "--only-binary=:all:",
            "--implementation",
            "cp",
            "--python-version",
            "311",
            "--abi",
            "cp311",
            "--abi",
            "none",
        ]);
        for tag in ["2_28", "2_27", "2_26", "2_25", "2_24", "2_17", "2_12", "2014"] {
            let glibc = if tag == "2014" { "manylinux2014".to_string() } else { format!("manylinux_{tag}") };
            command.arg("--platform").arg(format!("{glibc}_x86_64"));
        }
        command.arg("--dest").arg(wheels).arg("--requirement").arg(&requirements);

        let total = self.wheels.iter().map(|wheel| wheel.bytes).sum::<u64>() / 1_000_000;
        let names: Vec<&str> = self.wheels.iter().map(|wheel| wheel.requirement).collect();
        let took = pip::watch(&mut command, private, "downloading", &names.join(", "), total)?;
        println!("  downloaded {total} MB from PyPI, sha256 checked, {} s", took.as_secs());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_stamp_speaks_for_every_library() {
        let parts = Parts { wheels: &[Wheel { requirement: "torch==2.13.0", bytes: 1, sha256: "" }], libraries: &["lib/a.so", "lib/b.so"] };
        let scratch = Scratch::new("stamp");
        let dir = scratch.path();
        assert!(parts.stamp(dir).is_err() && !parts.are_in(dir));
        fs::create_dir(dir.join("lib")).unwrap();
        for library in parts.libraries {
            fs::write(dir.join(library), "elf").unwrap();
        }
        assert!(!parts.are_in(dir), "no stamp");
        let text = parts.stamp(dir).unwrap();
        assert_eq!(text, "torch==2.13.0\nlib/a.so 3\nlib/b.so 3\n");
        fs::write(dir.join("STAMP"), &text).unwrap();
        assert!(parts.are_in(dir));
        fs::write(dir.join("STAMP"), text.replace("2.13.0", "2.12.0")).unwrap();
        assert!(!parts.are_in(dir), "older wheels");
        fs::write(dir.join("STAMP"), &text).unwrap();
        fs::write(dir.join("lib/b.so"), "e").unwrap();
        assert!(!parts.are_in(dir), "cut off");
    }
}
