//! The bodies of event writes: a new event, or the fields of a patch.

use serde_json::{Map, Value, json};

use super::{
    recurrence::{self, Beginning},
    wire::{self, CHANGE_PROPERTY, HOLD_PROPERTY, KEY_PROPERTY},
    zones::GraphZone,
};
use crate::{
    domain::{
        event::{
            Attendee, CreationKey, Event, EventDraft, EventPatch, EventStatus, EventTimes, Reminder,
            ReminderMethod, Transparency, Visibility,
        },
        failure::Failure,
        time::Timestamp,
        zone::Zone,
    },
    providers::CHANGES_KEPT,
};

/// An event that was read before it is changed.
#[derive(Debug)]
pub(super) struct Found {
    /// As Graph has it.
    pub(super) raw: Value,
    /// As we understand it.
    pub(super) event: Event,
}

impl Found {
    /// Whether it has a video conference.
    pub(super) fn is_online(&self) -> bool {
        self.raw["isOnlineMeeting"] == true
    }
}

/// The body of a new event. What Graph cannot do is refused with its field.
pub(super) fn insertion(draft: &EventDraft) -> Result<Value, Failure> {
    let mut body = Map::new();
    body.insert("transactionId".into(), draft.marker.key.as_str().into());
    body.insert("subject".into(), draft.summary.as_str().into());
    insert_some(&mut body, "body", draft.description.as_deref().map(text));
    insert_some(&mut body, "location", draft.location.as_deref().map(location));
    insert_times(&mut body, &draft.times);
    if !draft.attendees.is_empty() {
        body.insert("attendees".into(), draft.attendees.iter().map(attendee).collect());
    }
    if draft.conference {
        insert_conference(&mut body);
    }
    if !draft.recurrence.is_empty() {
        let begins = Beginning::of(&draft.times);
        body.insert("recurrence".into(), recurrence::to_graph(&draft.recurrence, &begins)?);
    }
    insert_reminders(&mut body, draft.reminders.as_deref())?;
    if draft.visibility == Visibility::Private {
        body.insert("sensitivity".into(), sensitivity(draft.visibility).into());
    }
    let shown = show_as(Some(draft.transparency), Some(draft.status), None);
    insert_some(&mut body, "showAs", shown);
    let hold = draft.marker.hold.as_ref().map(|hold| property(HOLD_PROPERTY, hold.as_str()));
    let key = property(KEY_PROPERTY, draft.marker.key.as_str());
    body.insert("singleValueExtendedProperties".into(), [key].into_iter().chain(hold).collect());
    Ok(Value::Object(body))
}

/// Whether the patch says too little without what is there: a named change may have been made already, Graph replaces the list of people and their answers as a whole,
/// a rule speaks of the event's start and a series of its own, one word of Graph's says both how certain an event is and
/// whether it takes time, and the text of a meeting holds its conference.
pub(super) fn rests_on_reading(patch: &EventPatch) -> bool {
    patch.applied_by.is_some()
        || patch.attendees.as_ref().is_some_and(|people| !people.is_empty())
        || patch.times.is_some() != patch.recurrence.as_ref().is_some_and(|lines| !lines.is_empty())
        || matches!((patch.transparency, patch.status), (Some(Transparency::Opaque), None) | (None, Some(_)))
        || patch.description.is_some()
        || patch.conference.is_some()
}

