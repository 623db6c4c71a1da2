//! `calendarView` and `instances`: events and occurrences between two instants.

use jiff::{SignedDuration, Timestamp};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::{Event, Window};
use super::events;
use super::query::{self, Filter};
use super::wire::Params;
use super::zone::read_instant;

/// The longest window, in days: five years.
const LONGEST_DAYS: i64 = 1_825;

/// Reads `startDateTime` and `endDateTime`.
pub fn read_window(params: &Params) -> Result<Window, ApiError> {
    let instant = |name: &str| -> Result<Timestamp, ApiError> {
        let text = params.get(name).ok_or_else(|| {
            ApiError::new(
                400,
                "ErrorInvalidParameter",
                "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.",
            )
        })?;
        read_instant(text)
    };
    let window = Window { from: instant("startDateTime")?, until: instant("endDateTime")? };
    let length = window.until.duration_since(window.from);
    if length <= SignedDuration::ZERO {
        return Err(ApiError::new(
            400,
            "ErrorInvalidParameter",
            "The EndDateTime parameter must be later than the StartDateTime parameter.",
        ));
    }
    if length > SignedDuration::from_hours(LONGEST_DAYS * 24) {
        return Err(ApiError::new(
            400,
            "ErrorCalendarViewRangeTooBig",
            format!(
                "Your request can't be completed. The range between the start and end dates is greater than the allowed range. Maximum number of days: {LONGEST_DAYS}"
            ),
        ));
    }
    Ok(window)
}

/// `GET .../calendarView`
pub fn list(call: &mut Call<'_>, calendar: Option<&str>) -> Result<Answer, ApiError> {
    let window = read_window(&call.params)?;
    let found = call.calendar(calendar)?;
    let number = found.number;
    let filter = Filter::read(&call.params)?;
    let mut events: Vec<Event> = found
        .events
        .values()
        .flat_map(|event| event.expand(window))
        .filter(|event| filter.accepts(event))
        .collect();
    events.sort_by_key(|event| (event.starts(), event.key));
    query::sort(&mut events, &call.params)?;
    show(call, number, "calendarView", &events)
}

/// `GET /me/events/{id}/instances`
pub fn instances(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let window = read_window(&call.params)?;
    let (calendar, event) = events::find(call, id)?;
    if event.recurrence.is_none() {
        return Err(ApiError::invalid_request(
            "Your request can't be completed. The event is not a series master.",
        ));
    }
    let found = event.expand(window);
    show(call, calendar, "events", &found)
}

fn show(call: &Call<'_>, calendar: u32, what: &str, events: &[Event]) -> Result<Answer, ApiError> {
    let view = call.view(calendar)?;
    call.page(what, events.iter().map(|event| view.event(event)).collect())
}
