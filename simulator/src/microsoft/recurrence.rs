//! `patternedRecurrence`: read, written, and turned into the days it means.
//!
//! The `rrule` crate runs a pattern on local times written as if they were UTC, so that an event keeps its time of day
//! across a change of offset. Outlook differs from RFC 5545 in one point: a day of the month that a month does not
//! have means its last day.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/patternedrecurrence>

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, time};
use rrule::RRuleSet;
use serde_json::{Value, json};

use super::errors::ApiError;
use super::zone::Zone;

/// Steps after which a rule is given up, so that one without results ends.
const MOST_STEPS: usize = 20_000;
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const INDEXES: [(&str, i8); 5] = [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("last", -1)];
const TYPES: [&str; 6] =
    ["daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"];

/// How often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    kind: &'static str,
    interval: u16,
    month: u8,
    day_of_month: u8,
    /// Indexes into the week that begins on Sunday.
    days: Vec<usize>,
    first_day: usize,
    index: (&'static str, i8),
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// For ever.
    Never,
    /// Up to and including this day.
    On(Date),
    /// After so many occurrences.
    After(u32),
}

/// A recurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    pattern: Pattern,
    start_date: Date,
    end: End,
    zone: String,
}

impl Recurrence {
    /// Reads `{pattern, range}`; `zone` is the one the event starts in.
    pub fn read(value: &Value, starts: Date, zone: &str) -> Result<Self, ApiError> {
        let pattern = Pattern::read(value.get("pattern").ok_or_else(|| missing("pattern"))?)?;
        let range = value.get("range").ok_or_else(|| missing("range"))?;
        let start_date = date(range, "startDate")?.ok_or_else(|| missing("range.startDate"))?;
        if start_date != starts {
            return Err(ApiError::property_invalid(format!(
                "Recurrence.Range.StartDate {start_date} must be the date of the event's start, {starts}."
            )));
        }
        let end = match text(range, "type") {
            Some("noEnd") => End::Never,
            Some("endDate") => {
                let end = date(range, "endDate")?.ok_or_else(|| missing("range.endDate"))?;
                if end < start_date {
                    return Err(ApiError::new(
                        400,
                        "ErrorRecurrenceEndDateTooSmall",
                        "Recurrence end date is before its start date.",
                    ));
                }
                End::On(end)
            }
            Some("numbered") => match range.get("numberOfOccurrences").and_then(Value::as_u64) {
                Some(count @ 1..=999) => End::After(u32::try_from(count).unwrap_or(1)),
                _ => return Err(invalid("range.numberOfOccurrences")),
            },
            _ => return Err(invalid("range.type")),
        };
        let zone = match text(range, "recurrenceTimeZone") {
            Some(name) => Zone::checked(name)?.name().to_owned(),
            None => zone.to_owned(),
        };
        let recurrence = Self { pattern, start_date, end, zone };
        if recurrence.starts(start_date.at(0, 0, 0, 0)).next().is_none() {
            return Err(ApiError::new(
                400,
                "ErrorRecurrenceHasNoOccurrence",
                "The specified recurrence pattern has no occurrences.",
            ));
        }
        Ok(recurrence)
    }

    /// As Graph shows it.
    pub fn render(&self) -> Value {
        let (kind, end_date, count) = match self.end {
            End::Never => ("noEnd", "0001-01-01".to_owned(), 0),
            End::On(day) => ("endDate", day.to_string(), 0),
            End::After(count) => ("numbered", "0001-01-01".to_owned(), count),
        };
        json!({
            "pattern": self.pattern.render(),
            "range": {
                "type": kind,
                "startDate": self.start_date.to_string(),
                "endDate": end_date,
                "recurrenceTimeZone": self.zone,
                "numberOfOccurrences": count,
            },
        })
    }

    /// The local start times, in order; `first` gives the time of day and the day from which to count.
    ///
    /// Unlike in RFC 5545 the first day counts only if it fits the pattern.
    pub fn starts(&self, first: DateTime) -> impl Iterator<Item = DateTime> {
        let end = match self.end {
            End::Never => String::new(),
            End::On(day) => {
                format!(";UNTIL={}", day.to_datetime(time(23, 59, 59, 0)).strftime("%Y%m%dT%H%M%SZ"))
            }
            End::After(count) => format!(";COUNT={count}"),
        };
        let rule =
            format!("DTSTART:{}\nRRULE:{}{end}", first.strftime("%Y%m%dT%H%M%SZ"), self.pattern.rule());
        let set: Option<RRuleSet> = rule.parse().ok();
        set.into_iter().flat_map(|set| {
            let times = (&set).into_iter();
            times.take(MOST_STEPS).filter_map(|at| {
                let instant = Timestamp::from_second(at.timestamp()).ok()?;
                Some(Zone::utc().local(instant))
            })
        })
    }
}

