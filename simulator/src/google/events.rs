//! `events`: insert, import, get, patch, update, delete, move.

use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::{Event, View};
use super::event_body;
use super::invitations::{self, Audience};
use super::wire;
use super::world::{Role, World};
use super::{conference, zone::Zone};

/// How a change treats what the body leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    Patch,
    /// It goes back to its default.
    Replace,
}

/// `POST …/events`
pub fn insert(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let mut body = call.json()?;
    let id = match body.remove("id") {
        None | Some(Value::Null) => new_id(),
        Some(Value::String(id)) if is_valid_id(&id) => id,
        Some(_) => return Err(ApiError::invalid("Invalid resource id value.")),
    };
    let calendar = call.world.calendar_as(&call.account, calendar, Role::Writer)?;
    if calendar.events.contains_key(&id) {
        return Err(ApiError::duplicate());
    }
    create(call, calendar.id.clone(), id, body)
}

/// `POST …/events/import`: like an insert that is known by its `iCalUID`; nobody is invited.
pub fn import(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let mut body = call.json()?;
    body.remove("id");
    let uid = body.get("iCalUID").and_then(Value::as_str).unwrap_or_default().to_owned();
    if uid.is_empty() {
        return Err(ApiError::required("Missing iCal UID."));
    }
    let found = call.world.calendar_as(&call.account, calendar, Role::Writer)?;
    let known =
        found.events.values().find(|event| event.origin.is_none() && event.text("iCalUID") == Some(&uid));
    match known.map(|event| event.id.clone()) {
        Some(id) => change_with(call, calendar, &id, Change::Replace, body, Audience::Nobody),
        None => {
            let calendar = found.id.clone();
            create(call, calendar, new_id(), body)
        }
    }
}

fn create(
    call: &mut Call<'_>,
    calendar_id: String,
    id: String,
    mut body: Map<String, Value>,
) -> Result<Answer, ApiError> {
    let audience = Audience::read(&call.params)?;
    if !conference::is_wanted(&call.params)? {
        body.remove("conferenceData");
    }
    if body.get("eventType").and_then(Value::as_str) == Some("fromGmail") {
        return Err(ApiError::invalid("Events of type fromGmail cannot be created."));
    }
    let zone = zone_of(call.world, &calendar_id)?;
    let mut event = event_body::new_event(id, body, &zone, call.now)?;
    conference::request(&mut event, call.world, None, call.now)?;
    sign(&mut event, call, &calendar_id);
    let event = call.world.store_event(&calendar_id, event, call.now)?;
    invitations::created(call.control, call.world, &calendar_id, &event, audience, call.now);
    show(call, &calendar_id, &event)
}

/// Who made the event and whose it is, and which attendee is the calendar's owner.
fn sign(event: &mut Event, call: &Call<'_>, calendar_id: &str) {
    let own = call.account == calendar_id;
    let mut creator = json!({ "email": call.account });
    let mut organizer = json!({ "email": calendar_id, "self": true });
    if own {
        creator["self"] = json!(true);
    } else if let Some(calendar) = call.world.calendars.get(calendar_id) {
        organizer["displayName"] = calendar.summary.as_str().into();
    }
    event.fields.insert("creator".into(), creator);
    event.fields.insert("organizer".into(), organizer);
    mark_self(event, calendar_id);
}

fn mark_self(event: &mut Event, calendar_id: &str) {
    let attendees = event.fields.get_mut("attendees").and_then(Value::as_array_mut);
    for attendee in attendees.into_iter().flatten() {
        if attendee["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(calendar_id)) {
            attendee["self"] = json!(true);
            attendee["organizer"] = json!(true);
        }
    }
}

/// `GET …/events/{id}`
pub fn get(call: &mut Call<'_>, calendar: &str, id: &str) -> Result<Answer, ApiError> {
    let (found, role) = call.world.calendar(&call.account, calendar)?;
    if role < Role::Reader {
        return Err(ApiError::not_found());
    }
    let event = found.event(id)?;
    if wire::is_not_modified(call.headers, &event.etag()) {
        return Ok(Answer::NotModified);
    }
    let calendar_id = found.id.clone();
    show(call, &calendar_id, &event)
}

/// `PATCH` and `PUT …/events/{id}`
pub fn change(call: &mut Call<'_>, calendar: &str, id: &str, change: Change) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let audience = Audience::read(&call.params)?;
    change_with(call, calendar, id, change, body, audience)
}

