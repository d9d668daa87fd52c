//! Damage. In: whole files, and bytes of a fuzzer; out: the bytes as a file, or one of the files with the changes that the bytes stand for.
//!
//! `cargo test` runs the targets of `tests/` on the files of their corpus and on a thousand inputs at random; `cargo xtask fuzz TARGET` runs one
//! as long as it is told, guided by coverage.

#![allow(unexpected_cfgs, reason = "`fuzzing` is set by cargo-bolero")]

use std::fs;
use std::path::Path;

/// Whole files of one kind.
pub struct Corpus(Vec<Vec<u8>>);

impl Corpus {
    /// The corpus of a target, `tests/__fuzz__/TARGET/corpus`: files that are read without an error, and those that once made a reader fail.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    pub fn of(target: &str) -> Corpus {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__").join(target).join("corpus");
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort(); // the same bytes are the same change on every machine
        assert!(!paths.is_empty(), "{} is empty", folder.display());
        Corpus(paths.iter().map(|path| fs::read(path).expect("a file of the corpus")).collect())
    }

    /// The files, as they are.
    pub fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Gives `read` the bytes as they are. A fuzzer that is guided by coverage changes the files of the corpus itself; bytes at random are
    /// refused by the first check of any reader, so they stand for changes of a file, too.
    pub fn each(&self, bytes: &[u8], read: impl Fn(&[u8])) {
        read(bytes);
        if !cfg!(fuzzing)
            && let [file, changes @ ..] = bytes
        {
            read(&damaged(&self.0[usize::from(*file) % self.0.len()], changes));
        }
    }
}

/// Numbers that lengths and counts go wrong with.
const ODD: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX];

/// A file with 1 to 8 changes: `changes` is their number, then 4 bytes each, which say what, where (2 bytes) and how.
#[must_use]
pub fn damaged(file: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let [count, changes @ ..] = changes else { return file };
    for &[what, high, low, how] in changes.as_chunks::<4>().0.iter().take(usize::from(count % 8) + 1) {
        // One in four near the start, where headers are.
        let reach = if what >= 192 { file.len().min(256) } else { file.len() };
        let at = (usize::from(u16::from_be_bytes([high, low])) * reach) >> 16;
        let len = (1 + usize::from(how)).min(file.len() - at);
        match what % 8 {
            0 | 1 => file[at..].iter_mut().take(1).for_each(|byte| *byte = how),
            2 => file[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (how % 8)),
            3 | 4 => {
                let odd = ODD[usize::from(how) % ODD.len()].to_le_bytes();
                let size = [1, 2, 4, 8][usize::from(how >> 4) % 4];
                let big = how & 8 != 0;
                let bytes = (0..size).map(|i| odd[if big { size - 1 - i } else { i }]);
                file[at..].iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
            }
            5 => file.truncate(at),
            6 => drop(file.drain(at..at + len)),
            _ => {
                let twice = file[at..at + len].to_vec();
                file.splice(at..at, twice);
            }
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::damaged;

    #[test]
    fn changes_are_what_the_bytes_say() {
        let file = [10, 11, 12, 13];
        assert_eq!(damaged(&file, &[]), file);
        assert_eq!(damaged(&file, &[0, 0, 0x40, 0, 99]), [10, 99, 12, 13]);
        assert_eq!(damaged(&file, &[0, 5, 0x80, 0, 0]), [10, 11]);
        assert_eq!(damaged(&file, &[0, 6, 0x40, 0, 1]), [10, 13]);
        assert_eq!(damaged(&file, &[0, 7, 0xc0, 0, 200]), [10, 11, 12, 13, 13]);
        assert_eq!(damaged(&file, &[1, 5, 0, 0, 0, 0, 0, 0, 7]), [0u8; 0]);
    }
}
