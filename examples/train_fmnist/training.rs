//! Training and testing. In: the net and images; out: a trained net, and how it went.

use std::f64::consts::PI;
use std::fmt;
use std::time::Instant;

use anyhow::Result;
use snn::data::Dataset;
use snn::monitor::FiringRate;
use snn::prelude::*;
use snn::tensorboard::{SummaryWriter, TensorSummaries};

use crate::net::{Csnn, CsnnFrozen, CsnnRecording};
use crate::progress::Progress;

/// Every so many batches the spikes are recorded as well.
const RECORD_EVERY: usize = 20;
/// What the loss wants of the right class: not quite all, so that it is not overconfident.
const LABEL_SMOOTHING: f64 = 0.1;
const WEIGHT_DECAY: f64 = 0.01;

/// How to train.
pub(crate) struct Recipe {
    pub(crate) epochs: u32,
    pub(crate) batch: usize,
    /// The highest one: it rises during the first tenth, then falls as half a cosine.
    pub(crate) learning_rate: f64,
    /// Images are shifted at random by up to so many pixels each way.
    pub(crate) shift: i64,
    /// Every other image is mirrored, at random.
    pub(crate) mirror: bool,
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recipe { epochs, batch, shift, .. } = self;
        let mirror = if self.mirror { " and mirrored" } else { "" };
        write!(f, "{epochs} epochs in batches of {batch}, shifted by up to {shift} px{mirror} at random")
    }
}

impl Recipe {
    /// Batches of an epoch.
    pub(crate) fn steps(&self, images: &Dataset) -> usize {
        images.len().div_ceil(self.batch)
    }

    /// The learning rate after a share of the training, from 0 to 1.
    fn rate(&self, done: f64) -> f64 {
        let shape = if done < 0.1 { done / 0.1 } else { 0.5 + 0.5 * (PI * (done - 0.1) / 0.9).cos() };
        self.learning_rate * shape.max(0.01)
    }

    /// `[N, 1, H, W]`, each image moved and mirrored in its own way. Random numbers are torch's, drawn on one thread.
    fn augment(&self, images: &Tensor) -> Result<Tensor> {
        let size = images.size();
        let (n, place) = (size[0], (Kind::Float, Device::Cpu));
        // Where an output pixel comes from, in coordinates from -1 to 1: `x * mirror + dx, y + dy`.
        let theta = Tensor::f_zeros([n, 2, 3], place)?;
        let mirror = if self.mirror { Tensor::f_randint(2, [n], place)? * 2.0 - 1.0 } else { Tensor::f_ones([n], place)? };
        theta.select(1, 0).select(1, 0).f_copy_(&mirror)?;
        let _ = theta.select(1, 1).select(1, 1).f_fill_(1.0)?;
        for (axis, pixels) in [(0, size[3]), (1, size[2])] {
            let shift = Tensor::f_randint_low(-self.shift, self.shift + 1, [n], place)? * (2.0 / pixels as f64);
            theta.select(1, axis).select(1, 2).f_copy_(&shift)?;
        }
        let grid = Tensor::f_affine_grid_generator(&theta, &size, false)?;
        Ok(images.f_grid_sampler(&grid, 0, 0, false)?)
    }
}

/// How the training went. Time is in epochs.
#[derive(Default)]
pub(crate) struct History {
    /// Mean loss since the point before.
    pub(crate) loss: Vec<(f64, f64)>,
    /// Accuracy on the training images as they came, since the point before, in percent.
    pub(crate) train: Vec<(f64, f64)>,
    /// Accuracy on the test images, in percent.
    pub(crate) test: Vec<(f64, f64)>,
    images: usize,
    seconds: f64,
}

impl History {
    /// Without the tests.
    pub(crate) fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds
    }
}

/// Sums over some batches.
#[derive(Default)]
pub(crate) struct Tally {
    images: f64,
    loss: f64,
    right: f64,
}

impl Tally {
    fn add(&mut self, outputs: &Tensor, labels: &Tensor, loss: &Tensor) -> Result<()> {
        let n = labels.numel() as f64;
        self.images += n;
        self.loss += n * loss.f_double_value(&[])?;
        self.right += n * snn::train::accuracy(outputs, labels)?;
        Ok(())
    }

    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.images
    }

    pub(crate) fn percent(&self) -> f64 {
        100.0 * self.right / self.images
    }
}

/// The spiking layers of a recorded pass.
fn firing(rec: &CsnnRecording) -> Result<Vec<FiringRate>> {
    let layers = [("sn1", &rec.sn1.spikes), ("sn2", &rec.sn2.spikes), ("sn3", &rec.sn3.spikes)];
    Ok(layers.into_iter().map(|(name, spikes)| FiringRate::of(name, spikes)).collect::<snn::Result<_>>()?)
}

