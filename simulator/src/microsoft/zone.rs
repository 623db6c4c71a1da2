//! Time zones by their Windows or IANA names, and the times Graph writes with them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use windows_timezones::WindowsTimezone;

use super::errors::ApiError;

/// A zone under the name somebody gave it, Windows or IANA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Looks a zone up by its Windows or IANA name; the name is kept as it was given.
    pub fn named(name: &str) -> Option<Self> {
        let iana = match name {
            "UTC" | "tzone://Microsoft/Utc" | "Etc/GMT" | "Etc/UTC" => "UTC",
            other => match other.parse::<WindowsTimezone>() {
                Ok(windows) => windows.tzdb_id(),
                Err(_) => other,
            },
        };
        let rules = if iana == "UTC" { TimeZone::UTC } else { TimeZone::get(iana).ok()? };
        Some(Self { name: name.to_owned(), rules })
    }

    /// Looks a zone up, or refuses the request that named it.
    pub fn checked(name: &str) -> Result<Self, ApiError> {
        Self::named(name).ok_or_else(|| ApiError::time_zone_not_supported(name))
    }

    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instant of a local time; in a gap it moves forward, in a fold the first of the two counts.
    pub fn instant(&self, local: DateTime) -> Timestamp {
        self.rules.to_ambiguous_timestamp(local).compatible().unwrap_or(Timestamp::MAX)
    }

    /// The local time of an instant.
    pub fn local(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }

    /// A `dateTimeTimeZone`: local time with seven decimals, and the zone's name.
    pub fn date_time(&self, instant: Timestamp) -> Value {
        floating(self.local(instant), &self.name)
    }
}

/// A `dateTimeTimeZone` of a local time.
pub fn floating(local: DateTime, zone: &str) -> Value {
    json!({ "dateTime": format!("{}.0000000", local.strftime("%Y-%m-%dT%H:%M:%S")), "timeZone": zone })
}

/// Reads a `dateTimeTimeZone`: the local time and its zone, UTC when none is named.
///
/// A `dateTime` with an offset is converted to the zone first.
pub fn read_date_time(value: &Value, property: &str) -> Result<(DateTime, Zone), ApiError> {
    let text = value
        .get("dateTime")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::property_required(&format!("{property}.dateTime")))?;
    let zone = match value.get("timeZone").and_then(Value::as_str) {
        None | Some("") => Zone::utc(),
        Some(name) => Zone::checked(name)?,
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok((whole_second(zone.local(instant)), zone));
    }
    let local: DateTime = text.parse().map_err(|_| ApiError::bad_date(text))?;
    Ok((whole_second(local), zone))
}

/// Reads a query's instant: ISO 8601, in UTC when it has no offset.
pub fn read_instant(text: &str) -> Result<Timestamp, ApiError> {
    // An unescaped `+` of an offset arrives as a space.
    let text = text.trim().replace(' ', "+");
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let local: DateTime = text.parse().map_err(|_| ApiError::bad_date(&text))?;
    Ok(Zone::utc().instant(local))
}

/// RFC 3339 in UTC with seven decimals, as `createdDateTime` is written.
pub fn utc_stamp(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

/// RFC 3339 in UTC to the second.
pub fn utc_second(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn whole_second(local: DateTime) -> DateTime {
    local.with().subsec_nanosecond(0).build().unwrap_or(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_iana_names_mean_the_same_zone() {
        let instant: Timestamp = "2026-03-29T12:00:00Z".parse().unwrap();
        for (name, local) in [
            ("UTC", "2026-03-29T12:00:00.0000000"),
            ("tzone://Microsoft/Utc", "2026-03-29T12:00:00.0000000"),
            ("W. Europe Standard Time", "2026-03-29T14:00:00.0000000"),
            ("Europe/Berlin", "2026-03-29T14:00:00.0000000"),
            ("Pacific Standard Time", "2026-03-29T05:00:00.0000000"),
            ("India Standard Time", "2026-03-29T17:30:00.0000000"),
        ] {
            let shown = Zone::named(name).unwrap().date_time(instant);
            assert_eq!(shown, json!({ "dateTime": local, "timeZone": name }));
        }
        assert_eq!(
            Zone::checked("Middle-earth Standard Time").unwrap_err().code,
            "TimeZoneNotSupportedException"
        );
    }

    #[test]
    fn date_times_are_read_with_decimals_offsets_and_without_a_zone() {
        for (value, expected) in [
            (
                json!({"dateTime": "2026-03-29T09:00:00.0000000", "timeZone": "Europe/Berlin"}),
                "2026-03-29T07:00:00Z",
            ),
            (json!({"dateTime": "2026-03-29T09:00:00"}), "2026-03-29T09:00:00Z"),
            (
                json!({"dateTime": "2026-03-29T09:00:00Z", "timeZone": "Tokyo Standard Time"}),
                "2026-03-29T09:00:00Z",
            ),
            (json!({"dateTime": "2026-03-29", "timeZone": "UTC"}), "2026-03-29T00:00:00Z"),
        ] {
            let (local, zone) = read_date_time(&value, "start").unwrap();
            assert_eq!(zone.instant(local).to_string(), expected, "{value}");
        }
        for value in
            [json!({}), json!({"dateTime": "soon"}), json!({"dateTime": "2026-01-01", "timeZone": "Nowhere"})]
        {
            assert!(read_date_time(&value, "start").is_err(), "{value}");
        }
    }

    #[test]
    fn a_query_instant_without_offset_is_in_utc() {
        for (text, expected) in [
            ("2026-03-01T09:00:00", "2026-03-01T09:00:00Z"),
            ("2026-03-01T09:00:00.0000000Z", "2026-03-01T09:00:00Z"),
            ("2026-03-01T09:00:00 01:00", "2026-03-01T08:00:00Z"),
            ("2026-03-01", "2026-03-01T00:00:00Z"),
        ] {
            assert_eq!(read_instant(text).unwrap().to_string(), expected, "{text}");
        }
    }
}
