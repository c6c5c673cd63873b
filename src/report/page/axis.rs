//! The time axis: moments in their order, near ones apart and long waits short, so that every statement is seen.

use std::time::Duration;

use crate::order::sort_by_key;

/// The least width of what runs, and of the time between two events, in pixels.
const BUSY: f64 = 34.0;
const IDLE: f64 = 6.0;
/// The pixels that each doubling of a time adds, and the most that a time gets.
const DOUBLING: f64 = 5.0;
const MOST_BUSY: f64 = 130.0;
const MOST_IDLE: f64 = 44.0;
/// The least distance of two labels.
const BETWEEN_TICKS: f64 = 110.0;
/// The shortest time between two moments that are drawn apart.
const STEP: Duration = Duration::from_micros(1);

/// Moments and their places.
pub(super) struct Axis {
    points: Vec<(Duration, f64)>,
}

impl Axis {
    /// Lays out an axis on which each of the spans has a width that can be seen, and moments are apart from others, up to the
    /// end of the test.
    pub(super) fn of(spans: &[(Duration, Duration)], moments: &[Duration], end: Duration) -> Axis {
        let mut events = vec![(Duration::ZERO, 0), (end, 0)];
        for (from, to) in spans {
            events.push((*from, 1));
            events.push((*to, -1));
        }
        for moment in moments {
            events.push((*moment, 0));
        }
        sort_by_key(&mut events, |event| event.0);
        let (mut points, mut running, mut place) = (Vec::<(Duration, f64)>::with_capacity(events.len()), 0, 0.0);
        for (at, more) in events {
            match points.last() {
                Some((last, _)) if *last == at => {}
                Some((last, _)) => {
                    place += width(at.saturating_sub(*last), running > 0);
                    points.push((at, place));
                }
                None => points.push((at, place)),
            }
            running += more;
        }
        Axis { points }
    }

    /// Returns the width of the axis, in pixels.
    pub(super) fn width(&self) -> f64 {
        self.points.last().map_or(1.0, |(_, place)| place.max(1.0))
    }

    /// Returns the place of a moment, in hundredths of a percent.
    pub(super) fn place(&self, at: Duration) -> u64 {
        let after = self.points.partition_point(|(point, _)| *point < at);
        let place = match (self.points.get(after), after.checked_sub(1).and_then(|before| self.points.get(before))) {
            (Some((point, place)), _) if *point == at => *place,
            (Some((to, there)), Some((from, here))) => {
                let share = (at - *from).as_secs_f64() / (*to - *from).as_secs_f64();
                here + share * (there - here)
            }
            (Some((_, place)), None) | (None, Some((_, place))) => *place,
            (None, None) => 0.0,
        };
        (place / self.width() * 10_000.0).round() as u64
    }

    /// Returns the moments that are labelled.
    pub(super) fn ticks(&self) -> Vec<Duration> {
        let (mut ticks, mut last) = (Vec::new(), f64::NEG_INFINITY);
        for (at, place) in &self.points {
            if place - last >= BETWEEN_TICKS && self.width() - place >= BETWEEN_TICKS / 2.0 {
                ticks.push(*at);
                last = *place;
            }
        }
        ticks
    }
}

fn width(time: Duration, is_busy: bool) -> f64 {
    let doublings = (1.0 + time.as_secs_f64() / STEP.as_secs_f64()).log2();
    if is_busy {
        (BUSY + DOUBLING * doublings).min(MOST_BUSY)
    } else {
        (IDLE + DOUBLING / 2.0 * doublings).min(MOST_IDLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_long_wait_is_short_and_a_short_statement_is_seen() {
        let short = (ms(5_000), ms(5_000) + Duration::from_micros(3));
        let axis = Axis::of(&[(ms(1), ms(2)), short], &[], ms(60_000));
        let width =
            |(from, to): (Duration, Duration)| (axis.place(to) - axis.place(from)) as f64 / 10_000.0 * axis.width();
        assert!(width(short) >= BUSY - 0.1, "{}", width(short));
        assert!(width((ms(2), ms(5_000))) <= MOST_IDLE + 0.1);
        assert_eq!((axis.place(Duration::ZERO), axis.place(ms(60_000))), (0, 10_000));
    }

    #[test]
    fn moments_keep_their_order() {
        let spans = [(ms(3), ms(9)), (ms(4), ms(5)), (ms(9), ms(9)), (ms(20), ms(21))];
        let axis = Axis::of(&spans, &[ms(1)], ms(30));
        let places = (0..=30).map(|at| axis.place(ms(at))).collect::<Vec<_>>();
        assert!(places.is_sorted(), "{places:?}");
        assert!(axis.ticks().is_sorted() && axis.ticks().first() == Some(&Duration::ZERO));
    }

    #[test]
    fn an_axis_without_events_has_a_width() {
        let axis = Axis::of(&[], &[], Duration::ZERO);
        assert_eq!((axis.place(Duration::ZERO), axis.width()), (0, 1.0));
    }
}