/// The body of a change; `found` is the event as it was, where the patch rests on that.
pub(super) fn patch(patch: &EventPatch, found: Option<&Found>) -> Result<Value, Failure> {
    let mut body = Map::new();
    insert_some(&mut body, "subject", patch.summary.as_deref());
    insert_some(&mut body, "body", patch.description.as_deref().map(|text| new_text(text, found)));
    insert_some(&mut body, "location", patch.location.as_deref().map(location));
    if let Some(times) = &patch.times {
        insert_times(&mut body, times);
    }
    if let Some(attendees) = &patch.attendees {
        let known = found.map(|found| wire::attendees(&found.raw)).unwrap_or_default();
        body.insert("attendees".into(), attendees.iter().map(|new| merged_attendee(new, known)).collect());
    }
    match (patch.conference, found.is_some_and(Found::is_online)) {
        (Some(true), false) => insert_conference(&mut body),
        (Some(false), true) => {
            return Err(Failure::rejected(
                "conference_stays",
                "conference",
                "a meeting in Outlook keeps its Teams conference; cancel it and create another without",
            ));
        }
        _ => {}
    }
    insert_some(&mut body, "recurrence", new_recurrence(patch, found)?);
    insert_reminders(&mut body, patch.reminders.as_deref())?;
    insert_some(&mut body, "sensitivity", patch.visibility.map(sensitivity));
    let shown = found.and_then(|found| found.raw["showAs"].as_str());
    insert_some(&mut body, "showAs", show_as(patch.transparency, patch.status, shown));
    if let Some(change) = &patch.applied_by {
        let made = found.map(|found| wire::changes(&found.raw)).unwrap_or_default();
        let changes: Vec<&str> =
            [change].into_iter().chain(&made).take(CHANGES_KEPT).map(CreationKey::as_str).collect();
        // The marker's properties stay: Graph changes those that are named.
        let remembered = property(CHANGE_PROPERTY, &changes.join(","));
        body.insert("singleValueExtendedProperties".into(), json!([remembered]));
    }
    Ok(Value::Object(body))
}

fn insert_some(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

fn property(id: &str, value: &str) -> Value {
    json!({ "id": id, "value": value })
}

fn text(content: &str) -> Value {
    json!({ "contentType": "text", "content": content })
}

fn location(name: &str) -> Value {
    json!({ "displayName": name })
}

/// Outlook's own line between the text of a meeting and how to join it.
const CONFERENCE_LINE: &str = "________________________________________";

/// A new text. A Teams meeting loses its conference with the part of its text that tells how to join, so that part stays:
/// from the element that holds Outlook's line to the end.
/// <https://learn.microsoft.com/en-us/graph/api/event-update#notes-for-updating-specific-properties>
fn new_text(content: &str, found: Option<&Found>) -> Value {
    let joining = found.filter(|found| found.is_online()).and_then(|found| {
        let html = found.raw["body"]["content"].as_str()?;
        let line = html.find(CONFERENCE_LINE)?;
        html.get(html[..line].rfind("<div").unwrap_or(line)..)
    });
    let Some(joining) = joining else { return text(content) };
    let mut html = String::from("<html><body>");
    for letter in content.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br>"),
            letter => html.push(letter),
        }
    }
    html.push_str(joining);
    json!({ "contentType": "html", "content": html })
}

/// Graph takes local times without an offset. An instant that clocks show a second time is told in UTC, for a local time
/// means the first. Whole days are shown alike everywhere, but the time they take is that from midnight to midnight in the
/// zone they are told in.
fn insert_times(body: &mut Map<String, Value>, times: &EventTimes) {
    let (start, end) = match times {
        EventTimes::Timed { interval, zone } => {
            let zone = GraphZone::of(zone).unwrap_or_else(GraphZone::utc);
            (instant(interval.start(), &zone), instant(interval.end(), &zone))
        }
        EventTimes::AllDay { start, end, zone } => {
            let zone = GraphZone::of_days(zone, *start).name;
            let midnight = |day| json!({ "dateTime": format!("{day}T00:00:00"), "timeZone": zone });
            (midnight(start), midnight(end))
        }
    };
    body.insert("start".into(), start);
    body.insert("end".into(), end);
    body.insert("isAllDay".into(), matches!(times, EventTimes::AllDay { .. }).into());
}

fn instant(at: Timestamp, zone: &GraphZone) -> Value {
    let local = zone.rules.local(at);
    let (local, name) = if zone.rules.instant(local) == Some(at) {
        (local, zone.name)
    } else {
        (Zone::utc().local(at), "UTC")
    };
    json!({ "dateTime": local.format("%Y-%m-%dT%H:%M:%S%.f").to_string(), "timeZone": name })
}

