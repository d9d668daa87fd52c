//! The runner. In: the nets that `cargo xtask goldens` generated and the plan it wrote; out: one line of JSON per case.

use std::path::PathBuf;

use anyhow::Context;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    include!(env!("SNN_GOLDENS_CASES"));
}

fn main() -> anyhow::Result<()> {
    let plan = std::env::args_os().nth(1).map(PathBuf::from).context("usage: golden-cases PLAN.json (written by `cargo xtask goldens`)")?;
    snn_goldens::run(&plan, generated::NETS, generated::FUNCTIONS)
}
