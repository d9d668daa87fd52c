//! Compiled, never run. In: nets that `cargo xtask goldens` asks the compiler about; out: the compiler's errors.

#[allow(missing_docs, unreachable_pub, dead_code, clippy::all, reason = "generated")]
mod generated {
    include!(env!("SNN_GOLDENS_PROBE"));
}

fn main() {}
