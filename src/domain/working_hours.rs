//! Working hours: local times of a week, in a zone of their own.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::{
    busy::{clip, merge},
    failure::Failure,
    time::{Interval, Timestamp},
    zone::Zone,
};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// The day of the week of a date.
    pub fn of(date: NaiveDate) -> Self {
        match date.weekday() {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

/// One stretch of work on one day of the week, `start` inclusive and `end` exclusive, both local `HH:MM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct WorkingHours {
    /// The day.
    pub day: Weekday,
    /// When work starts, `HH:MM`.
    pub start: String,
    /// When it ends, `HH:MM`; `24:00` is the end of the day.
    pub end: String,
}

impl WorkingHours {
    /// Monday to Friday, nine to five: what holds until somebody says otherwise.
    pub fn office_week() -> Vec<Self> {
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday]
            .into_iter()
            .map(|day| Self { day, start: "09:00".to_owned(), end: "17:00".to_owned() })
            .collect()
    }

    /// Refuses hours that are no local times or that end before they start; `field` is the path of this entry.
    pub fn check(&self, field: &str) -> Result<(), Failure> {
        let start = minutes(&self.start, &format!("{field}.start"))?;
        let end = minutes(&self.end, &format!("{field}.end"))?;
        if start < end {
            return Ok(());
        }
        Err(Failure::rejected(
            "bad_working_hours",
            format!("{field}.end"),
            format!("expected a time after {}", self.start),
        ))
    }

    /// These hours on that date in `zone`; `None` when the date is another day of the week, the hours are no hours, or the
    /// clocks skip them all that day.
    fn on(&self, date: NaiveDate, zone: &Zone) -> Option<Interval> {
        if self.day != Weekday::of(date) {
            return None;
        }
        let instant = |minutes: u32| -> Option<Timestamp> {
            let midnight = date.and_time(NaiveTime::MIN);
            zone.instant(midnight.checked_add_signed(TimeDelta::minutes(i64::from(minutes)))?)
        };
        Interval::new(instant(minutes(&self.start, "").ok()?)?, instant(minutes(&self.end, "").ok()?)?)
    }
}

/// When somebody with these hours works inside `window`: merged, in order. Each day is taken by the clocks of that day.
pub fn working_time(hours: &[WorkingHours], zone: &Zone, window: Interval) -> Vec<Interval> {
    let last = zone.local(window.end()).date();
    let days = zone.local(window.start()).date().iter_days().take_while(|day| *day <= last);
    let stretches = days.flat_map(|day| hours.iter().filter_map(move |hours| hours.on(day, zone)));
    merge(clip(stretches, window))
}

/// Minutes since midnight of `HH:MM`, `24:00` included.
fn minutes(text: &str, field: &str) -> Result<u32, Failure> {
    use chrono::Timelike;
    if text == "24:00" {
        return Ok(24 * 60);
    }
    let time = (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten();
    time.map(|time| time.hour() * 60 + time.minute()).ok_or_else(|| {
        Failure::rejected("bad_working_hours", field, format!("expected a local time HH:MM, got {text:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(start: &str, end: &str) -> WorkingHours {
        WorkingHours { day: Weekday::Monday, start: start.to_owned(), end: end.to_owned() }
    }

    #[test]
    fn hours_must_be_local_times_in_order() {
        for (start, end) in [("09:00", "17:00"), ("00:00", "24:00"), ("23:59", "24:00")] {
            assert_eq!(hours(start, end).check("workingHours[0]"), Ok(()), "{start}-{end}");
        }
        for (start, end, field) in [
            ("9:00", "17:00", "workingHours[0].start"),
            ("09:00", "25:00", "workingHours[0].end"),
            ("17:00", "09:00", "workingHours[0].end"),
            ("09:00", "09:00", "workingHours[0].end"),
            ("24:00", "24:00", "workingHours[0].end"),
            ("nine", "17:00", "workingHours[0].start"),
        ] {
            let failure = hours(start, end).check("workingHours[0]").unwrap_err();
            assert_eq!(failure.field(), Some(field), "{start}-{end}");
        }
    }

    fn span(start: &str, end: &str) -> Interval {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        Interval::new(at(start), at(end)).unwrap()
    }

    fn worked(week: &[WorkingHours], zone: &str, start: &str, end: &str) -> Vec<Interval> {
        working_time(week, &Zone::named(zone).unwrap(), span(start, end))
    }

    #[test]
    fn hours_follow_the_clocks_of_their_own_day() {
        // Clocks in Berlin go forward on Sunday 2026-03-29.
        let week = WorkingHours::office_week();
        assert_eq!(
            worked(&week, "Europe/Berlin", "2026-03-27T00:00:00Z", "2026-03-30T12:00:00Z"),
            [
                span("2026-03-27T08:00:00Z", "2026-03-27T16:00:00Z"),
                span("2026-03-30T07:00:00Z", "2026-03-30T12:00:00Z"),
            ]
        );
    }

    #[test]
    fn hours_that_the_clocks_skip_or_repeat_shrink_and_grow() {
        let sunday = |start: &str, end: &str| {
            [WorkingHours { day: Weekday::Sunday, start: start.to_owned(), end: end.to_owned() }]
        };
        let berlin = |week: &[WorkingHours], day: &str| {
            let start = format!("{day}T00:00:00+01:00");
            let end = format!("{day}T23:00:00+01:00");
            let worked = worked(week, "Europe/Berlin", &start, &end);
            worked.iter().map(|stretch| stretch.duration().num_minutes()).sum::<i64>()
        };
        assert_eq!(berlin(&sunday("01:00", "04:00"), "2026-03-29"), 120);
        assert_eq!(berlin(&sunday("02:00", "03:00"), "2026-03-29"), 0);
        assert_eq!(berlin(&sunday("01:00", "04:00"), "2026-10-25"), 240);
    }

    #[test]
    fn work_around_midnight_is_one_stretch() {
        let day =
            |day, start: &str, end: &str| WorkingHours { day, start: start.to_owned(), end: end.to_owned() };
        let week = [day(Weekday::Monday, "22:00", "24:00"), day(Weekday::Tuesday, "00:00", "06:00")];
        assert_eq!(
            worked(&week, "UTC", "2026-03-02T00:00:00Z", "2026-03-05T00:00:00Z"),
            [span("2026-03-02T22:00:00Z", "2026-03-03T06:00:00Z")]
        );
    }

    #[test]
    fn a_window_that_cuts_a_day_in_a_far_zone_misses_nothing_of_it() {
        let week = WorkingHours::office_week();
        // Friday morning in Auckland is Thursday evening in UTC.
        assert_eq!(
            worked(&week, "Pacific/Auckland", "2026-06-04T22:00:00Z", "2026-06-05T00:00:00Z"),
            [span("2026-06-04T22:00:00Z", "2026-06-05T00:00:00Z")]
        );
        assert_eq!(worked(&week, "Pacific/Auckland", "2026-06-05T22:00:00Z", "2026-06-06T00:00:00Z"), []);
    }
}
