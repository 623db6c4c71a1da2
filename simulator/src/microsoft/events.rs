//! Events: listed, created once per `transactionId`, read, changed, deleted, cancelled.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use serde_json::{Map, Value};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::{Event, Kind, OwnResponse, Person, new_ical_uid};
use super::event_body::{self, Writing};
use super::ids::{self, ItemKey};
use super::meetings;
use super::query::{self, Filter};
use super::wire;
use super::zone::Zone;

/// `GET .../events`: singles and series, not expanded.
pub fn list(call: &mut Call<'_>, calendar: Option<&str>) -> Result<Answer, ApiError> {
    let found = call.calendar(calendar)?;
    let number = found.number;
    let filter = Filter::read(&call.params)?;
    let mut events: Vec<Event> =
        found.events.values().filter(|event| filter.accepts(event)).cloned().collect();
    query::sort(&mut events, &call.params)?;
    let view = call.view(number)?;
    call.page("events", events.iter().map(|event| view.event(event)).collect())
}

/// `POST .../events`
pub fn create(call: &mut Call<'_>, calendar: Option<&str>) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let found = call.calendar(calendar)?;
    if !found.can_edit {
        return Err(ApiError::access_denied());
    }
    let number = found.number;
    let wanted = body.get("transactionId").and_then(Value::as_str);
    if let Some((on, earlier)) = wanted.and_then(|id| by_transaction(call, id)) {
        if call.world.behaviour.duplicate_transaction_conflicts {
            return Err(ApiError { status: 409, ..ApiError::duplicate_transaction(None) });
        }
        // The client lost our first answer; it gets it again, and nothing is made twice.
        if earlier.created_from == body {
            return show(call, on, &earlier).map(Answer::Created);
        }
        let named = call.view(on)?.id(earlier.key);
        return Err(ApiError::duplicate_transaction(Some(named)));
    }
    let account = call.account()?;
    let organizer = Person { name: account.name.clone(), address: account.email.clone() };
    let writing = Writing { creating: true, teams: !account.is_personal() };
    let (key, change) = (ItemKey::whole(call.world.next_event()), call.world.next_change());
    let mut event = blank(key, organizer, change, call.now);
    event_body::apply(&mut event, &body, writing)?;
    event.created_from = body;
    call.world.put_event(&call.account, number, event.clone(), "created");
    meetings::announce(call, number, None, Some(&event));
    show(call, number, &event).map(Answer::Created)
}

/// An event with nothing in it yet.
pub fn blank(key: ItemKey, organizer: Person, change: u64, now: jiff::Timestamp) -> Event {
    Event {
        key,
        kind: Kind::Single,
        fields: event_body::defaults(),
        start: DateTime::ZERO,
        start_zone: Zone::utc(),
        end: DateTime::ZERO,
        end_zone: Zone::utc(),
        all_day: false,
        shown_zone: None,
        recurrence: None,
        exceptions: BTreeMap::new(),
        cancelled_days: BTreeSet::new(),
        transaction_id: None,
        created_from: Map::new(),
        ical_uid: new_ical_uid(),
        created: now,
        modified: now,
        change,
        series_change: change,
        organizer,
        is_organizer: true,
        response: OwnResponse { response: "organizer", at: None },
        is_cancelled: false,
        online_meeting: None,
        properties: Vec::new(),
        original_start: None,
    }
}

fn by_transaction(call: &Call<'_>, id: &str) -> Option<(u32, Event)> {
    let calendars = call.mailbox().ok()?.calendars.values();
    calendars
        .flat_map(|calendar| calendar.events.values().map(|event| (calendar.number, event)))
        .find(|(_, event)| event.transaction_id.as_deref() == Some(id))
        .map(|(number, event)| (number, event.clone()))
}

/// `GET /me/events/{id}`
pub fn get(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let (calendar, event) = find(call, id)?;
    show(call, calendar, &event).map(Answer::Json)
}

