//! Events to frames, as SpikingJelly makes them: a frame counts the events of each kind at each pixel in a stretch of the
//! recording. In: a recording and where to cut it; out: counts `[T, channels, H, W]` in the caller's buffer.

use crate::error::{Error, Result};
use crate::events::{Event, Events};

const BY_NUMBER: &str = "integrate_events_by_fixed_frames_number";
const BY_DURATION: &str = "integrate_events_by_fixed_duration";

/// How a recording is cut into a fixed number of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitBy {
    /// Stretches of the same time, `(last - first) / frames_num` rounded down; the last one goes on to the end.
    Time,
    /// Stretches of the same number of events, rounded down; the last one goes on to the end.
    Number,
}

/// What to do with a recording of more or fewer frames than the buffer has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// It is an error.
    Exact,
    /// Fewer: zeros behind them. More is an error.
    Pad,
    /// More: the first ones. Fewer is an error.
    Truncate,
    /// Fewer: zeros behind them. More: the first ones.
    PadOrTruncate,
}

/// A value of a frame: `f32` or `u8`.
pub trait Count: Copy + private::Sealed {
    /// No events.
    const ZERO: Self;

    /// One more event; nothing where it has no room for one.
    fn next(self) -> Option<Self>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u8 {}
}

impl Count for f32 {
    const ZERO: f32 = 0.0;

    fn next(self) -> Option<f32> {
        (self < (1 << 24) as f32).then_some(self + 1.0)
    }
}

impl Count for u8 {
    const ZERO: u8 = 0;

    fn next(self) -> Option<u8> {
        self.checked_add(1)
    }
}

/// Cuts a recording into `frames_num` frames and counts the events of each.
///
/// # Shapes
///
/// `frames`: `[frames_num, channels, H, W]` of the sensor, last axis fastest; OFF is channel 0 and ON channel 1.
///
/// # Errors
///
/// There are no events, they are not in order of time, `frames_num` is 0, the buffer has another size, a count does not fit; by
/// time: the recording is shorter than a microsecond a frame; by number: it has fewer events than frames.
///
/// SpikingJelly equivalent: `integrate_events_by_fixed_frames_number`. By time it fails where a frame has no event; here that frame is
/// zero. By number it puts fewer events than frames all into the last one; here they are refused.
pub fn integrate_events_by_fixed_frames_number<C: Count>(
    events: &Events,
    split_by: SplitBy,
    frames_num: usize,
    frames: &mut [C],
) -> Result<()> {
    let (first, last) = events.span(BY_NUMBER)?;
    let (frame_len, count) = (events.sensor().frame_len(), events.len());
    if frames_num == 0 {
        return Err(Error::argument(BY_NUMBER, "frames_num", "must be at least 1, but is 0", ""));
    }
    if Some(frames.len()) != frames_num.checked_mul(frame_len) {
        return Err(of_size(BY_NUMBER, events, &format!("[{frames_num}, "), frames.len()));
    }
    let all = events.as_slice();
    let (each, problem) = match split_by {
        SplitBy::Time => ((last - first) / frames_num as u64, format!("must last a microsecond a frame, but last {} us", last - first)),
        SplitBy::Number => ((count / frames_num) as u64, format!("must have an event a frame, but there are {count}")),
    };
    if each == 0 {
        return Err(Error::argument(BY_NUMBER, "events", format!("{problem} for {frames_num} frames"), ""));
    }
    // The first event of a frame.
    let cut = |frame: usize| match split_by {
        SplitBy::Time => all.partition_point(|e| e.t < first + each * frame as u64),
        SplitBy::Number => each as usize * frame,
    };
    for (i, frame) in frames.chunks_exact_mut(frame_len).enumerate() {
        let end = if i + 1 == frames_num { count } else { cut(i + 1) };
        fill(BY_NUMBER, events, &all[cut(i)..end], i, frame)?;
    }
    Ok(())
}

/// The number of frames of `duration` microseconds that a recording has: the time from its first to its last event, rounded up.
///
/// # Errors
///
/// There are no events, they are not in order of time, or `duration` is 0.
pub fn fixed_duration_frames_num(events: &Events, duration: u64) -> Result<usize> {
    let (first, last) = events.span(BY_DURATION)?;
    if duration == 0 {
        return Err(Error::argument(BY_DURATION, "duration", "must be at least 1 us, but is 0", ""));
    }
    Ok((last - first).div_ceil(duration).max(1) as usize)
}