/// Trains `net`, whose weights are in `vs`; shows how it goes, and writes it for TensorBoard.
pub(crate) fn train(
    net: &Csnn,
    vs: &nn::VarStore,
    images: &Dataset,
    test: &Dataset,
    recipe: &Recipe,
    seed: u64,
    writer: &mut SummaryWriter,
) -> Result<History> {
    let mut optimizer = nn::AdamW { wd: WEIGHT_DECAY, ..Default::default() }.build(vs, recipe.learning_rate)?;
    let steps = recipe.steps(images);
    let total = steps * recipe.epochs as usize;
    // About a hundred points of the curves.
    let piece_steps = (total / 100).max(1);
    let mut piece = Tally::default();
    let mut history = History::default();
    let mut progress = Progress::new(recipe.epochs, total);
    for epoch in 0..recipe.epochs {
        let start = Instant::now();
        let mut sum = Tally::default();
        for (i, batch) in images.shuffled(recipe.batch, seed, epoch)?.enumerate() {
            let (x, labels) = batch?;
            let x = Csnn::input(recipe.augment(&x)?)?;
            let y = if i % RECORD_EVERY == 0 {
                let (y, rec) = net.forward_recorded(&x, true)?;
                let rates = firing(&rec)?;
                for FiringRate { layer, rate } in &rates {
                    writer.add_scalar(&format!("firing rate/{layer}"), *rate, (epoch as usize * steps + i) as i64)?;
                }
                progress.fires(rates);
                y
            } else {
                net.forward_t(&x, true)?
            };
            let loss = y.f_cross_entropy_loss::<&Tensor>(&labels, None, tch::Reduction::Mean, -100, LABEL_SMOOTHING)?;
            let step = epoch as usize * steps + i;
            optimizer.set_lr(recipe.rate(step as f64 / total as f64));
            optimizer.zero_grad();
            loss.f_backward()?;
            optimizer.step();

            sum.add(&y, &labels, &loss)?;
            piece.add(&y, &labels, &loss)?;
            if (step + 1).is_multiple_of(piece_steps) || step + 1 == total {
                let (after, piece) = ((step + 1) as f64 / steps as f64, std::mem::take(&mut piece));
                writer.add_scalar("loss/train", piece.loss(), step as i64)?;
                writer.add_scalar("accuracy/train", piece.percent(), step as i64)?;
                writer.add_scalar("learning rate", recipe.rate(step as f64 / total as f64), step as i64)?;
                history.loss.push((after, piece.loss()));
                history.train.push((after, piece.percent()));
            }
            let speed = sum.images / start.elapsed().as_secs_f64();
            progress.step(epoch, step + 1, &sum, speed);
        }
        let seconds = start.elapsed().as_secs_f64();
        history.images += images.len();
        history.seconds += seconds;
        let tested = 100.0 * evaluate(net, test)?.accuracy();
        writer.add_scalar("accuracy/test", tested, (steps * (epoch as usize + 1)) as i64)?;
        writer.add_variables(vs, (steps * (epoch as usize + 1)) as i64)?;
        history.test.push((f64::from(epoch + 1), tested));
        progress.epoch(epoch, &sum, tested, images.len() as f64 / seconds);
    }
    progress.finish();
    Ok(history)
}

/// What the net says of each image.
#[derive(Debug, PartialEq)]
pub(crate) struct Answers {
    pub(crate) classes: Vec<i64>,
    right: usize,
}

impl Answers {
    /// The share that is right, from 0 to 1.
    pub(crate) fn accuracy(&self) -> f64 {
        self.right as f64 / self.classes.len() as f64
    }
}

impl Answers {
    fn new(classes: Vec<i64>, set: &Dataset) -> Result<Answers> {
        let labels = Vec::<i64>::try_from(&set.labels)?;
        let right = classes.iter().zip(&labels).filter(|(a, b)| a == b).count();
        Ok(Answers { classes, right })
    }
}

/// Images that the net is asked about at once.
const TESTED: usize = 250;

/// Asks the net about all images of a set.
pub(crate) fn evaluate(net: &Csnn, set: &Dataset) -> Result<Answers> {
    no_grad(|| {
        let mut classes = Vec::new();
        for batch in set.batches(TESTED)? {
            let y = net.forward(&Csnn::input(batch?.0)?)?;
            classes.extend(Vec::<i64>::try_from(y.f_argmax(1, false)?)?);
        }
        Answers::new(classes, set)
    })
}

/// The same of the frozen net.
pub(crate) fn evaluate_frozen(net: &mut CsnnFrozen, set: &Dataset) -> Result<Answers> {
    let mut classes = Vec::new();
    for batch in set.batches(TESTED)? {
        let images = batch?.0;
        let x = Vec::<f32>::try_from(images.f_reshape([-1])?)?;
        let mut y = vec![0.0; images.size()[0] as usize * 10];
        net.infer(&x, &mut y)?;
        classes.extend(Vec::<i64>::try_from(Tensor::f_from_slice(&y)?.f_view([-1, 10])?.f_argmax(1, false)?)?);
    }
    Answers::new(classes, set)
}
