//! Frames of events. In: counts of ON and OFF events; out: an image of each frame, one colour for each polarity.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::style::{Time, spread};
use crate::tiles::{self, Aside, Tile};

const NAME: &str = "event_frames";
/// Brighter, darker; white where nothing happened. Both at once is a mixture.
const ON: [f64; 3] = [0.0, 114.0, 178.0];
const OFF: [f64; 3] = [213.0, 94.0, 0.0];
/// A cell with any event is at least so far from white.
const FAINTEST: f64 = 0.25;

/// How frames look.
#[derive(Clone, Debug)]
pub struct EventFramesConfig {
    /// Above the picture.
    pub title: String,
    /// Below the title.
    pub subtitle: String,
    /// Frames that are shown, at most, evenly spread. Default: 10.
    pub frames: usize,
    /// Frames in a row. Default: 5.
    pub columns: usize,
    /// Which channel counts events that became brighter, the other being the darker ones. Default: 1, as `p` in SpikingJelly's frames.
    pub on_channel: usize,
    /// What time a frame takes, for its caption.
    pub time: Time,
}

impl Default for EventFramesConfig {
    fn default() -> EventFramesConfig {
        EventFramesConfig {
            title: "Event frames".into(),
            subtitle: String::new(),
            frames: 10,
            columns: 5,
            on_channel: 1,
            time: Time { step: 1.0, unit: String::new() },
        }
    }
}

/// Frames of an event camera: blue where it became brighter, orange where it became darker, the stronger the more events.
///
/// The strongest colour is the count that one in a hundred cells with events exceeds, so that a single hot pixel does not hide the rest.
///
/// # Shapes
///
/// `x`: `[T, 2, H, W]`, counts that are 0 or greater: what `snn::data` makes of a recording, and [`Array::sample`] of a batch.
///
/// # Errors
///
/// The shape is another one, a count is below 0, or `frames` or `columns` is 0.
pub fn event_frames(x: &Array, config: &EventFramesConfig) -> Result<Picture> {
    config.time.check(NAME)?;
    let &[steps, 2, height, width] = x.shape() else {
        let problem = format!("wants [T, 2, H, W], but gets {:?}", x.shape());
        return Err(Error::argument(NAME, "`x`", problem, "of a batch [T, N, 2, H, W], take a sample with `sample(0)?`"));
    };
    for (name, value) in [("`frames`", config.frames), ("`columns`", config.columns)] {
        if value == 0 {
            return Err(Error::argument(NAME, name, "must be at least 1, but is 0", ""));
        }
    }
    if config.on_channel > 1 {
        return Err(Error::argument(NAME, "`on_channel`", format!("must be 0 or 1, but is {}", config.on_channel), ""));
    }
    if let Some(i) = x.values().iter().position(|&v| v < 0.0) {
        let problem = format!("counts events, but number {i} is {}", x.values()[i]);
        return Err(Error::argument(NAME, "`x`", problem, "show signed numbers with `feature_map`"));
    }

    let most = strong(x.values());
    let cells = height * width;
    let shown: Vec<usize> = spread(steps, config.frames).collect();
    let mut tiles = Vec::new();
    for &t in &shown {
        let frame = &x.values()[t * 2 * cells..][..2 * cells];
        let (first, second) = frame.split_at(cells);
        let (on, off) = if config.on_channel == 0 { (first, second) } else { (second, first) };
        let colors = on.iter().zip(off).map(|(&on, &off)| mixed(share(on, most), share(off, most))).collect();
        tiles.push(Tile { caption: caption(t, &config.time), colors });
    }
    let parts = [config.subtitle.clone(), if shown.len() < steps { format!("{} of {steps} frames", shown.len()) } else { String::new() }];
    let subtitle: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let legend = [(mixed(1.0, 0.0), "brighter".into()), (mixed(0.0, 1.0), "darker".into()), (mixed(1.0, 1.0), "both".into())];
    let columns = config.columns.min(shown.len());
    Ok(tiles::draw(&config.title, &subtitle.join("; "), &tiles, [height, width], columns, &Aside::Legend(&legend)))
}

/// `frame 3`, or the time it covers.
fn caption(t: usize, time: &Time) -> String {
    if time.unit.is_empty() {
        return format!("frame {t}");
    }
    // As many digits as a step has.
    let whole = |digits: &i32| {
        let scaled = time.step * 10f64.powi(*digits);
        (scaled - scaled.round()).abs() <= 1e-6 * scaled
    };
    let digits = (0..9).find(whole).unwrap_or(9) as usize;
    format!("{:.digits$} - {:.digits$} {}", t as f64 * time.step, (t + 1) as f64 * time.step, time.unit)
}

/// The count that one in a hundred cells with events exceeds.
fn strong(counts: &[f32]) -> f64 {
    let mut counts: Vec<f32> = counts.iter().copied().filter(|&v| v > 0.0).collect();
    counts.sort_by(f32::total_cmp);
    counts.get(counts.len() * 99 / 100).map_or(1.0, |&v| f64::from(v))
}

fn share(count: f32, most: f64) -> f64 {
    if count > 0.0 { FAINTEST + (1.0 - FAINTEST) * (f64::from(count) / most).min(1.0) } else { 0.0 }
}

/// White, less what each polarity takes away.
fn mixed(on: f64, off: f64) -> [u8; 3] {
    std::array::from_fn(|i| (255.0 * (1.0 - on * (1.0 - ON[i] / 255.0)) * (1.0 - off * (1.0 - OFF[i] / 255.0))).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_have_as_many_digits_as_a_step() {
        let caption = |t, step| caption(t, &Time { step, unit: "s".into() });
        assert_eq!([caption(1, 2.0), caption(1, 0.25), caption(3, 0.001)], ["2 - 4 s", "0.25 - 0.50 s", "0.003 - 0.004 s"]);
    }
}