/// Cuts a recording into frames of `duration` microseconds, from its first event on, and counts the events of each. As many as the
/// buffer has room for are wanted; `length` says what happens to a recording of another length. The number of frames with data is
/// returned: those behind it are zero.
///
/// # Shapes
///
/// `frames`: `[T, channels, H, W]` of the sensor, last axis fastest; OFF is channel 0 and ON channel 1.
/// [`fixed_duration_frames_num`] is the T of a recording.
///
/// # Errors
///
/// There are no events, they are not in order of time, `duration` is 0, the buffer is not a whole number of frames, a count does not
/// fit; the recording has another length and `length` does not allow it.
///
/// SpikingJelly equivalent: `integrate_events_by_fixed_duration`, and `pad_sequence_collate` for [`Length::Pad`]. It fails where all
/// events are of one time; here they are one frame.
pub fn integrate_events_by_fixed_duration<C: Count>(events: &Events, duration: u64, length: Length, frames: &mut [C]) -> Result<usize> {
    let has = fixed_duration_frames_num(events, duration)?;
    let frame_len = events.sensor().frame_len();
    if frames.is_empty() || !frames.len().is_multiple_of(frame_len) {
        return Err(of_size(BY_DURATION, events, "[T, ", frames.len()));
    }
    let room = frames.len() / frame_len;
    let fits = match length {
        Length::Exact => has == room,
        Length::Pad => has <= room,
        Length::Truncate => has >= room,
        Length::PadOrTruncate => true,
    };
    if !fits {
        let problem = format!("must have {room} frames of {duration} us, but have {has}");
        let help = "`Length::PadOrTruncate` takes any number: zeros behind too few, the first of too many";
        return Err(Error::argument(BY_DURATION, "events", problem, help));
    }
    let all = events.as_slice();
    let first = all[0].t;
    let mut start = 0;
    for (i, frame) in frames.chunks_exact_mut(frame_len).enumerate() {
        // The last frame also has the events at its very end.
        let after = |e: &Event| i + 1 < has && (e.t - first) / duration > i as u64;
        let end = start + all[start..].partition_point(|e| !after(e));
        fill(BY_DURATION, events, &all[start..end], i, frame)?;
        start = end;
    }
    Ok(has.min(room))
}

fn of_size(function: &'static str, events: &Events, axes: &str, len: usize) -> Error {
    let [channels, height, width] = events.sensor().frame();
    let problem = format!("must have the sizes {axes}{channels}, {height}, {width}], but has {len} values");
    Error::argument(function, "frames", problem, "")
}

