//! Made-up recordings of an event camera, and a recurrent net that learns from them. In: the images of `data/fmnist-small`; out: how many of the
//! test images it knows.

use std::path::Path;

use anyhow::Result;
use snn::data::{Idx, SaccadesConfig, Sensor, SplitBy, integrate_events_by_fixed_frames_number as integrate, permutation, saccades};
use snn::prelude::*;

use crate::nets::FeedBackNet;

/// Frames of a recording.
pub(crate) const STEPS: usize = 10;
/// ON and OFF, 34 x 34.
pub(crate) const INPUTS: usize = 2 * 34 * 34;

const EPOCHS: u32 = 10;
const BATCH: usize = 20;
const LEARNING_RATE: f64 = 2e-3;
const SEED: u64 = 1;

type Net = FeedBackNet<INPUTS, 128, 10, STEPS>;

/// What the camera sees of each image, `[T, N, inputs]`, and the classes.
fn set(part: &str) -> Result<(Tensor, Tensor)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fmnist-small");
    let images = Idx::read(folder.join(format!("{part}-images-idx3-ubyte.gz")))?;
    let labels = Idx::read(folder.join(format!("{part}-labels-idx1-ubyte.gz")))?;
    let mut frames = Vec::new();
    for (i, image) in images.data.chunks_exact(28 * 28).enumerate() {
        let events = saccades(image, 28, 28, &SaccadesConfig::default(), SEED.wrapping_add(i as u64))?;
        let mut of_image = vec![0f32; STEPS * Sensor::N_MNIST.frame_len()];
        integrate(&events, SplitBy::Number, STEPS, &mut of_image)?;
        frames.extend(of_image);
    }
    let labels: Vec<i64> = labels.data.iter().map(|&label| i64::from(label)).collect();
    let x = Tensor::f_from_slice(&frames)?.f_view([labels.len() as i64, STEPS as i64, INPUTS as i64])?.f_transpose(0, 1)?;
    Ok((x, Tensor::f_from_slice(&labels)?))
}

/// Trains the net, and says how it does on images it has not seen.
pub(crate) fn learn() -> Result<()> {
    let ((x, labels), (test, test_labels)) = (set("train")?, set("t10k")?);
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Net::new(&vs.root())?;
    let mut optimizer = nn::Adam::default().build(&vs, LEARNING_RATE)?;
    let n = labels.numel();
    println!("\n{n} made-up recordings to learn from, {} to test", test_labels.numel());
    for epoch in 0..EPOCHS {
        let order: Vec<i64> = permutation(n, SEED, epoch).into_iter().map(|i| i as i64).collect();
        let mut loss_sum = 0.0;
        for batch in order.chunks(BATCH) {
            let batch = Tensor::f_from_slice(batch)?;
            let y = net.forward_t(&Net::input(x.f_index_select(1, &batch)?)?, true)?;
            let loss = y.f_cross_entropy_loss::<&Tensor>(&labels.f_index_select(0, &batch)?, None, tch::Reduction::Mean, -100, 0.0)?;
            optimizer.backward_step(&loss);
            loss_sum += loss.f_double_value(&[])? * batch.numel() as f64;
        }
        let y = no_grad(|| net.forward(&Net::input(test.shallow_clone())?))?;
        let right = 100.0 * snn::train::accuracy(&y, &test_labels)?;
        println!("epoch {:2}: loss {:.3}, test {right:.1} %", epoch + 1, loss_sum / n as f64);
    }
    Ok(())
}
