//! `PATCH /v1/connectors/{id}`: a change to preferences, checked against what the account really has.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::body::unfit;
use crate::domain::{
    calendar::{Calendar, CalendarAccess},
    connector::Preferences,
    failure::Failure,
    ids::CalendarId,
    zone::Zone,
};

/// The most calendars or stretches of working hours accepted.
const MOST: usize = 200;

/// The names of all preferences.
const KNOWN: [&str; 5] =
    ["availabilityCalendars", "bookingCalendar", "workingHours", "timeZone", "onConflict"];

/// A change: what is absent stays, `null` goes back to the default (RFC 7396).
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct PreferencesChange {
    /// The preferences that change.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Preferences))]
    preferences: Map<String, Value>,
}

/// The preferences after a change.
pub(super) fn change(
    current: &Preferences,
    change: PreferencesChange,
    calendars: &[Calendar],
) -> Result<Preferences, Failure> {
    let mut merged = match serde_json::to_value(current) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    for (name, value) in change.preferences {
        if !KNOWN.contains(&name.as_str()) {
            let field = format!("preferences.{name}");
            return Err(Failure::rejected(
                "unknown_preference",
                field,
                format!("expected one of {}", KNOWN.join(", ")),
            ));
        }
        match value {
            Value::Null => merged.remove(&name),
            value => merged.insert(name, value),
        };
    }
    let preferences: Preferences = serde_path_to_error::deserialize(Value::Object(merged))
        .map_err(|error| unfit(&error.path().to_string(), error.inner()).under("preferences"))?;
    check(&preferences, calendars).map_err(|failure| failure.under("preferences"))?;
    Ok(preferences)
}

fn check(preferences: &Preferences, calendars: &[Calendar]) -> Result<(), Failure> {
    if let Some(listed) = &preferences.availability_calendars {
        at_most(listed.len(), "availabilityCalendars")?;
        for (index, id) in listed.iter().enumerate() {
            find(id, calendars, &format!("availabilityCalendars[{index}]"))?;
        }
    }
    if let Some(id) = &preferences.booking_calendar {
        let calendar = find(id, calendars, "bookingCalendar")?;
        if calendar.access < CalendarAccess::Write {
            return Err(Failure::rejected(
                "calendar_read_only",
                "bookingCalendar",
                "the account may not write to this calendar",
            ));
        }
    }
    if let Some(hours) = &preferences.working_hours {
        at_most(hours.len(), "workingHours")?;
        for (index, stretch) in hours.iter().enumerate() {
            stretch.check(&format!("workingHours[{index}]"))?;
        }
    }
    if let Some(zone) = &preferences.time_zone {
        Zone::checked(zone, "timeZone")?;
    }
    Ok(())
}

fn at_most(count: usize, field: &str) -> Result<(), Failure> {
    if count <= MOST {
        return Ok(());
    }
    Err(Failure::rejected("bad_value", field, format!("expected at most {MOST}")))
}

fn find<'a>(id: &CalendarId, calendars: &'a [Calendar], field: &str) -> Result<&'a Calendar, Failure> {
    calendars.iter().find(|calendar| calendar.id == *id).ok_or_else(|| {
        Failure::rejected("unknown_calendar", field, format!("the account has no calendar with the id {id}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn calendars() -> Vec<Calendar> {
        [("own", CalendarAccess::Own), ("team", CalendarAccess::Read)]
            .map(|(id, access)| Calendar {
                id: id.into(),
                name: id.to_owned(),
                zone: None,
                primary: id == "own",
                access,
                selected: true,
            })
            .to_vec()
    }

    fn apply(current: &Preferences, preferences: Value) -> Result<Preferences, Failure> {
        change(current, serde_json::from_value(json!({ "preferences": preferences })).unwrap(), &calendars())
    }

    #[test]
    fn what_is_absent_stays_and_null_resets() {
        let first = apply(
            &Preferences::default(),
            json!({"availabilityCalendars": ["own", "team"], "timeZone": "Europe/Paris", "onConflict": "reapply"}),
        )
        .unwrap();
        let second = apply(&first, json!({"bookingCalendar": "own", "timeZone": null})).unwrap();
        assert_eq!(second.availability_calendars, first.availability_calendars);
        assert_eq!((second.booking_calendar, second.time_zone), (Some("own".into()), None));
        assert_eq!(second.on_conflict, first.on_conflict);
        assert_eq!(apply(&first, json!({})).unwrap(), first);
    }

    #[test]
    fn each_fault_is_told_with_its_field() {
        for (preferences, code, field) in [
            (json!({"bookingCalender": "own"}), "unknown_preference", "preferences.bookingCalender"),
            (
                json!({"availabilityCalendars": ["own", "x"]}),
                "unknown_calendar",
                "preferences.availabilityCalendars[1]",
            ),
            (json!({"availabilityCalendars": "own"}), "wrong_type", "preferences.availabilityCalendars"),
            (json!({"bookingCalendar": "x"}), "unknown_calendar", "preferences.bookingCalendar"),
            (json!({"bookingCalendar": "team"}), "calendar_read_only", "preferences.bookingCalendar"),
            (json!({"timeZone": "Mars/Olympus"}), "unknown_time_zone", "preferences.timeZone"),
            (json!({"onConflict": "fight"}), "wrong_type", "preferences.onConflict"),
            (
                json!({"workingHours": [{"day": "monday", "start": "17:00", "end": "09:00"}]}),
                "bad_working_hours",
                "preferences.workingHours[0].end",
            ),
            (
                json!({"workingHours": [{"day": "monday"}]}),
                "missing_field",
                "preferences.workingHours[0].start",
            ),
        ] {
            let failure = apply(&Preferences::default(), preferences.clone()).unwrap_err();
            assert_eq!((failure.code.as_ref(), failure.field()), (code, Some(field)), "{preferences}");
        }
    }
}