/// Counts events in one frame.
fn fill<C: Count>(function: &'static str, events: &Events, part: &[Event], number: usize, frame: &mut [C]) -> Result<()> {
    let [channels, height, width] = events.sensor().frame();
    frame.fill(C::ZERO);
    for e in part {
        let channel = if channels == 2 { usize::from(e.p) } else { 0 };
        let pixel = &mut frame[(channel * height + usize::from(e.y)) * width + usize::from(e.x)];
        let Some(count) = pixel.next() else {
            let kind = std::any::type_name::<C>();
            let problem = format!("has no room in {kind} for the events of frame {number} at x = {}, y = {}", e.x, e.y);
            return Err(Error::argument(function, "frames", problem, "make more and shorter frames, or use f32"));
        };
        *pixel = count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::events::Sensor;
    use crate::testing::events_on;

    /// 23 events on a sensor of 2 x 3: t, x, y, p.
    const EVENTS: [(u64, u16, u16, u8); 23] = [
        (8, 2, 0, 1),
        (11, 1, 0, 0),
        (13, 1, 0, 0),
        (18, 1, 1, 1),
        (23, 0, 0, 0),
        (26, 1, 0, 0),
        (27, 2, 0, 1),
        (27, 1, 1, 1),
        (32, 1, 1, 1),
        (33, 1, 0, 0),
        (34, 1, 0, 1),
        (39, 1, 1, 1),
        (42, 1, 1, 1),
        (45, 0, 1, 0),
        (46, 2, 0, 1),
        (49, 2, 0, 0),
        (54, 2, 1, 1),
        (54, 0, 1, 1),
        (54, 1, 0, 1),
        (55, 0, 1, 1),
        (57, 0, 0, 0),
        (59, 2, 1, 1),
        (62, 0, 0, 1),
    ];

    fn recording(times: &[u64]) -> Events {
        Events::new(Sensor::new(1, 1), times.iter().map(|&t| Event { t, x: 0, y: 0, p: true }).collect()).unwrap()
    }

    fn spikingjelly() -> Events {
        let events = EVENTS.map(|(t, x, y, p)| Event { t, x, y, p: p == 1 });
        Events::new(Sensor::new(2, 3), events.to_vec()).unwrap()
    }

    /// What SpikingJelly 2.0.0 makes of these events.
    #[test]
    fn frames_are_spikingjellys() {
        let events = spikingjelly();
        let number: [[u8; 12]; 4] = [
            [1, 2, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0],
            [0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0],
            [0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 2, 0],
            [1, 0, 1, 0, 0, 0, 1, 1, 0, 2, 0, 2],
        ];
        let time: [[u8; 12]; 4] = [
            [0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0],
            [1, 2, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0],
            [0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 2, 0],
            [1, 0, 1, 0, 0, 0, 1, 1, 0, 2, 0, 2],
        ];
        for (split_by, want) in [(SplitBy::Number, number), (SplitBy::Time, time)] {
            let (mut bytes, mut floats) = ([9; 48], [9.0; 48]);
            integrate_events_by_fixed_frames_number(&events, split_by, 4, &mut bytes).unwrap();
            integrate_events_by_fixed_frames_number(&events, split_by, 4, &mut floats).unwrap();
            assert_eq!(bytes, *want.as_flattened(), "{split_by:?}");
            assert_eq!(floats, bytes.map(f32::from), "{split_by:?}");
        }
        let of_7: [[u8; 12]; 8] = [
            [0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
            [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0],
            [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0],
            [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1],
            [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        ];
        let of_15: [[u8; 12]; 4] = [
            [0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0],
            [1, 2, 0, 0, 0, 0, 0, 1, 1, 0, 2, 0],
            [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 2, 0],
            [1, 0, 0, 0, 0, 0, 1, 1, 0, 2, 0, 2],
        ];
        for (duration, want) in [(7, &of_7[..]), (15, &of_15[..])] {
            assert_eq!(fixed_duration_frames_num(&events, duration).unwrap(), want.len());
            let mut frames = vec![9u8; 12 * want.len()];
            assert_eq!(integrate_events_by_fixed_duration(&events, duration, Length::Exact, &mut frames).unwrap(), want.len());
            assert_eq!(frames, want.as_flattened(), "{duration} us");
        }
    }

    #[test]
    fn length_is_what_the_caller_says() {
        let events = recording(&[0, 5, 15, 25, 30]); // 3 frames of 10 us; the last event is in the last of them
        let made = |length, room: usize| {
            let mut frames = vec![9u8; 2 * room];
            let made = integrate_events_by_fixed_duration(&events, 10, length, &mut frames).map_err(|e| e.to_string());
            made.map(|made| (made, frames.chunks(2).map(|f| f[1]).collect::<Vec<u8>>()))
        };
        let error = |has: &str| {
            let help = "\n  help: `Length::PadOrTruncate` takes any number: zeros behind too few, the first of too many";
            Err(format!("integrate_events_by_fixed_duration: `events` must have {has}{help}"))
        };
        assert_eq!(made(Length::Exact, 3), Ok((3, vec![2, 1, 2])));
        assert_eq!(made(Length::Exact, 4), error("4 frames of 10 us, but have 3"));
        assert_eq!(made(Length::Pad, 5), Ok((3, vec![2, 1, 2, 0, 0])));
        assert_eq!(made(Length::Pad, 2), error("2 frames of 10 us, but have 3"));
        assert_eq!(made(Length::Truncate, 2), Ok((2, vec![2, 1])));
        assert_eq!(made(Length::Truncate, 4), error("4 frames of 10 us, but have 3"));
        assert_eq!(made(Length::PadOrTruncate, 4), Ok((3, vec![2, 1, 2, 0])));
        assert_eq!(made(Length::PadOrTruncate, 1), Ok((1, vec![2])));
    }

    #[test]
    fn a_silent_stretch_is_a_frame_of_zeros() {
        let mut frames = [9u8; 8];
        integrate_events_by_fixed_frames_number(&recording(&[0, 1, 39, 40]), SplitBy::Time, 4, &mut frames).unwrap();
        assert_eq!(frames, [0, 2, 0, 0, 0, 0, 0, 2]);
        assert_eq!(fixed_duration_frames_num(&recording(&[7, 7]), 10).unwrap(), 1);
    }

    #[test]
    fn one_kind_of_event_is_one_channel() {
        let events = Events::new(Sensor::SHD, vec![Event { t: 3, x: 699, y: 0, p: true }; 2]).unwrap();
        let mut frames = [9f32; 700];
        integrate_events_by_fixed_duration(&events, 1000, Length::Exact, &mut frames).unwrap();
        assert_eq!((frames[699], frames.iter().sum::<f32>()), (2.0, 2.0));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let by_number = |times: &[u64], split_by, n, room: usize| {
            let made = integrate_events_by_fixed_frames_number(&recording(times), split_by, n, &mut vec![0u8; room]);
            made.unwrap_err().to_string().replace("integrate_events_by_fixed_frames_number: ", "")
        };
        assert_eq!(by_number(&[], SplitBy::Time, 1, 2), "`events` must have at least one event, but has none");
        assert_eq!(by_number(&[1], SplitBy::Number, 0, 0), "`frames_num` must be at least 1, but is 0");
        assert_eq!(by_number(&[1, 9], SplitBy::Number, 2, 5), "`frames` must have the sizes [2, 2, 1, 1], but has 5 values");
        assert_eq!(by_number(&[1, 9], SplitBy::Number, 3, 6), "`events` must have an event a frame, but there are 2 for 3 frames");
        assert_eq!(by_number(&[1, 3], SplitBy::Time, 3, 6), "`events` must last a microsecond a frame, but last 2 us for 3 frames");
        let back = by_number(&[5, 4], SplitBy::Time, 1, 2);
        assert!(back.ends_with("event 1 is at 4 us and the one before it at 5 us\n  help: call `events.sort_by_time()`"), "{back}");
        let full = by_number(&[1; 256], SplitBy::Number, 1, 2);
        assert!(full.starts_with("`frames` has no room in u8 for the events of frame 0 at x = 0, y = 0\n  help: "), "{full}");
        let by_duration = |duration, room: usize| {
            let made = integrate_events_by_fixed_duration(&recording(&[1, 9]), duration, Length::Pad, &mut vec![0f32; room]);
            made.unwrap_err().to_string().replace("integrate_events_by_fixed_duration: ", "")
        };
        assert_eq!(by_duration(0, 2), "`duration` must be at least 1 us, but is 0");
        assert_eq!(by_duration(5, 3), "`frames` must have the sizes [T, 2, 1, 1], but has 3 values");
        assert_eq!(by_duration(5, 0), "`frames` must have the sizes [T, 2, 1, 1], but has 0 values");
    }

    proptest! {
        /// Each event, by the definition, in the frame whose stretch it is in.
        #[test]
        fn every_event_is_counted_where_it_belongs(mut events in events_on(Sensor::new(3, 2), 200), n in 1usize..9, by_number: bool) {
            events.sort_by_time();
            let split_by = if by_number { SplitBy::Number } else { SplitBy::Time };
            let mut frames = vec![9f32; n * 12];
            if integrate_events_by_fixed_frames_number(&events, split_by, n, &mut frames).is_ok() {
                let (all, mut want) = (events.as_slice(), vec![0f32; n * 12]);
                for (i, e) in all.iter().enumerate() {
                    let frame = match split_by {
                        SplitBy::Number => i / (all.len() / n),
                        SplitBy::Time => ((e.t - all[0].t) / ((all[all.len() - 1].t - all[0].t) / n as u64)) as usize,
                    };
                    want[((frame.min(n - 1) * 2 + usize::from(e.p)) * 3 + usize::from(e.y)) * 2 + usize::from(e.x)] += 1.0;
                }
                prop_assert_eq!(frames, want);
            }
        }

        #[test]
        fn durations_count_every_event(mut events in events_on(Sensor::new(3, 2), 200), duration in 1u64..250) {
            events.sort_by_time();
            prop_assume!(!events.is_empty());
            let n = fixed_duration_frames_num(&events, duration).unwrap();
            let mut frames = vec![9u8; n * 12];
            integrate_events_by_fixed_duration(&events, duration, Length::Exact, &mut frames).unwrap();
            let mut want = vec![0u8; n * 12];
            for e in events.as_slice() {
                let frame = (((e.t - events.as_slice()[0].t) / duration) as usize).min(n - 1);
                want[((frame * 2 + usize::from(e.p)) * 3 + usize::from(e.y)) * 2 + usize::from(e.x)] += 1;
            }
            prop_assert_eq!(frames, want);
        }
    }
}
