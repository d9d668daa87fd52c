//! Two settings of the process that training speed hangs on. In: nothing; out: the same program again, with them set.
//!
//! - libtorch's OpenMP threads spin while they wait, on the cores that the kernels of snn, or another program, could use:
//!   measured on 2 busy cores, 55 images/s instead of 345.
//! - malloc gives large blocks back to the system and asks for them again in every layer; clearing new pages took a quarter of
//!   the time.
//!
//! Both libraries read their environment before `main`, so the program starts itself once more. A user's own values win.

/// Threads that sleep while they wait, and memory that is kept for the next batch.
const SETTINGS: [(&str, &str); 3] =
    [("OMP_WAIT_POLICY", "passive"), ("MALLOC_MMAP_THRESHOLD_", "4294967296"), ("MALLOC_TRIM_THRESHOLD_", "8589934592")];

/// Replaces the process, unless it has all settings.
#[cfg(target_os = "linux")]
pub(crate) fn ensure() {
    use std::os::unix::process::CommandExt;

    let missing = SETTINGS.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        // Comes back only if it could not; then it is merely slower.
        let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).envs(missing).exec();
        eprintln!("warning: slower than it could be: {error}");
    }
}

/// Other systems have other libraries.
#[cfg(not(target_os = "linux"))]
pub(crate) fn ensure() {}