/// The calendar and the event or occurrence that an id names.
pub fn find(call: &Call<'_>, id: &str) -> Result<(u32, Event), ApiError> {
    let mailbox = call.mailbox()?;
    let (calendar, key) = mailbox.find(id)?;
    let event = mailbox.item(calendar, key).ok_or_else(ApiError::item_not_found)?;
    Ok((calendar, event))
}

/// One event as the answer to a call.
pub fn show(call: &Call<'_>, calendar: u32, event: &Event) -> Result<Value, ApiError> {
    let shown = call.view(calendar)?.event(event);
    let mut answer = Map::from_iter([("@odata.context".to_owned(), call.context("events/$entity").into())]);
    answer.extend(super::event_view::select(shown, call.params.get("$select")));
    Ok(Value::Object(answer))
}

/// `PATCH /me/events/{id}`
pub fn update(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let (calendar, before) = find(call, id)?;
    wire::check_if_match(call.headers, &ids::etag(before.change))?;
    let body = call.json()?;
    let account = call.account()?;
    if !account.mailbox.calendars.get(&calendar).is_some_and(|calendar| calendar.can_edit) {
        return Err(ApiError::access_denied());
    }
    let writing = Writing { creating: false, teams: !account.is_personal() };
    let mut event = before.clone();
    event_body::apply(&mut event, &body, writing)?;
    let change = call.world.next_change();
    event.change = change;
    event.series_change = change;
    event.modified = call.now;
    store(call, calendar, &before, Some(event.clone()))?;
    show(call, calendar, &event).map(Answer::Json)
}

/// Puts a changed event, or a changed occurrence of a series, in its place; `None` deletes it.
pub fn store(
    call: &mut Call<'_>,
    calendar: u32,
    before: &Event,
    after: Option<Event>,
) -> Result<(), ApiError> {
    let Some(day) = before.key.day else {
        match &after {
            Some(event) => call.world.put_event(&call.account, calendar, event.clone(), "updated"),
            None => drop(call.world.remove_event(&call.account, calendar, before.key.event)),
        }
        meetings::announce(call, calendar, Some(before), after.as_ref());
        return Ok(());
    };
    let change = call.world.next_change();
    let account = call.account.clone();
    let found = call.world.accounts.get_mut(&account);
    let found = found.and_then(|account| account.mailbox.calendars.get_mut(&calendar));
    let found = found.ok_or_else(ApiError::item_not_found)?;
    let series = found.events.get_mut(&before.key.event).ok_or_else(ApiError::item_not_found)?;
    let was = series.clone();
    series.change = change;
    series.modified = call.now;
    let kind = match after {
        Some(event) => {
            series.exceptions.insert(day, Event { kind: Kind::Exception, ..event });
            "updated"
        }
        None => {
            series.exceptions.remove(&day);
            series.cancelled_days.insert(day);
            found.tombstones.push((change, before.key));
            "deleted"
        }
    };
    let is = found.events.get(&before.key.event).cloned();
    call.world.note(&account, calendar, before.key, kind, change);
    meetings::announce_occurrence(call, calendar, &was, is.as_ref(), before.key);
    Ok(())
}

/// `DELETE /me/events/{id}`
pub fn delete(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let (calendar, event) = find(call, id)?;
    wire::check_if_match(call.headers, &ids::etag(event.change))?;
    if !call.mailbox()?.calendars.get(&calendar).is_some_and(|calendar| calendar.can_edit) {
        return Err(ApiError::access_denied());
    }
    store(call, calendar, &event, None)?;
    Ok(Answer::NoContent)
}

/// `POST /me/events/{id}/cancel`: for organisers only; the event goes, the attendees are told.
pub fn cancel(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let (calendar, event) = find(call, id)?;
    let body = call.json()?;
    if let Some(name) = body.keys().find(|name| !name.eq_ignore_ascii_case("comment")) {
        return Err(ApiError::unknown_property(name, "cancel"));
    }
    if !event.is_organizer {
        return Err(ApiError::invalid_request(
            "Your request can't be completed. You need to be an organizer to cancel a meeting.",
        ));
    }
    store(call, calendar, &event, None)?;
    Ok(Answer::Accepted)
}
