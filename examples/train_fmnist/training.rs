//! Training and testing. In: the net and images; out: a trained net, and how it went.

use std::fmt;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use snn::data::Dataset;
use snn::monitor::FiringRate;
use snn::prelude::*;
use snn::tensorboard::{SummaryWriter, TensorSummaries};
use snn::train::{Adam, AdamConfig, Checkpoint, LRScheduler, OneCycleLR, Progress as Run};

use crate::net::{Csnn, CsnnFrozen};
use crate::progress::Progress;

/// Every so many batches the spikes are recorded as well.
const RECORD_EVERY: usize = 20;
/// What the loss wants of the right class: not quite all, so that it is not overconfident.
const LABEL_SMOOTHING: f64 = 0.1;
const ADAM_W: AdamConfig = AdamConfig { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01, decoupled_weight_decay: true };

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

/// A curve of how the training went, as points: the epoch, and the value there. `loss` is the mean since the point before, `train` the accuracy on the
/// training images as they came, `test` that on the test images, both in percent.
pub(crate) fn curve(run: &Run, name: &str) -> Result<Vec<(f64, f64)>> {
    let numbers = run.notes.get(name).map(Vec::as_slice).unwrap_or_default();
    let (points, rest) = numbers.as_chunks::<2>();
    ensure!(
        rest.is_empty(),
        "the curve `{name}` of the run has {} numbers, which are not pairs of an epoch and a value\n  help: start without `--resume`",
        numbers.len()
    );
    Ok(points.iter().map(|&[epoch, value]| (epoch, value)).collect())
}

fn note(run: &mut Run, name: &str, epoch: f64, value: f64) {
    run.notes.entry(name.into()).or_default().extend([epoch, value]);
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

/// Trains `net`, whose weights are in `vs`; shows how it goes, and writes it for TensorBoard. The run is saved as `checkpoint` after each epoch; it starts
/// there if it is to `resume`.
pub(crate) fn train(
    net: &Csnn,
    vs: &nn::VarStore,
    images: &Dataset,
    test: &Dataset,
    recipe: &Recipe,
    checkpoint: &Checkpoint,
    resume: bool,
    writer: &mut SummaryWriter,
) -> Result<Run> {
    let steps = recipe.steps(images);
    let total = steps * recipe.epochs as usize;
    let mut optimizer = Adam::new(vs, ADAM_W)?;
    let schedule = OneCycleLR { pct_start: 0.1, ..OneCycleLR::new(recipe.learning_rate, total as u64 + 1) };
    let mut scheduler = LRScheduler::new(schedule, &mut optimizer, recipe.learning_rate)?;
    let mut run = if resume { checkpoint.load(vs, &mut optimizer, Some(&mut scheduler))? } else { Run::default() };
    let plan = vec![f64::from(recipe.epochs), steps as f64];
    let planned = run.notes.entry("plan".into()).or_insert_with(|| plan.clone());
    if *planned != plan {
        let [epochs, batches] = planned[..] else {
            let n = planned.len();
            bail!("the plan of the run has {n} numbers, which are not its epochs and batches\n  help: start without `--resume`");
        };
        bail!("the run had {epochs} epochs of {batches} batches\n  help: give `--data` and `--epochs` as it had them");
    }
    // What cannot be drawn is told before the training, not behind it.
    for name in ["loss", "train", "test"] {
        curve(&run, name)?;
    }
    // About a hundred points of the curves.
    let piece_steps = (total / 100).max(1);
    let mut piece = Tally::default();
    let mut progress = Progress::new(recipe.epochs, total, run.epoch as usize * steps);
    for epoch in run.epoch..recipe.epochs {
        let start = Instant::now();
        let mut sum = Tally::default();
        for (i, batch) in images.shuffled(recipe.batch, snn::initial_seed(), epoch)?.enumerate() {
            let (x, labels) = batch?;
            let x = Csnn::input(recipe.augment(&x)?)?;
            let y = if i % RECORD_EVERY == 0 {
                let (y, rec) = net.forward_recorded(&x, true)?;
                let rates = rec.firing_rates()?.layers;
                for FiringRate { layer, rate, .. } in &rates {
                    writer.add_scalar(&format!("firing rate/{layer}"), *rate, (epoch as usize * steps + i) as i64)?;
                }
                progress.fires(rates);
                y
            } else {
                net.forward_t(&x, true)?
            };
            let loss = y.f_cross_entropy_loss::<&Tensor>(&labels, None, tch::Reduction::Mean, -100, LABEL_SMOOTHING)?;
            optimizer.zero_grad();
            loss.f_backward()?;
            optimizer.step()?;
            scheduler.step(&mut optimizer)?;

            sum.add(&y, &labels, &loss)?;
            piece.add(&y, &labels, &loss)?;
            let step = epoch as usize * steps + i + 1;
            if step.is_multiple_of(piece_steps) || i + 1 == steps {
                let (after, piece) = (step as f64 / steps as f64, std::mem::take(&mut piece));
                writer.add_scalar("loss/train", piece.loss(), step as i64)?;
                writer.add_scalar("accuracy/train", piece.percent(), step as i64)?;
                writer.add_scalar("learning rate", scheduler.get_last_lr(), step as i64)?;
                note(&mut run, "loss", after, piece.loss());
                note(&mut run, "train", after, piece.percent());
            }
            progress.step(epoch, step, &sum, sum.images / start.elapsed().as_secs_f64());
        }
        let speed = sum.images / start.elapsed().as_secs_f64();
        let tested = 100.0 * evaluate(net, test)?.accuracy();
        writer.add_scalar("accuracy/test", tested, (steps * (epoch as usize + 1)) as i64)?;
        writer.add_variables(vs, (steps * (epoch as usize + 1)) as i64)?;
        note(&mut run, "test", f64::from(epoch + 1), tested);
        progress.epoch(epoch, &sum, tested, speed);
        run.epoch = epoch + 1;
        checkpoint.save(vs, &optimizer, Some(&scheduler), &run)?;
    }
    progress.finish();
    Ok(run)
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
