//! Large tensors that are not given back. In: one call; out: an allocator that keeps their pages.

/// Makes glibc keep the memory of freed large tensors, for the next ones; says whether it does.
///
/// libtorch frees each large tensor of a training step back to the kernel, and the next step gets fresh pages, which the kernel has to clear first:
/// for convolutional nets a fifth of the time and more (docs/performance.md). After this call, early in `main`, the process keeps what it once
/// needed until it ends. It holds for everything in the process that asks glibc's `malloc` (threads other than the first keep blocks below 64 MiB),
/// so it is the program's to decide, not the library's.
///
/// The same from outside: `MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=2147483647` in the environment. `false` where the allocator is not glibc's
/// (other systems, musl), or refuses.
pub fn keep_freed_memory() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: sets two numbers of the allocator, under its own lock.
        unsafe { libc::mallopt(libc::M_MMAP_MAX, 0) == 1 && libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX) == 1 }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// The first byte of a page that is not there is a fault; of one that was kept, none.
    #[test]
    fn what_was_freed_has_its_pages() {
        assert!(keep_freed_memory());
        let faults = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields: Vec<&str> = stat[stat.rfind(')').unwrap()..].split(' ').collect();
            fields[8].parse::<usize>().unwrap() // minflt
        };
        let touch = || {
            let start = faults();
            drop(std::hint::black_box(vec![1u8; 16 << 20]));
            faults() - start
        };
        touch();
        let again = touch();
        assert!(again < 400, "{again} faults for 4096 pages that were there");
    }
}
