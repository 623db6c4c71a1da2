//! What attendees get: mail in the outbox, and a copy of the meeting in the calendar of those who have an account here.
//!
//! Graph has no way to keep it from happening: whoever puts attendees on an event invites them.

use std::collections::BTreeSet;

use serde_json::Map;

use super::api::Call;
use super::event::{Event, OwnResponse};
use super::ids::{IdForm, ItemKey, event_id};
use super::zone::utc_stamp;
use crate::control::outbox::Mail;

/// Properties whose change is worth a mail.
const WORTH_A_MAIL: [&str; 3] = ["subject", "body", "locations"];

/// An event was created (no `before`), changed, or deleted (no `after`).
pub fn announce(call: &mut Call<'_>, calendar: u32, before: Option<&Event>, after: Option<&Event>) {
    let either = after.or(before);
    let Some(event) = either.filter(|event| event.is_organizer) else {
        return;
    };
    let was = before.map(guests).unwrap_or_default();
    let is = after.map(guests).unwrap_or_default();
    let id = own_id(call, calendar, event.key);
    mail(call, event, &id, "invitation", is.difference(&was));
    if before.zip(after).is_some_and(|(before, after)| differ(before, after)) {
        mail(call, event, &id, "update", is.intersection(&was));
    }
    mail(call, event, &id, "cancellation", was.difference(&is));
    for guest in was.difference(&is) {
        withdraw(call, guest, event);
    }
    if let Some(event) = after {
        for guest in &is {
            copy(call, guest, event);
        }
    }
}

/// One occurrence of a series was changed or deleted; `was` and `is` are the series.
pub fn announce_occurrence(
    call: &mut Call<'_>,
    calendar: u32,
    was: &Event,
    is: Option<&Event>,
    key: ItemKey,
) {
    let Some(series) = is.filter(|event| event.is_organizer) else {
        return;
    };
    let guests = guests(was);
    let kind = if key.day.is_some_and(|day| series.cancelled_days.contains(&day)) {
        "cancellation"
    } else {
        "update"
    };
    let id = own_id(call, calendar, key);
    mail(call, series, &id, kind, guests.iter());
    for guest in &guests {
        copy(call, guest, series);
    }
}

fn guests(event: &Event) -> BTreeSet<String> {
    let organizer = event.organizer.address.to_ascii_lowercase();
    event.attendees().into_iter().filter(|address| *address != organizer).collect()
}

fn differ(before: &Event, after: &Event) -> bool {
    let times = |event: &Event| {
        (event.start, event.end, event.start_zone.name().to_owned(), event.all_day, event.recurrence.clone())
    };
    times(before) != times(after)
        || before.online_meeting != after.online_meeting
        || WORTH_A_MAIL.iter().any(|name| before.fields.get(*name) != after.fields.get(*name))
}

fn own_id(call: &Call<'_>, calendar: u32, key: ItemKey) -> String {
    let mailbox = call.mailbox().map_or(0, |mailbox| mailbox.number);
    event_id(IdForm::Immutable, mailbox, calendar, key)
}

fn mail<'a>(
    call: &Call<'_>,
    event: &Event,
    id: &str,
    kind: &'static str,
    to: impl Iterator<Item = &'a String>,
) {
    let calendar = call.mailbox().map_or(0, |mailbox| mailbox.default_calendar);
    let mut outbox = call.control.outbox();
    for address in to {
        outbox.send(Mail {
            at: utc_stamp(call.now),
            kind,
            from: event.organizer.address.clone(),
            to: address.clone(),
            calendar: calendar.to_string(),
            event_id: id.to_owned(),
            subject: event.subject().to_owned(),
        });
    }
}

/// The calendar and number of a guest's copy of a meeting.
fn find_copy(call: &Call<'_>, guest: &str, meeting: &Event) -> Option<(u32, Event)> {
    let mailbox = call.world.mailbox(guest)?;
    mailbox.calendars.values().find_map(|calendar| {
        let copy = calendar
            .events
            .values()
            .find(|event| event.ical_uid == meeting.ical_uid && !event.is_organizer)?;
        Some((calendar.number, copy.clone()))
    })
}

fn copy(call: &mut Call<'_>, guest: &str, meeting: &Event) {
    let Some(default) = call.world.mailbox(guest).map(|mailbox| mailbox.default_calendar) else {
        return;
    };
    let known = find_copy(call, guest, meeting);
    let change = call.world.next_change();
    let (calendar, key, kind) = match &known {
        Some((calendar, copy)) => (*calendar, copy.key, "updated"),
        None => (default, ItemKey::whole(call.world.next_event()), "created"),
    };
    let mut copy = Event {
        key,
        transaction_id: None,
        created_from: Map::new(),
        properties: Vec::new(),
        change,
        series_change: change,
        modified: call.now,
        is_organizer: false,
        response: OwnResponse { response: "notResponded", at: None },
        ..meeting.clone()
    };
    // What the guest decided stays; until then the time is held.
    let show_as = match &known {
        Some((_, before)) => {
            copy.response = before.response;
            copy.created = before.created;
            before.text("showAs").unwrap_or("tentative").to_owned()
        }
        None => {
            copy.created = call.now;
            "tentative".to_owned()
        }
    };
    copy.fields.insert("showAs".into(), show_as.as_str().into());
    for exception in copy.exceptions.values_mut() {
        exception.key.event = key.event;
        exception.is_organizer = false;
        exception.response = copy.response;
        exception.properties.clear();
        exception.fields.insert("showAs".into(), show_as.as_str().into());
    }
    call.world.put_event(guest, calendar, copy, kind);
}

/// The guest's copy stays, marked as cancelled, until the guest removes it.
fn withdraw(call: &mut Call<'_>, guest: &str, meeting: &Event) {
    if let Some((calendar, mut copy)) = find_copy(call, guest, meeting) {
        let change = call.world.next_change();
        copy.is_cancelled = true;
        copy.change = change;
        copy.series_change = change;
        copy.modified = call.now;
        let subject = format!("Canceled: {}", copy.subject());
        copy.fields.insert("subject".into(), subject.into());
        copy.fields.insert("showAs".into(), "free".into());
        call.world.put_event(guest, calendar, copy, "updated");
    }
}
