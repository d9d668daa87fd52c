//! Folders that appear whole or not at all. In: a target folder and work that fills a private one beside it. Out: the target,
//! put there by one rename.
//!
//! A lock file keeps two processes apart. The kernel drops it when its holder dies, however it dies, so whoever holds it may
//! delete every private folder it finds: their owners are gone.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A private folder beside `target`, on the same file system; deleted with the value.
pub(crate) struct Staging {
    target: PathBuf,
    private: PathBuf,
    _lock: File,
}

impl Staging {
    /// Waits until no other process works on `target`, clears what killed ones left behind, and makes an empty private folder.
    ///
    /// # Errors
    /// If the folder of `target` cannot be written.
    pub(crate) fn open(target: &Path) -> Result<Staging> {
        let parent = target.parent().context("the target is in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let path = beside(target, ".lock")?;
        let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let locked = match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                println!("another `cargo xtask` is filling {}: waiting for it", target.display());
                lock.lock().is_ok()
            }
            other => other.is_ok(),
        };
        // Where locks are not supported (some network file systems), the private folders may be in use: they stay.
        if locked {
            clear_leftovers(target)?;
        }
        let private = beside(target, &format!(".tmp{}", std::process::id()))?;
        if private.exists() {
            fs::remove_dir_all(&private).with_context(|| format!("cannot delete {}", private.display()))?;
        }
        fs::create_dir(&private).with_context(|| format!("cannot make {}", private.display()))?;
        Ok(Staging { target: target.to_path_buf(), private, _lock: lock })
    }

    /// The private folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.private
    }

    /// Puts `out`, a folder inside the private one, in the place of the target. If another process was faster (possible only
    /// where locks are not supported) and its result is `complete`, that one stays.
    ///
    /// # Errors
    /// If a rename fails.
    pub(crate) fn publish(self, out: &Path, complete: impl Fn(&Path) -> bool) -> Result<()> {
        let target = &self.target;
        if target.symlink_metadata().is_ok() {
            fs::rename(target, self.private.join("old")).with_context(|| format!("cannot move the old {} away", target.display()))?;
        }
        match fs::rename(out, target) {
            Ok(()) => Ok(()),
            Err(_) if complete(target) => Ok(()),
            Err(error) => bail!("cannot rename {} to {}: {error}", out.display(), target.display()),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be deleted now is deleted by the next run.
        let _ = fs::remove_dir_all(&self.private);
    }
}

/// `dir/.name.suffix` for `dir/name`: hidden, and on the same file system.
fn beside(target: &Path, suffix: &str) -> Result<PathBuf> {
    let name = target.file_name().context("the target has a name")?.to_string_lossy();
    Ok(target.with_file_name(format!(".{}{suffix}", name.trim_start_matches('.'))))
}

fn clear_leftovers(target: &Path) -> Result<()> {
    let prefix = beside(target, ".tmp")?;
    let prefix = prefix.file_name().context("the target has a name")?.to_string_lossy();
    let parent = target.parent().context("the target is in a folder")?;
    for entry in fs::read_dir(parent).with_context(|| format!("cannot read {}", parent.display()))? {
        let path = entry?.path();
        let owner = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(&*prefix));
        if owner.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())) {
            // A child that outlived its killed parent may be writing there: what it adds meanwhile takes another try.
            let _ = (0..3).any(|_| fs::remove_dir_all(&path).is_ok());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn publishes_whole_folders_and_cleans_up() {
        let scratch = Scratch::new("publishes");
        let target = scratch.path().join("set");
        for text in ["first", "second"] {
            let staging = Staging::open(&target).unwrap();
            let out = staging.dir().join("out");
            fs::create_dir(&out).unwrap();
            fs::write(out.join("file"), text).unwrap();
            staging.publish(&out, |_| false).unwrap();
            assert_eq!(fs::read_to_string(target.join("file")).unwrap(), text);
        }
        assert_eq!(names(scratch.path()), [".set.lock", "set"]);
    }

    #[test]
    fn clears_what_the_dead_left_and_nothing_else() {
        let scratch = Scratch::new("clears");
        for name in [".set.tmp1", ".set.tmp22", ".set.tmpl", ".settings.tmp1", "set"] {
            fs::create_dir(scratch.path().join(name)).unwrap();
            fs::write(scratch.path().join(name).join("file"), "x").unwrap();
        }
        drop(Staging::open(&scratch.path().join("set")).unwrap());
        assert_eq!(names(scratch.path()), [".set.lock", ".set.tmpl", ".settings.tmp1", "set"]);
    }

    #[test]
    fn a_second_process_waits() {
        let scratch = Scratch::new("waits");
        let target = scratch.path().join("set");
        let staging = Staging::open(&target).unwrap();
        let second = std::thread::spawn({
            let target = target.clone();
            move || Staging::open(&target).map(|staging| names(staging.dir().parent().unwrap())).unwrap()
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!second.is_finished());
        drop(staging);
        assert!(second.join().unwrap().contains(&".set.lock".to_string()));
    }

    #[test]
    fn keeps_a_complete_winner() {
        let scratch = Scratch::new("winner");
        let staging = Staging::open(&scratch.path().join("set")).unwrap();
        let gone = staging.dir().join("never-made");
        assert!(staging.publish(&gone, |_| true).is_ok());
    }
}
