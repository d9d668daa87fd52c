//! The plots. In: how training went, and a net to look into; out: files, each as SVG and PNG.

use std::path::Path;

use anyhow::Result;
use snn::data::Dataset;
use snn::plot::{Curve, FeatureMapConfig, MembraneConfig, Panel, Picture, RasterConfig, curves, feature_map, membrane, raster, sample};
use snn::prelude::no_grad;
use snn::train::Progress as Run;

use crate::net::Csnn;
use crate::training::curve;

/// The net learnt with `T` steps; it is watched for longer.
const WATCHED: usize = 32;

/// Loss and accuracy over epochs.
pub(crate) fn progress(run: &Run) -> Result<Picture> {
    let (loss, train, test) = (curve(run, "loss")?, curve(run, "train")?, curve(run, "test")?);
    let last = test.last().map_or(0.0, |&(_, percent)| percent);
    let panels = [
        Panel {
            title: "Training loss".into(),
            x_label: "epoch".into(),
            y_label: "cross-entropy (nats)".into(),
            curves: vec![Curve { name: "training images", points: &loss }],
            ..Panel::default()
        },
        Panel {
            title: format!("Accuracy, {last:.1} % at the end"),
            x_label: "epoch".into(),
            y_label: "right answers (%)".into(),
            curves: vec![Curve { name: "training images, moved", points: &train }, Curve { name: "test images", points: &test }],
            ..Panel::default()
        },
    ];
    Ok(curves(&panels)?)
}

/// What happens inside while one test image is shown.
pub(crate) struct Inside {
    /// Spikes of all layers.
    pub(crate) raster: Picture,
    /// Potentials of the layer that leaks.
    pub(crate) membrane: Picture,
    /// How often each cell of the first layer fires.
    pub(crate) feature_map: Picture,
}

/// Shows the first test image for longer than the net learnt to look.
pub(crate) fn inside(net: &Csnn, set: &Dataset, names: [&str; 10]) -> Result<Inside> {
    let (image, label) = (set.images.f_narrow(0, 0, 1)?, set.labels.f_int64_value(&[0])?);
    let x = Csnn::input(image)?;
    let (y, rec) = no_grad(|| net.forward_chunk_recorded(&x, WATCHED as i64, &mut net.state(1), false))?;
    let name = |class: i64| usize::try_from(class).ok().and_then(|c| names.get(c)).copied().unwrap_or("?");
    let shown = format!("Test image 0 ({}), answer: {}", name(label), name(y.f_argmax(-1, false)?.f_int64_value(&[0])?));
    let (sn1, sn2, sn3) = (sample(&rec.sn1.spikes, 0)?, sample(&rec.sn2.spikes, 0)?, sample(&rec.sn3.spikes, 0)?);

    let config = RasterConfig {
        subtitle: format!("{shown}; learnt with T = {}", Csnn::T),
        mark: Some((Csnn::T, format!("T = {}", Csnn::T))),
        ..RasterConfig::default()
    };
    let raster = raster(&[("sn1", &sn1), ("sn2", &sn2), ("sn3", &sn3)], &config)?;
    let title = format!("Membrane potential, spikes and resets. {shown}");
    let config = MembraneConfig { title, layer: "sn3".into(), ..MembraneConfig::default() };
    let membrane = membrane(&sample(&rec.sn3.voltage, 0)?, &sn3, &config)?;
    let config =
        FeatureMapConfig { title: "Firing rates of sn1, channel by channel".into(), subtitle: shown, ..FeatureMapConfig::default() };
    let feature_map = feature_map(&sn1.mean_over_time()?, &config)?;
    Ok(Inside { raster, membrane, feature_map })
}

impl Inside {
    /// Each by its name.
    pub(crate) fn pictures(&self) -> [(&'static str, &Picture); 3] {
        [("raster", &self.raster), ("membrane", &self.membrane), ("feature_map", &self.feature_map)]
    }

    pub(crate) fn save(&self, out: &Path) -> Result<()> {
        for (name, picture) in self.pictures() {
            picture.save_both(out.join(name))?;
        }
        Ok(())
    }
}
