//! `findMeetingTimes`: when several people of one organisation could meet.
//!
//! Suggestions begin on the half hour, lie within working hours unless told otherwise, and are ordered by confidence:
//! the average chance that the attendees come (free 100 %, unknown 49 %, busy 0 %).
//!
//! <https://learn.microsoft.com/en-us/graph/api/user-findmeetingtimes>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::Window;
use super::mailbox::Mailbox;
use super::schedule::{colleague, entries, weight};
use super::zone::read_date_time;

const STEP: SignedDuration = SignedDuration::from_mins(30);
/// Suggestions unless `maxCandidates` says otherwise.
const USUAL_CANDIDATES: usize = 20;

struct Person {
    address: String,
    /// Name, status and times of what is in the way; `None` for somebody outside the organisation.
    entries: Option<Vec<(Window, u8)>>,
}

impl Person {
    fn of(mailbox: &Mailbox, address: &str, window: Window) -> Self {
        let busy = entries(mailbox, window)
            .into_iter()
            .map(|event| {
                let times = Window { from: event.starts(), until: event.ends() };
                (times, weight(event.text("showAs").unwrap_or("busy")))
            })
            .collect();
        Self { address: address.to_owned(), entries: Some(busy) }
    }

    fn availability(&self, slot: Window) -> &'static str {
        let Some(entries) = &self.entries else {
            return "unknown";
        };
        let heaviest = entries
            .iter()
            .filter(|(times, _)| times.from < slot.until && times.until > slot.from)
            .map(|(_, weight)| *weight)
            .max();
        match heaviest.unwrap_or(0) {
            4 => "oof",
            3 => "busy",
            2 => "tentative",
            1 => "workingElsewhere",
            _ => "free",
        }
    }

    fn chance(availability: &str) -> f64 {
        match availability {
            "free" | "workingElsewhere" => 100.0,
            "unknown" | "tentative" => 49.0,
            _ => 0.0,
        }
    }
}

/// `POST /me/findMeetingTimes`
pub fn find(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let own = call.account()?;
    if own.is_personal() {
        return Err(ApiError::not_for_personal_accounts());
    }
    let body = call.json()?;
    let wish = Wish::read(call, &body)?;
    let overall = Window {
        from: wish.slots.iter().map(|slot| slot.from).min().unwrap_or(call.now),
        until: wish.slots.iter().map(|slot| slot.until).max().unwrap_or(call.now),
    };
    let organizer = Person::of(&own.mailbox, &own.email, overall);
    let attendees: Vec<Person> = wish
        .attendees
        .iter()
        .map(|address| match colleague(call.world, own, address) {
            Some(account) => Person::of(&account.mailbox, address, overall),
            None => Person { address: address.clone(), entries: None },
        })
        .collect();
    let mut organizer_ever_free = false;
    let mut found = Vec::new();
    for slot in wish.candidates(&own.mailbox) {
        let own_state = organizer.availability(slot);
        if !wish.organizer_optional && Person::chance(own_state) < 49.0 {
            continue;
        }
        organizer_ever_free = true;
        let states: Vec<&str> = attendees.iter().map(|person| person.availability(slot)).collect();
        let confidence = match states.len() {
            0 => 100.0,
            count => states.iter().map(|state| Person::chance(state)).sum::<f64>() / count as f64,
        };
        if confidence >= wish.least_confidence {
            found.push((slot, confidence, own_state, states));
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.from.cmp(&b.0.from)));
    found.truncate(wish.most);
    let suggestions: Vec<Value> = found
        .into_iter()
        .enumerate()
        .map(|(index, (slot, confidence, own_state, states))| {
            let availability: Vec<Value> = attendees
                .iter()
                .zip(states)
                .map(|(person, state)| json!({ "availability": state, "attendee": { "emailAddress": { "address": person.address } } }))
                .collect();
            let mut suggestion = json!({
                "confidence": confidence,
                "order": index + 1,
                "organizerAvailability": own_state,
                "attendeeAvailability": availability,
                "locations": [],
                "meetingTimeSlot": { "start": call.zone.date_time(slot.from), "end": call.zone.date_time(slot.until) },
            });
            if wish.with_reasons {
                suggestion["suggestionReason"] = "Suggested because it is one of the nearest times when all attendees are available.".into();
            }
            suggestion
        })
        .collect();
    let reason = match () {
        () if !suggestions.is_empty() => "",
        () if !organizer_ever_free => "OrganizerUnavailable",
        () if attendees.iter().any(|person| person.entries.is_none()) => "AttendeesUnavailableOrUnknown",
        () => "AttendeesUnavailable",
    };
    Ok(Answer::Json(json!({
        "@odata.context": format!("{}/v1.0/$metadata#microsoft.graph.meetingTimeSuggestionsResult", call.origin),
        "emptySuggestionsReason": reason,
        "meetingTimeSuggestions": suggestions,
    })))
}

