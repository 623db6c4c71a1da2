//! Reading the times callers send: an instant with an offset, a local time in a named zone, or a date.

use chrono::{NaiveDate, NaiveDateTime};

use super::{
    failure::Failure,
    time::{Interval, Timestamp},
    zone::Zone,
};

/// The shapes of a local date and time (RFC 3339 without its offset; seconds may be left out).
const LOCAL_FORMS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// The instant `text` names: RFC 3339 with an offset or `Z` (then `zone` does not matter), a local time in `zone`
/// (`2026-03-29T09:00:00` or `2026-03-29T09:00`), or a date, which is the start of that day in `zone`.
///
/// A local time that the zone's clocks skip moves forward; one that they show twice is the first of the two.
pub fn parse_instant(text: &str, zone: &Zone, field: &str) -> Result<Timestamp, Failure> {
    let instant = if let Some(instant) = Timestamp::parse_rfc3339(text) {
        Some(instant)
    } else if let Some(local) = local(text) {
        zone.instant(local)
    } else {
        date(text).and_then(|date| zone.start_of_day(date))
    };
    instant.ok_or_else(|| {
        Failure::rejected(
            "bad_time",
            field,
            format!("expected a time such as 2026-03-29T09:00:00+02:00, or without an offset for a local time in {}, got {text:?}", zone.name()),
        )
    })
}

/// The window from `start` to `end`, both read by [`parse_instant`]; refused when it is empty.
pub fn parse_window(
    (start, start_field): (&str, &str),
    (end, end_field): (&str, &str),
    zone: &Zone,
) -> Result<Interval, Failure> {
    let start = parse_instant(start, zone, start_field)?;
    let end = parse_instant(end, zone, end_field)?;
    Interval::checked(start, end, end_field)
}

/// A calendar date: `2026-03-29`.
pub fn parse_date(text: &str, field: &str) -> Result<NaiveDate, Failure> {
    date(text).ok_or_else(|| {
        Failure::rejected("bad_date", field, format!("expected a date such as 2026-03-29, got {text:?}"))
    })
}

fn local(text: &str) -> Option<NaiveDateTime> {
    // The year and every other part have their full width: chrono alone would read `26-3-9T9:5`.
    is_date_like(text.get(..10)?).then_some(())?;
    (text.len() == 16 || text.len() >= 19).then_some(())?;
    LOCAL_FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

fn date(text: &str) -> Option<NaiveDate> {
    is_date_like(text).then(|| text.parse().ok()).flatten()
}

fn is_date_like(text: &str) -> bool {
    let digit =
        |index: usize, byte: u8| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10
        && !text.starts_with("0000")
        && text.bytes().enumerate().all(|(index, byte)| digit(index, byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instant(text: &str, zone: &str) -> Option<String> {
        let zone = Zone::named(zone).unwrap();
        parse_instant(text, &zone, "timeMin").ok().map(Timestamp::to_rfc3339)
    }

    #[test]
    fn times_are_read_with_their_offset_or_in_the_zone() {
        for (text, zone, expected) in [
            ("2026-03-28T09:00:00Z", "Europe/Berlin", "2026-03-28T09:00:00Z"),
            ("2026-03-28T09:00:00-05:00", "Europe/Berlin", "2026-03-28T14:00:00Z"),
            ("2026-03-28T09:00:00.250+01:00", "Europe/Berlin", "2026-03-28T08:00:00.250Z"),
            // The day before and the day of the change to summer time.
            ("2026-03-28T09:00:00", "Europe/Berlin", "2026-03-28T08:00:00Z"),
            ("2026-03-29T09:00:00", "Europe/Berlin", "2026-03-29T07:00:00Z"),
            ("2026-03-29T09:00", "Europe/Berlin", "2026-03-29T07:00:00Z"),
            // 02:30 is skipped that night, and the other one comes twice.
            ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00Z"),
            ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00Z"),
            ("2026-10-25T02:30:00+01:00", "Europe/Berlin", "2026-10-25T01:30:00Z"),
            // A date is the start of its day, also where the day does not start at midnight.
            ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z"),
            ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00Z"),
            ("2026-09-06", "America/Santiago", "2026-09-06T04:00:00Z"),
            ("2026-07-01T12:00:00", "Asia/Kolkata", "2026-07-01T06:30:00Z"),
            ("2026-07-01T12:00:00", "Pacific Standard Time", "2026-07-01T19:00:00Z"),
        ] {
            assert_eq!(instant(text, zone).as_deref(), Some(expected), "{text} in {zone}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_field() {
        for text in [
            "",
            "now",
            "2026-3-9",
            "26-03-09",
            "2026-02-30",
            "2026-03-29T",
            "2026-03-29T9:00",
            "2026-03-29T25:00:00",
            "2026-03-29 09:00",
            "20260329T090000Z",
            "2026-03-29T09:00:00+2",
            "1774774800",
            "+2026-03-29T09:00:00",
            "2026-03-29T09:00:00 Europe/Berlin",
            "0000-01-01",
        ] {
            let failure = parse_instant(text, &Zone::utc(), "timeMin").unwrap_err();
            assert_eq!((failure.code.as_ref(), failure.field()), ("bad_time", Some("timeMin")), "{text:?}");
        }
    }

    #[test]
    fn dates_are_calendar_dates_and_nothing_else() {
        assert_eq!(parse_date("2028-02-29", "start"), Ok(NaiveDate::from_ymd_opt(2028, 2, 29).unwrap()));
        for text in ["2026-02-29", "2026-2-9", "2026-03-29T00:00:00Z", "+2026-03-29", "today"] {
            assert_eq!(parse_date(text, "start").unwrap_err().field(), Some("start"), "{text}");
        }
    }

    #[test]
    fn a_window_that_ends_before_it_starts_is_refused_at_its_end() {
        let window = |start, end| {
            parse_window((start, "timeMin"), (end, "timeMax"), &Zone::named("Europe/Berlin").unwrap())
        };
        // A day of 23 hours.
        let day = window("2026-03-29", "2026-03-30").unwrap();
        assert_eq!(day.duration(), chrono::TimeDelta::hours(23));
        assert_eq!(window("2026-03-30", "2026-03-30").unwrap_err().field(), Some("timeMax"));
        assert_eq!(window("soon", "2026-03-30").unwrap_err().field(), Some("timeMin"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let berlin = Zone::named("Europe/Berlin").unwrap();
            let _ = parse_instant(&text, &berlin, "timeMin");
            let _ = parse_date(&text, "start");
        }

        #[test]
        fn an_instant_shown_in_any_zone_is_read_back(millis in 0i64..4_102_444_800_000) {
            let at = Timestamp::from_millis(millis);
            for name in ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"] {
                let zone = Zone::named(name).unwrap();
                prop_assert_eq!(parse_instant(&zone.to_rfc3339(at), &Zone::utc(), "x"), Ok(at));
            }
        }
    }
}