fn change_with(
    call: &mut Call<'_>,
    calendar: &str,
    id: &str,
    change: Change,
    mut body: Map<String, Value>,
    audience: Audience,
) -> Result<Answer, ApiError> {
    let found = call.world.calendar_as(&call.account, calendar, Role::Writer)?;
    let before = found.event(id)?;
    let (calendar_id, zone) = (found.id.clone(), found.zone.clone());
    wire::check_if_match(call.headers, &before.etag())?;
    if !conference::is_wanted(&call.params)? {
        // Without the version, conference data is neither read nor touched.
        match (change, before.fields.get("conferenceData")) {
            (Change::Replace, Some(kept)) => body.insert("conferenceData".into(), kept.clone()),
            _ => body.remove("conferenceData"),
        };
    }
    let mut after = match change {
        Change::Patch => event_body::patched(&before, body, &zone)?,
        Change::Replace => event_body::replaced(&before, body, &zone)?,
    };
    conference::request(&mut after, call.world, Some(&before), call.now)?;
    mark_self(&mut after, &calendar_id);
    let after = call.world.store_event(&calendar_id, after, call.now)?;
    invitations::changed(call.control, call.world, &calendar_id, &before, &after, audience, call.now);
    show(call, &calendar_id, &after)
}

/// `DELETE …/events/{id}`: 204, and 410 when it was deleted before.
pub fn delete(call: &mut Call<'_>, calendar: &str, id: &str) -> Result<Answer, ApiError> {
    let audience = Audience::read(&call.params)?;
    let found = call.world.calendar_as(&call.account, calendar, Role::Writer)?;
    let before = found.event(id)?;
    let calendar_id = found.id.clone();
    if before.is_cancelled() {
        return Err(ApiError::deleted());
    }
    wire::check_if_match(call.headers, &before.etag())?;
    let mut after = before.clone();
    after.fields.insert("status".into(), json!("cancelled"));
    let after = call.world.store_event(&calendar_id, after, call.now)?;
    invitations::changed(call.control, call.world, &calendar_id, &before, &after, audience, call.now);
    Ok(Answer::NoContent)
}

/// `POST …/events/{id}/move?destination=`
pub fn move_to(call: &mut Call<'_>, calendar: &str, id: &str) -> Result<Answer, ApiError> {
    let destination = call.params.get("destination").map(str::to_owned);
    let destination = destination.ok_or_else(|| ApiError::required("Missing destination calendar."))?;
    let from = call.world.calendar_as(&call.account, calendar, Role::Writer)?;
    let event = from.event(id)?;
    let from = from.id.clone();
    let to = call.world.calendar_as(&call.account, &destination, Role::Writer)?;
    if event.is_cancelled() || event.origin.is_some() || event.text("eventType") != Some("default") {
        return Err(ApiError::invalid("This event cannot be moved."));
    }
    if to.events.contains_key(id) {
        return Err(ApiError::duplicate());
    }
    let to = to.id.clone();
    let exceptions: Vec<Event> =
        call.world.calendar(&call.account, &from)?.0.exceptions(id).cloned().collect();
    let mut moved = event.clone();
    sign(&mut moved, call, &to);
    let mut gone = event;
    gone.fields.insert("status".into(), json!("cancelled"));
    call.world.store_event(&from, gone, call.now)?;
    let moved = call.world.store_event(&to, moved, call.now)?;
    for exception in exceptions {
        call.world.store_event(&to, exception, call.now)?;
    }
    show(call, &to, &moved)
}

fn show(call: &Call<'_>, calendar_id: &str, event: &Event) -> Result<Answer, ApiError> {
    let (calendar, role) = call.world.calendar(&call.account, calendar_id)?;
    let zone = shown_in(&call.params, &calendar.zone)?;
    Ok(Answer::Json(event.render(&View { zone: &zone, role, minimal_cancelled: false })))
}

/// The zone of an answer's times: the `timeZone` parameter's, else the calendar's.
pub fn shown_in(params: &wire::Params, calendar_zone: &Zone) -> Result<Zone, ApiError> {
    match params.get("timeZone") {
        None => Ok(calendar_zone.clone()),
        Some(name) => Zone::named(name).ok_or_else(|| ApiError::invalid_parameter("timeZone", name)),
    }
}

fn zone_of(world: &World, calendar_id: &str) -> Result<Zone, ApiError> {
    world.calendars.get(calendar_id).map(|calendar| calendar.zone.clone()).ok_or_else(ApiError::not_found)
}

/// Whether a client may choose this id: base32hex in lower case, 5 to 1024 characters.
pub fn is_valid_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))
}

fn new_id() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    (0..26).map(|_| char::from(ALPHABET[fastrand::usize(..32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_base32hex() {
        for (id, valid) in [
            ("abcd", false),
            ("abcde", true),
            ("0123456789abcdefghijklmnopqrstuv", true),
            ("abcdw", false),
            ("ABCDE", false),
            ("abc_de", false),
        ] {
            assert_eq!(is_valid_id(id), valid, "{id}");
        }
        assert!(is_valid_id(&"a".repeat(1024)) && !is_valid_id(&"a".repeat(1025)));
        assert!(is_valid_id(&new_id()));
    }
}
