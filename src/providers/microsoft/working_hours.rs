//! `workingHours`, as mailbox settings and schedules carry them: days, times, and a zone with a name or with rules of its own.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/workinghours>

use serde_json::Value;

use crate::domain::{
    busy::WorkingWeek,
    working_hours::{Weekday, WorkingHours},
    zone::Zone,
};

/// Graph's names of the days, in the order in which POSIX counts them.
const DAYS: [(&str, Weekday); 7] = [
    ("sunday", Weekday::Sunday),
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
];

/// Reads a `workingHours`; `None` when it says nothing that makes sense. Hours are never guessed.
pub(super) fn read(hours: &Value) -> Option<WorkingWeek> {
    let zone = zone(&hours["timeZone"])?;
    let (start, end) = (time(&hours["startTime"])?, time(&hours["endTime"])?);
    let days = hours["daysOfWeek"].as_array()?.iter().filter_map(Value::as_str);
    let days = days.filter_map(|name| DAYS.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)));
    let hours = days.flat_map(|day| stretches(day, start, end)).collect();
    Some(WorkingWeek { hours, zone })
}

/// One day's work. Work that ends before it starts goes on past midnight.
fn stretches(day: usize, start: &str, end: &str) -> impl Iterator<Item = WorkingHours> {
    let stretch = |day: usize, start: &str, end: &str| {
        (start < end).then(|| WorkingHours {
            day: DAYS[day % DAYS.len()].1,
            start: start.to_owned(),
            end: end.to_owned(),
        })
    };
    let parts = if start < end {
        [stretch(day, start, end), None]
    } else {
        [stretch(day, start, "24:00"), stretch(day + 1, "00:00", end)]
    };
    parts.into_iter().flatten()
}

/// `HH:MM` of an `Edm.TimeOfDay` such as `08:00:00.0000000`.
fn time(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    let minutes = text.get(..5)?;
    chrono::NaiveTime::parse_from_str(minutes, "%H:%M").ok()?;
    Some(minutes)
}

/// A zone by its Windows or IANA name, or by its rules.
fn zone(value: &Value) -> Option<Zone> {
    value["name"].as_str().and_then(Zone::named).or_else(|| Zone::of_rules(&rules(value)?))
}

/// The rules of a `customTimeZone` as a POSIX TZ string.
///
/// `bias` is what Windows means by it: minutes to add to local time for UTC. Graph's page says the opposite of what Graph
/// sends (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/15217>).
fn rules(zone: &Value) -> Option<String> {
    let bias = zone["bias"].as_i64()?;
    let (standard, daylight) = (&zone["standardOffset"], &zone["daylightOffset"]);
    match (changes(daylight), changes(standard), daylight["daylightBias"].as_i64()) {
        (Some(to_daylight), Some(to_standard), Some(more)) if more != 0 => {
            let (standard, daylight) = (offset(bias)?, offset(bias.checked_add(more)?)?);
            Some(format!("{standard}{daylight},{to_daylight},{to_standard}"))
        }
        _ => offset(bias),
    }
}

/// Abbreviation and offset of POSIX, whose offsets are west of Greenwich as Windows' are, and whose abbreviations say the
/// opposite: `<+0530>-5:30`.
fn offset(bias: i64) -> Option<String> {
    let (sign, west) = if bias > 0 { ('-', "") } else { ('+', "-") };
    let minutes = bias.checked_abs()?;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    Some(format!("<{sign}{hours:02}{minutes:02}>{west}{hours}:{minutes:02}"))
}

