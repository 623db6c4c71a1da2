//! Instants and days as callers write them.

use chrono::{NaiveDate, NaiveDateTime};

use super::{failure::Failure, time::Timestamp, zone::Zone};

/// Reads an instant: RFC 3339 with an offset, or a local time in `zone` (`2026-03-29T09:00:00`, seconds optional). `field`
/// names it in the rejection.
pub fn parse_instant(text: &str, zone: &Zone, field: &str) -> Result<Timestamp, Failure> {
    let instant = Timestamp::parse_rfc3339(text).or_else(|| {
        let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .into_iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
        zone.instant(local)
    });
    instant.ok_or_else(|| {
        Failure::rejected(
            "bad_instant",
            field,
            format!("expected RFC 3339 such as 2026-03-29T09:00:00+02:00, or a local time such as 2026-03-29T09:00:00, got {text:?}"),
        )
    })
}

/// Reads a day, `YYYY-MM-DD`.
pub fn parse_date(text: &str, field: &str) -> Result<NaiveDate, Failure> {
    let date = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    date.ok_or_else(|| {
        Failure::rejected("bad_date", field, format!("expected a day such as 2026-03-29, got {text:?}"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_carry_an_offset_or_are_local_across_summer_time() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for (text, instant) in [
            ("2026-03-28T09:00:00", "2026-03-28T08:00:00Z"),
            ("2026-03-30T09:00:00", "2026-03-30T07:00:00Z"),
            ("2026-03-30T09:00", "2026-03-30T07:00:00Z"),
            ("2026-03-30T09:00:00.000", "2026-03-30T07:00:00Z"),
            ("2026-03-30T09:00:00Z", "2026-03-30T09:00:00Z"),
            ("2026-03-30T09:00:00-07:00", "2026-03-30T16:00:00Z"),
        ] {
            assert_eq!(parse_instant(text, &berlin, "start").unwrap().to_rfc3339(), instant, "{text}");
        }
        for text in ["", "2026-03-30", "09:00", "2026-02-30T09:00:00", "next week", "2026-03-30 09:00:00"] {
            assert_eq!(parse_instant(text, &berlin, "start").unwrap_err().field(), Some("start"), "{text}");
        }
    }

    #[test]
    fn days_are_written_in_full() {
        assert_eq!(
            parse_date("2026-03-29", "start").map(|date| date.to_string()),
            Ok("2026-03-29".to_owned())
        );
        for text in ["", "2026-3-29", "29.03.2026", "2026-02-30", "2026-03-29T00:00:00Z"] {
            assert_eq!(parse_date(text, "start").unwrap_err().field(), Some("start"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _instant = parse_instant(&text, &Zone::utc(), "start");
            let _date = parse_date(&text, "start");
        }
    }
}
