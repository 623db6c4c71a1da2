//! An attendee's answer: accept, accept tentatively, decline.

use serde_json::{Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::OwnResponse;
use super::events;
use super::zone::utc_stamp;

/// `POST /me/events/{id}/accept` and its two siblings.
pub fn respond(call: &mut Call<'_>, id: &str, response: &'static str) -> Result<Answer, ApiError> {
    let (calendar, before) = events::find(call, id)?;
    call.json()?;
    if before.is_organizer {
        return Err(ApiError::invalid_request(
            "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer.",
        ));
    }
    let mut event = before.clone();
    let change = call.world.next_change();
    event.response = OwnResponse { response, at: Some(call.now) };
    event.change = change;
    event.series_change = change;
    event.modified = call.now;
    let show_as = if response == "accepted" { "busy" } else { "tentative" };
    event.fields.insert("showAs".into(), show_as.into());
    // A declined meeting leaves the calendar, as Outlook has it.
    let after = if response == "declined" { None } else { Some(event) };
    events::store(call, calendar, &before, after)?;
    note_at_organizer(call, &before.ical_uid, &before.organizer.address, response);
    Ok(Answer::Accepted)
}

/// The organiser's copy learns who answered what.
fn note_at_organizer(call: &mut Call<'_>, uid: &str, organizer: &str, response: &str) {
    let status = json!({ "response": response, "time": utc_stamp(call.now) });
    let own = call.account.clone();
    let change = call.world.next_change();
    let Some(account) = call.world.accounts.get_mut(&organizer.to_ascii_lowercase()) else {
        return;
    };
    let (address, mut changed) = (account.email.clone(), None);
    for calendar in account.mailbox.calendars.values_mut() {
        for event in calendar.events.values_mut().filter(|event| event.is_organizer && event.ical_uid == uid)
        {
            let attendees = event.fields.get_mut("attendees").and_then(Value::as_array_mut);
            for attendee in attendees.into_iter().flatten() {
                if attendee["emailAddress"]["address"]
                    .as_str()
                    .is_some_and(|to| to.eq_ignore_ascii_case(&own))
                {
                    attendee["status"] = status.clone();
                }
            }
            event.change = change;
            changed = Some((calendar.number, event.key));
        }
    }
    if let Some((calendar, key)) = changed {
        call.world.note(&address, calendar, key, "updated", change);
    }
}
