//! Room on the disk. In: a folder; out: what its files take, and what its file system has left.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::workspace;

/// Fails if the file system of `folder` has less than `needs` MB left for what will be `target`, which keeps `leaves` MB of them.
///
/// # Errors
/// If there is less; where `df` cannot tell, there is enough.
pub(crate) fn ensure_free(folder: &Path, target: &Path, needs: u64, leaves: u64) -> Result<()> {
    if let Some(free) = free_mb(folder) {
        ensure!(
            free >= needs,
            "{free} MB are free beside {}, the installation needs {needs} MB (and leaves {leaves})\n  fix: make room there",
            target.display()
        );
    }
    Ok(())
}

/// Bytes in the files under the folder; what vanishes meanwhile counts nothing.
pub(crate) fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(meta, path)| if meta.is_dir() { size(&path) } else { meta.len() })
        .sum()
}

/// Free space on the file system of the folder, if `df` can tell.
pub(crate) fn free_mb(dir: &Path) -> Option<u64> {
    available_mb(&workspace::answer(Command::new("df").args(["-Pk"]).arg(dir))?)
}

/// The fourth column of the last line, in KiB.
fn available_mb(df: &str) -> Option<u64> {
    let kib: u64 = df.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib * 1024 / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn df_is_read_by_column() {
        let df =
            "Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/vda         263174212 14412480  81788864      15% /\n";
        assert_eq!(available_mb(df), Some(83751));
        assert_eq!(available_mb("df: no such file"), None);
    }

    #[test]
    fn size_counts_files_in_folders() {
        let scratch = Scratch::new("size");
        fs::create_dir_all(scratch.path().join("a/b")).unwrap();
        fs::write(scratch.path().join("a/one"), [0; 10]).unwrap();
        fs::write(scratch.path().join("a/b/two"), [0; 5]).unwrap();
        assert_eq!(size(scratch.path()), 15);
        assert_eq!(size(&scratch.path().join("gone")), 0);
    }
}