impl Pattern {
    fn read(value: &Value) -> Result<Self, ApiError> {
        let kind = text(value, "type")
            .and_then(|kind| TYPES.into_iter().find(|known| *known == kind))
            .ok_or_else(|| invalid("pattern.type"))?;
        let number = |name: &str, range: std::ops::RangeInclusive<u64>| match value.get(name) {
            None | Some(Value::Null) => Ok(0),
            Some(found) => found
                .as_u64()
                .filter(|n| *n == 0 || range.contains(n))
                .ok_or_else(|| invalid(&format!("pattern.{name}"))),
        };
        let day = |name: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
        let days = match value.get("daysOfWeek") {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => list
                .as_array()
                .and_then(|list| list.iter().map(|name| day(name.as_str()?)).collect::<Option<Vec<_>>>())
                .ok_or_else(|| invalid("pattern.daysOfWeek"))?,
        };
        let index = match text(value, "index") {
            None => INDEXES[0],
            Some(name) => INDEXES
                .into_iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| invalid("pattern.index"))?,
        };
        let interval = match number("interval", 1..=999)? {
            0 => return Err(invalid("pattern.interval")),
            interval => u16::try_from(interval).unwrap_or(1),
        };
        let month = u8::try_from(number("month", 1..=12)?).unwrap_or(0);
        let day_of_month = u8::try_from(number("dayOfMonth", 1..=31)?).unwrap_or(0);
        let first_day = match text(value, "firstDayOfWeek") {
            None => 0,
            Some(name) => day(name).ok_or_else(|| invalid("pattern.firstDayOfWeek"))?,
        };
        let needed = match kind {
            "daily" => true,
            "weekly" | "relativeMonthly" => !days.is_empty(),
            "absoluteMonthly" => day_of_month > 0,
            "absoluteYearly" => day_of_month > 0 && month > 0,
            _ => !days.is_empty() && month > 0,
        };
        if !needed {
            return Err(ApiError::property_invalid(format!(
                "The recurrence pattern of type {kind} lacks a required property."
            )));
        }
        Ok(Self { kind, interval, month, day_of_month, days, first_day, index })
    }

    fn render(&self) -> Value {
        let mut shown = json!({
            "type": self.kind,
            "interval": self.interval,
            "month": self.month,
            "dayOfMonth": self.day_of_month,
            "firstDayOfWeek": DAYS[self.first_day],
            "index": self.index.0,
        });
        if !self.days.is_empty() {
            shown["daysOfWeek"] = self.days.iter().map(|day| DAYS[*day]).collect();
        }
        shown
    }

    fn rule(&self) -> String {
        let name = |day: usize| DAYS[day][..2].to_ascii_uppercase();
        let days = self.days.iter().map(|day| name(*day)).collect::<Vec<_>>().join(",");
        let month_day = match self.day_of_month {
            day @ 29.. => {
                let days: Vec<String> = (28..=day).map(|day| day.to_string()).collect();
                format!("BYMONTHDAY={};BYSETPOS=-1", days.join(","))
            }
            day => format!("BYMONTHDAY={day}"),
        };
        let week = name(self.first_day);
        let (interval, month, index) = (self.interval, self.month, self.index.1);
        match self.kind {
            "daily" => format!("FREQ=DAILY;INTERVAL={interval}"),
            "weekly" => format!("FREQ=WEEKLY;INTERVAL={interval};BYDAY={days};WKST={week}"),
            "absoluteMonthly" => format!("FREQ=MONTHLY;INTERVAL={interval};{month_day}"),
            "relativeMonthly" => format!("FREQ=MONTHLY;INTERVAL={interval};BYDAY={days};BYSETPOS={index}"),
            "absoluteYearly" => format!("FREQ=YEARLY;INTERVAL={interval};BYMONTH={month};{month_day}"),
            _ => format!("FREQ=YEARLY;INTERVAL={interval};BYMONTH={month};BYDAY={days};BYSETPOS={index}"),
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn date(range: &Value, name: &str) -> Result<Option<Date>, ApiError> {
    match text(range, name) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| invalid(&format!("range.{name}"))),
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::property_required(&format!("recurrence.{name}"))
}

fn invalid(name: &str) -> ApiError {
    ApiError::property_invalid(format!("The property 'recurrence.{name}' has an invalid value."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: Value, range: Value) -> Result<Recurrence, ApiError> {
        let starts = range["startDate"].as_str().unwrap().parse().unwrap();
        Recurrence::read(&json!({ "pattern": pattern, "range": range }), starts, "UTC")
    }

    fn days(pattern: Value, start: &str, count: usize) -> Vec<String> {
        let recurrence = read(pattern, json!({"type": "noEnd", "startDate": start})).unwrap();
        let first: Date = start.parse().unwrap();
        recurrence.starts(first.at(9, 0, 0, 0)).take(count).map(|at| at.date().to_string()).collect()
    }

    #[test]
    fn every_pattern_means_what_outlook_means_by_it() {
        for (pattern, start, expected) in [
            (
                json!({"type": "daily", "interval": 3}),
                "2026-03-01",
                ["2026-03-01", "2026-03-04", "2026-03-07"],
            ),
            (
                json!({"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "thursday"], "firstDayOfWeek": "monday"}),
                "2026-03-02",
                ["2026-03-02", "2026-03-05", "2026-03-16"],
            ),
            (
                json!({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}),
                "2026-01-31",
                ["2026-01-31", "2026-02-28", "2026-03-31"],
            ),
            (
                json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["friday"], "index": "last"}),
                "2026-01-30",
                ["2026-01-30", "2026-02-27", "2026-03-27"],
            ),
            (
                json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"], "index": "first"}),
                "2026-01-01",
                ["2026-01-01", "2026-02-02", "2026-03-02"],
            ),
            (
                json!({"type": "absoluteYearly", "interval": 1, "month": 2, "dayOfMonth": 29}),
                "2024-02-29",
                ["2024-02-29", "2025-02-28", "2026-02-28"],
            ),
            (
                json!({"type": "relativeYearly", "interval": 1, "month": 11, "daysOfWeek": ["thursday"], "index": "fourth"}),
                "2025-11-27",
                ["2025-11-27", "2026-11-26", "2027-11-25"],
            ),
        ] {
            assert_eq!(days(pattern.clone(), start, 3), expected, "{pattern}");
        }
    }

    #[test]
    fn ranges_end_on_a_day_after_a_number_or_never() {
        let daily = || json!({"type": "daily", "interval": 1});
        for (range, count) in [
            (json!({"type": "endDate", "startDate": "2026-03-01", "endDate": "2026-03-03"}), 3),
            (json!({"type": "numbered", "startDate": "2026-03-01", "numberOfOccurrences": 5}), 5),
        ] {
            let recurrence = read(daily(), range.clone()).unwrap();
            let first = jiff::civil::date(2026, 3, 1).at(23, 0, 0, 0);
            assert_eq!(recurrence.starts(first).count(), count, "{range}");
        }
        let shown = read(daily(), json!({"type": "noEnd", "startDate": "2026-03-01"})).unwrap().render();
        assert_eq!(shown["range"]["endDate"], "0001-01-01");
        assert_eq!(shown["pattern"]["firstDayOfWeek"], "sunday");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let range = || json!({"type": "noEnd", "startDate": "2026-03-01"});
        for (pattern, range) in [
            (json!({"type": "hourly", "interval": 1}), range()),
            (json!({"type": "daily"}), range()),
            (json!({"type": "weekly", "interval": 1}), range()),
            (json!({"type": "weekly", "interval": 1, "daysOfWeek": ["caturday"]}), range()),
            (json!({"type": "absoluteYearly", "interval": 1, "dayOfMonth": 3}), range()),
            (
                json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["monday"], "index": "fifth"}),
                range(),
            ),
            (
                json!({"type": "daily", "interval": 1}),
                json!({"type": "endDate", "startDate": "2026-03-01", "endDate": "2026-02-01"}),
            ),
            (
                json!({"type": "daily", "interval": 1}),
                json!({"type": "numbered", "startDate": "2026-03-01", "numberOfOccurrences": 0}),
            ),
        ] {
            assert!(read(pattern.clone(), range.clone()).is_err(), "{pattern} {range}");
        }
        let other_day = json!({"pattern": {"type": "daily", "interval": 1}, "range": range()});
        assert!(Recurrence::read(&other_day, jiff::civil::date(2026, 3, 2), "UTC").is_err());
    }
}
