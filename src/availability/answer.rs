//! The answer as callers read it.

use serde::Serialize;

use super::{Busy, Question};
use crate::domain::{
    busy::WorkingWeek,
    connector::Connector,
    ids::CalendarId,
    time::{Interval, Timestamp},
    working_hours::WorkingHours,
    zone::Zone,
};

/// When an account is busy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Availability {
    /// Busy time over all calendars: in order, apart from each other, inside the window.
    pub busy: Vec<Span>,
    /// Whether every calendar asked about was heard. If not, time that is not in `busy` may still be busy.
    pub complete: bool,
    /// The calendars that could not be heard.
    pub calendar_errors: Vec<CalendarError>,
    /// The week's working hours, local to `workingHoursTimeZone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_hours: Option<Vec<WorkingHours>>,
    /// The zone of the working hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_hours_time_zone: Option<String>,
    /// The zone `busy` is written in.
    pub time_zone: String,
    /// When the provider was asked, RFC 3339 in UTC.
    pub as_of: String,
}

/// A stretch of time, half-open, RFC 3339 with the offset of the asked zone at that instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Span {
    /// Its first instant.
    pub start: String,
    /// The first instant after it.
    pub end: String,
}

/// A calendar whose busy time is not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct CalendarError {
    /// Which one.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub calendar_id: CalendarId,
    /// The provider's reason.
    pub code: String,
    /// For a human.
    pub message: String,
}

impl Span {
    /// The interval by the clocks of the zone.
    pub(super) fn written(interval: Interval, zone: &Zone) -> Self {
        Self { start: zone.to_rfc3339(interval.start()), end: zone.to_rfc3339(interval.end()) }
    }
}

/// Writes the answer. Preferred working hours win over the provider's.
pub(super) fn write(
    connector: &Connector,
    question: &Question,
    busy: &Busy,
    as_of: Timestamp,
) -> Availability {
    let zone = &question.zone;
    let week = working_week(connector, busy);
    Availability {
        busy: busy.busy.iter().map(|interval| Span::written(*interval, zone)).collect(),
        complete: busy.unknown.is_empty(),
        calendar_errors: busy
            .unknown
            .iter()
            .map(|(calendar, reason)| CalendarError {
                calendar_id: calendar.clone(),
                code: reason.code.clone(),
                message: reason.message.clone(),
            })
            .collect(),
        working_hours_time_zone: week.as_ref().map(|week| week.zone.name().to_owned()),
        working_hours: week.map(|week| week.hours),
        time_zone: zone.name().to_owned(),
        as_of: as_of.to_rfc3339(),
    }
}

/// Preferred working hours in the preferred zone, else the provider's; none when neither says. Hours that make no sense
/// are left out as a whole: part of a week would look like a short one.
pub(super) fn working_week(connector: &Connector, busy: &Busy) -> Option<WorkingWeek> {
    let preferences = &connector.preferences;
    let preferred = preferences.working_hours.as_ref().map(|hours| WorkingWeek {
        hours: hours.clone(),
        zone: preferences
            .time_zone
            .as_deref()
            .and_then(Zone::named)
            .unwrap_or_else(|| connector.zone.clone()),
    });
    let week = preferred.or_else(|| busy.working_week.clone())?;
    if let Some(failure) = week.hours.iter().find_map(|hours| hours.check("workingHours").err()) {
        tracing::warn!(connector = %connector.id, %failure, "working hours left out");
        return None;
    }
    Some(week)
}