/// When clocks change every year: `M3.2.0/02:00:00` is two o'clock on the second Sunday of March; a fifth one is the last.
/// `None` where they do not, which Windows says with a month of 0.
fn changes(offset: &Value) -> Option<String> {
    let month = offset["month"].as_i64().filter(|month| *month > 0)?;
    let week = offset["dayOccurrence"].as_i64()?;
    let name = offset["dayOfWeek"].as_str()?;
    let day = DAYS.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let time = time(&offset["time"])?;
    Some(format!("M{month}.{week}.{day}/{time}"))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::time::Timestamp;

    fn hours(zone: Value) -> Value {
        json!({
            "daysOfWeek": ["tuesday", "Thursday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:30:00.0000000",
            "timeZone": zone,
        })
    }

    /// Clocks of the Pacific coast, as Outlook for Windows leaves them in a mailbox.
    fn pacific() -> Value {
        json!({
            "@odata.type": "#microsoft.graph.customTimeZone",
            "bias": 480,
            "name": "Customized Time Zone",
            "standardOffset": {
                "time": "02:00:00.0000000", "dayOccurrence": 1, "dayOfWeek": "sunday", "month": 11, "year": 0,
            },
            "daylightOffset": {
                "daylightBias": -60,
                "time": "02:00:00.0000000", "dayOccurrence": 2, "dayOfWeek": "sunday", "month": 3, "year": 0,
            },
        })
    }

    #[test]
    fn hours_are_read_in_zones_of_every_kind() {
        let mut odd = pacific();
        odd["daylightOffset"]["month"] = json!(4);
        let mut without_summer = pacific();
        without_summer["daylightOffset"]["month"] = json!(0);
        for (zone, name) in [
            (json!({"name": "W. Europe Standard Time"}), "Europe/Berlin"),
            (json!({"name": "America/New_York"}), "America/New_York"),
            (pacific(), "America/Los_Angeles"),
            (odd, "<-0800>8:00<-0700>7:00,M4.2.0/02:00,M11.1.0/02:00"),
            (without_summer, "Etc/GMT+8"),
            (json!({"bias": -330, "name": "Customized Time Zone"}), "Asia/Kolkata"),
            (json!({"bias": -90, "name": "Customized Time Zone"}), "<+0130>-1:30"),
            (json!({"bias": 0, "name": ""}), "UTC"),
        ] {
            let week = read(&hours(zone.clone())).unwrap();
            assert_eq!(week.zone.name(), name, "{zone}");
            assert_eq!(Zone::named(name), Some(week.zone.clone()), "what is stored is read back");
            assert_eq!(week.hours.len(), 2, "{zone}");
        }
    }

    #[test]
    fn days_and_times_are_those_of_the_mailbox() {
        for (days, start, end, expected) in [
            (
                json!(["tuesday", "Thursday"]),
                "08:00",
                "17:30",
                vec!["Tuesday 08:00-17:30", "Thursday 08:00-17:30"],
            ),
            // Work that goes on past midnight, and all day long.
            (
                json!(["saturday", "someday"]),
                "22:00",
                "06:00",
                vec!["Saturday 22:00-24:00", "Sunday 00:00-06:00"],
            ),
            (json!(["friday"]), "00:00", "00:00", vec!["Friday 00:00-24:00"]),
            (json!([]), "08:00", "17:30", vec![]),
        ] {
            let mut week = hours(json!({"name": "UTC"}));
            week["daysOfWeek"] = days;
            week["startTime"] = json!(format!("{start}:00.0000000"));
            week["endTime"] = json!(format!("{end}:00.0000000"));
            let week = read(&week).unwrap();
            assert!(week.hours.iter().all(|hours| hours.check("workingHours").is_ok()));
            let shown: Vec<String> =
                week.hours.iter().map(|at| format!("{:?} {}-{}", at.day, at.start, at.end)).collect();
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn hours_that_make_no_sense_are_no_hours() {
        assert_eq!(read(&Value::Null), None);
        for (field, value) in [
            ("startTime", json!("soon")),
            ("startTime", json!("25:00:00")),
            ("endTime", Value::Null),
            ("daysOfWeek", json!("monday")),
            ("timeZone", json!({})),
            ("timeZone", json!({"name": "Customized Time Zone"})),
            ("timeZone", json!({"name": "Customized Time Zone", "bias": 1_000_000})),
            ("timeZone", json!({"name": "Customized Time Zone", "bias": i64::MIN})),
        ] {
            let mut week = hours(json!({"name": "UTC"}));
            week[field] = value.clone();
            assert_eq!(read(&week), None, "{field}: {value}");
        }
    }

    proptest! {
        #[test]
        fn a_bias_is_what_must_be_added_to_local_time(bias in -840i64..840, seconds in 0i64..4_000_000_000) {
            let week = read(&hours(json!({"name": "Customized Time Zone", "bias": bias}))).unwrap();
            let instant = Timestamp::from_seconds(seconds);
            // Zones of the database may have had other clocks in the past.
            if week.zone.name().starts_with('<') || seconds > 1_800_000_000 {
                let local = week.zone.local(instant);
                prop_assert_eq!(local + TimeDelta::minutes(bias), instant.to_chrono().naive_utc());
                prop_assert_eq!(week.zone.instant(local), Some(instant));
            }
        }
    }
}
