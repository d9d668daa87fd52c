//! What every reader makes and every frame is made of. In: a sensor and its events; out: events that are all on the sensor.

use crate::error::{Error, Result};

/// The size of the array of pixels that events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Kinds of events: 2 where brighter and darker are told apart (ON and OFF), 1 where all are alike.
    pub channels: u8,
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

impl Sensor {
    /// N-MNIST: 34 x 34.
    pub const N_MNIST: Sensor = Sensor::new(34, 34);
    /// A DVS128 camera, and with it DVS128 Gesture and CIFAR10-DVS: 128 x 128.
    pub const DVS128: Sensor = Sensor::new(128, 128);
    /// The 700 channels of the cochlea of SHD and SSC: one row, one kind of event.
    pub const SHD: Sensor = Sensor { channels: 1, height: 1, width: 700 };

    /// A camera with ON and OFF events.
    pub const fn new(height: u16, width: u16) -> Sensor {
        Sensor { channels: 2, height, width }
    }

    /// The sizes of one frame, `[channels, height, width]`.
    pub fn frame(self) -> [usize; 3] {
        [self.channels.into(), self.height.into(), self.width.into()]
    }

    /// The number of values of one frame.
    pub fn frame_len(self) -> usize {
        self.frame().iter().product()
    }

    /// Frames have room for one kind of event or two; `function` is who asks.
    fn check(self, function: &'static str) -> Result<()> {
        if (1..=2).contains(&self.channels) {
            return Ok(());
        }
        Err(Error::argument(function, "sensor", format!("must have 1 or 2 channels, but has {}", self.channels), ""))
    }

    /// What is wrong with an event at a place, if it is outside.
    pub(crate) fn outside(self, x: u64, y: u64) -> Option<(String, String)> {
        let Sensor { height, width, .. } = self;
        let inside = x < u64::from(width) && y < u64::from(height);
        (!inside).then(|| (format!("an event on a sensor of {height} x {width} (rows x columns)"), format!("x = {x}, y = {y}")))
    }
}

/// A change of brightness that one pixel saw, or a spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in microseconds.
    pub t: u64,
    /// Column.
    pub x: u16,
    /// Row; row 0 is the one that the file calls 0.
    pub y: u16,
    /// Brighter (ON) rather than darker (OFF). `true` where a sensor has one kind of event.
    pub p: bool,
}

/// A recording: events in the order of its file, all of them on its sensor.
///
/// Recordings are in order of time, or should be. The readers keep the order of the file and check nothing about it; what needs
/// order says so, and [`sort_by_time`](Self::sort_by_time) makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    sensor: Sensor,
    events: Vec<Event>,
}

impl Events {
    /// A recording from events.
    ///
    /// # Errors
    ///
    /// The sensor has not 1 or 2 channels, or an event is outside of it.
    pub fn new(sensor: Sensor, events: Vec<Event>) -> Result<Events> {
        sensor.check("Events::new")?;
        for (i, event) in events.iter().enumerate() {
            if let Some((wants, finds)) = sensor.outside(event.x.into(), event.y.into()) {
                return Err(Error::argument("Events::new", "events", format!("at {i} wants {wants}, but gets {finds}"), ""));
            }
        }
        Ok(Events { sensor, events })
    }

    /// What a reader has checked event by event; `function` is the reader.
    ///
    /// # Errors
    ///
    /// The sensor has not 1 or 2 channels.
    pub(crate) fn checked(function: &'static str, sensor: Sensor, events: Vec<Event>) -> Result<Events> {
        debug_assert!(events.iter().all(|e| sensor.outside(e.x.into(), e.y.into()).is_none()));
        sensor.check(function)?;
        Ok(Events { sensor, events })
    }

    /// The sensor.
    pub fn sensor(&self) -> Sensor {
        self.sensor
    }

    /// The events, in their order.
    pub fn as_slice(&self) -> &[Event] {
        &self.events
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// No events?
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Puts the events in order of time. Those of one time keep their order.
    pub fn sort_by_time(&mut self) {
        self.events.sort_by_key(|event| event.t);
    }

    /// The first and the last time.
    ///
    /// # Errors
    ///
    /// There are no events, or they are not in order of time; `function` is who asks.
    pub(crate) fn span(&self, function: &'static str) -> Result<(u64, u64)> {
        let [first, .., last] = &self.events[..] else {
            let [only] = &self.events[..] else {
                return Err(Error::argument(function, "events", "must have at least one event, but has none", ""));
            };
            return Ok((only.t, only.t));
        };
        if let Some(i) = self.events.windows(2).position(|pair| pair[1].t < pair[0].t) {
            let (before, after) = (self.events[i].t, self.events[i + 1].t);
            let problem = format!("must be in order of time, but event {} is at {after} us and the one before it at {before} us", i + 1);
            return Err(Error::argument(function, "events", problem, "call `events.sort_by_time()`"));
        }
        Ok((first.t, last.t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(t: u64, x: u16, y: u16) -> Event {
        Event { t, x, y, p: true }
    }

    #[test]
    fn events_off_the_sensor_are_named() {
        let error = |events: Vec<Event>| Events::new(Sensor::new(2, 3), events).unwrap_err().to_string();
        let says = "Events::new: `events` at 1 wants an event on a sensor of 2 x 3 (rows x columns), but gets x = ";
        assert_eq!(error(vec![event(0, 2, 1), event(0, 3, 1)]), format!("{says}3, y = 1"));
        assert_eq!(error(vec![event(0, 2, 1), event(0, 2, 2)]), format!("{says}2, y = 2"));
        let three = Events::new(Sensor { channels: 3, ..Sensor::DVS128 }, vec![]).unwrap_err().to_string();
        assert_eq!(three, "Events::new: `sensor` must have 1 or 2 channels, but has 3");
    }

    #[test]
    fn sorting_keeps_the_order_of_one_time() {
        let mut events = Events::new(Sensor::DVS128, vec![event(5, 1, 0), event(3, 2, 0), event(5, 3, 0), event(3, 4, 0)]).unwrap();
        let error = events.span("f").unwrap_err().to_string();
        assert!(error.starts_with("f: `events` must be in order of time, but event 1 is at 3 us and the one before it at 5 us"), "{error}");
        events.sort_by_time();
        assert_eq!(events.as_slice().iter().map(|e| e.x).collect::<Vec<_>>(), [2, 4, 1, 3]);
        assert_eq!(events.span("f").unwrap(), (3, 5));
    }
}