/// What the request asks for.
struct Wish {
    attendees: Vec<String>,
    slots: Vec<Window>,
    duration: SignedDuration,
    most: usize,
    organizer_optional: bool,
    least_confidence: f64,
    with_reasons: bool,
    domain: String,
}

impl Wish {
    fn read(call: &Call<'_>, body: &Map<String, Value>) -> Result<Self, ApiError> {
        let invalid = |name: &str| {
            ApiError::new(
                400,
                "ErrorInvalidParameter",
                format!("The parameter '{name}' has an invalid value."),
            )
        };
        // Microsoft's own examples send numbers and booleans as strings.
        let flag = |name: &str| match body.get(name) {
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            Some(value) => value.as_bool().unwrap_or(false),
            None => false,
        };
        let number = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text.parse::<f64>().map(Some).map_err(|_| invalid(name)),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| invalid(name)),
        };
        let duration = match body.get("meetingDuration").and_then(Value::as_str) {
            None => STEP,
            Some(text) => text.parse().map_err(|_| invalid("meetingDuration"))?,
        };
        if duration <= SignedDuration::ZERO || duration > SignedDuration::from_hours(24) {
            return Err(invalid("meetingDuration"));
        }
        let constraint = body.get("timeConstraint").unwrap_or(&Value::Null);
        let domain = constraint["activityDomain"].as_str().unwrap_or("work").to_ascii_lowercase();
        let slots = match constraint["timeSlots"].as_array().or_else(|| constraint["timeslots"].as_array()) {
            Some(slots) => slots.iter().map(read_slot).collect::<Result<Vec<_>, _>>()?,
            // Without a time the next week is looked at.
            None => vec![Window { from: call.now, until: call.now + SignedDuration::from_hours(7 * 24) }],
        };
        let attendees = body.get("attendees").and_then(Value::as_array);
        let attendees = attendees
            .into_iter()
            .flatten()
            .map(|attendee| {
                attendee["emailAddress"]["address"]
                    .as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| invalid("attendees"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let most = number("maxCandidates")?.map_or(USUAL_CANDIDATES, |most| most.max(1.0) as usize);
        Ok(Self {
            attendees,
            slots,
            duration,
            most,
            organizer_optional: flag("isOrganizerOptional"),
            least_confidence: number("minimumAttendeePercentage")?.unwrap_or(50.0),
            with_reasons: flag("returnSuggestionReasons"),
            domain,
        })
    }

    /// Every time that could be suggested, in order.
    fn candidates(&self, mailbox: &Mailbox) -> Vec<Window> {
        let half_hour = STEP.as_secs();
        let mut found = Vec::new();
        for slot in &self.slots {
            let first = slot.from.as_second().div_euclid(half_hour)
                + i64::from(slot.from.as_second() % half_hour != 0);
            let mut from = Timestamp::from_second(first * half_hour).unwrap_or(slot.from);
            while from + self.duration <= slot.until {
                let candidate = Window { from, until: from + self.duration };
                if self.fits(mailbox, candidate) {
                    found.push(candidate);
                }
                from += STEP;
            }
        }
        found
    }

    fn fits(&self, mailbox: &Mailbox, candidate: Window) -> bool {
        if self.domain == "unrestricted" {
            return true;
        }
        let hours = &mailbox.working_hours;
        let day = hours.zone.local(candidate.from).date();
        hours
            .on(day, self.domain == "personal")
            .is_some_and(|(from, until)| candidate.from >= from && candidate.until <= until)
    }
}

fn read_slot(slot: &Value) -> Result<Window, ApiError> {
    let instant = |name: &str| {
        let (local, zone) = read_date_time(&slot[name], name)?;
        Ok(zone.instant(local))
    };
    let window = Window { from: instant("start")?, until: instant("end")? };
    if window.until <= window.from {
        return Err(ApiError::new(400, "ErrorInvalidTimeInterval", "A time slot must end after it starts."));
    }
    Ok(window)
}
