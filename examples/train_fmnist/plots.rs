//! The plots. In: what training and a recorded pass gave; out: files, each as SVG and PNG.
use std::path::Path;

use anyhow::Result;
use snn::data::Dataset;

use crate::Csnn;
use crate::training::History;

pub(crate) fn curves(_out: &Path, _history: &History) -> Result<()> {
    Ok(())
}
pub(crate) fn spikes(_out: &Path, _net: &Csnn, _set: &Dataset, _names: [&str; 10]) -> Result<()> {
    Ok(())
}