fn attendee(attendee: &Attendee) -> Value {
    let mut address = json!({ "address": attendee.email });
    if let Some(name) = &attendee.display_name {
        address["name"] = name.as_str().into();
    }
    json!({ "emailAddress": address, "type": if attendee.optional { "optional" } else { "required" } })
}

/// Somebody who stays keeps their answer, and a room stays a room.
fn merged_attendee(new: &Attendee, known: &[Value]) -> Value {
    let same =
        |entry: &&Value| wire::address(entry).is_some_and(|address| address.eq_ignore_ascii_case(&new.email));
    let Some(known) = known.iter().find(same) else {
        return attendee(new);
    };
    let mut entry = known.clone();
    if let Some(name) = &new.display_name {
        entry["emailAddress"]["name"] = name.as_str().into();
    }
    if new.optional || entry["type"] != "resource" {
        entry["type"] = attendee(new)["type"].take();
    }
    entry
}

fn insert_conference(body: &mut Map<String, Value>) {
    body.insert("isOnlineMeeting".into(), true.into());
    body.insert("onlineMeetingProvider".into(), "teamsForBusiness".into());
}

/// The new recurrence: the one asked for, or that of a series whose start is moved.
fn new_recurrence(patch: &EventPatch, found: Option<&Found>) -> Result<Option<Value>, Failure> {
    let before = found.and_then(|found| found.event.times.as_ref());
    match (&patch.recurrence, patch.times.as_ref().or(before)) {
        (Some(lines), _) if lines.is_empty() => Ok(Some(Value::Null)),
        (Some(lines), Some(times)) => recurrence::to_graph(lines, &Beginning::of(times)).map(Some),
        (Some(_), None) => Err(Failure::rejected(
            "recurrence_not_supported",
            "recurrence",
            "the event has no start to repeat from",
        )),
        (None, _) => {
            let (Some(found), Some(times)) = (found, &patch.times) else { return Ok(None) };
            let Some(old) = wire::beginning(&found.raw, before) else { return Ok(None) };
            recurrence::moved(&found.raw["recurrence"], &old, &Beginning::of(times)).map(Some)
        }
    }
}

/// Graph has one reminder, shown on the screen.
fn insert_reminders(body: &mut Map<String, Value>, reminders: Option<&[Reminder]>) -> Result<(), Failure> {
    let refused = |field: &str, why: &str| Err(Failure::rejected("reminder_not_supported", field, why));
    match reminders {
        None => {}
        Some([]) => {
            body.insert("isReminderOn".into(), false.into());
        }
        Some([Reminder { method: ReminderMethod::Popup, minutes }]) => {
            body.insert("isReminderOn".into(), true.into());
            body.insert("reminderMinutesBeforeStart".into(), (*minutes).into());
        }
        Some([Reminder { method: ReminderMethod::Email, .. }]) => {
            return refused("reminders[0].method", "Outlook reminds on the screen, not by mail");
        }
        Some([_, _, ..]) => return refused("reminders[1]", "Outlook has one reminder for an event"),
    }
    Ok(())
}

/// Everybody who sees the calendar sees a normal event: `public` has no word of its own.
fn sensitivity(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Private => "private",
        Visibility::Default | Visibility::Public => "normal",
    }
}

/// Graph's one word for how certain an event is and whether it takes time; `shown` is the one it has. `None` leaves that.
fn show_as(
    transparency: Option<Transparency>,
    status: Option<EventStatus>,
    shown: Option<&str>,
) -> Option<&'static str> {
    match (transparency, status) {
        (Some(Transparency::Transparent), _) => Some("free"),
        (_, Some(EventStatus::Tentative)) => Some("tentative"),
        (Some(Transparency::Opaque), Some(_)) => Some("busy"),
        (Some(Transparency::Opaque), None) => (shown == Some("free")).then_some("busy"),
        (None, Some(_)) => (shown == Some("tentative")).then_some("busy"),
        (None, None) => None,
    }
}
