//! `getSchedule`: when colleagues are busy. For work accounts only, and of default calendars only.
//!
//! <https://learn.microsoft.com/en-us/graph/api/calendar-getschedule>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::{Event, Window};
use super::mailbox::Mailbox;
use super::world::{Account, World};
use super::zone::read_date_time;
use crate::control::faults::Fault;

/// The most schedules in one call.
const MOST_SCHEDULES: usize = 20;
/// A window must be shorter than this, in days.
const LONGEST_DAYS: i64 = 62;
/// The most entries of one schedule.
const MOST_ENTRIES: usize = 1_000;

/// `POST /me/calendar/getSchedule`
pub fn get_schedule(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let own = call.account()?;
    if own.is_personal() {
        return Err(ApiError::not_for_personal_accounts());
    }
    let body: serde_json::Map<String, Value> =
        call.json()?.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let schedules: Vec<&str> = body
        .get("schedules")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .filter(|list: &Vec<&str>| !list.is_empty())
        .ok_or_else(|| {
            ApiError::new(400, "ErrorInvalidParameter", "The parameter 'schedules' must not be empty.")
        })?;
    if schedules.len() > MOST_SCHEDULES {
        return Err(ApiError::new(
            400,
            "ErrorIdentityArrayTooBig",
            format!(
                "There are too many target users in the array. The maximum number is {MOST_SCHEDULES}, and the actual number is {}.",
                schedules.len()
            ),
        ));
    }
    let window = read_window(&body)?;
    let interval = match body.get("availabilityviewinterval") {
        None | Some(Value::Null) => 30,
        Some(value) => value.as_i64().filter(|minutes| (5..=1440).contains(minutes)).ok_or_else(|| {
            ApiError::new(
                400,
                "ErrorInvalidMergedFreeBusyInterval",
                "The merged free/busy interval must be between 5 and 1440 minutes.",
            )
        })?,
    };
    let value: Vec<Value> =
        schedules.into_iter().map(|address| schedule(call, own, address, window, interval)).collect();
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.scheduleInformation)", call.origin);
    Ok(Answer::Json(json!({ "@odata.context": context, "value": value })))
}

fn read_window(body: &serde_json::Map<String, Value>) -> Result<Window, ApiError> {
    let instant = |name: &str| -> Result<Timestamp, ApiError> {
        let value = body.get(&name.to_ascii_lowercase()).ok_or_else(|| {
            ApiError::new(400, "ErrorInvalidParameter", format!("The parameter '{name}' is required."))
        })?;
        let (local, zone) = read_date_time(value, name)?;
        Ok(zone.instant(local))
    };
    let window = Window { from: instant("startTime")?, until: instant("endTime")? };
    let length = window.until.duration_since(window.from);
    if length <= SignedDuration::ZERO {
        return Err(ApiError::new(
            400,
            "ErrorInvalidTimeInterval",
            "The start time must be earlier than the end time.",
        ));
    }
    if length >= SignedDuration::from_hours(LONGEST_DAYS * 24) {
        let days = length.as_secs().div_euclid(86_400) + i64::from(length.as_secs() % 86_400 > 0);
        return Err(ApiError::new(
            400,
            "ErrorTimeIntervalTooBig",
            format!(
                "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. The allowed limit = {LONGEST_DAYS} days; the actual limit = {days} days."
            ),
        ));
    }
    Ok(window)
}

/// The account of the same organisation with this address.
pub fn colleague<'a>(world: &'a World, own: &Account, address: &str) -> Option<&'a Account> {
    world.find_account(address).filter(|account| account.tenant == own.tenant)
}

/// What a mailbox's default calendar holds in a window, in order.
pub fn entries(mailbox: &Mailbox, window: Window) -> Vec<Event> {
    let calendar = mailbox.calendars.get(&mailbox.default_calendar);
    let mut found: Vec<Event> = calendar
        .into_iter()
        .flat_map(|calendar| calendar.events.values())
        .flat_map(|event| event.expand(window))
        .collect();
    found.sort_by_key(|event| (event.starts(), event.key));
    found
}

/// How much a status weighs where several overlap.
pub fn weight(status: &str) -> u8 {
    match status {
        "oof" => 4,
        "busy" => 3,
        "tentative" => 2,
        "workingElsewhere" => 1,
        _ => 0,
    }
}

fn schedule(call: &Call<'_>, own: &Account, address: &str, window: Window, interval: i64) -> Value {
    let failed = |code: &str, message: String| {
        json!({
            "scheduleId": address,
            "availabilityView": "",
            "scheduleItems": [],
            "workingHours": null,
            "error": { "message": message, "responseCode": code },
        })
    };
    if let Some((code, message)) = scripted_failure(call, own, address) {
        return failed(&code, message);
    }
    let Some(account) = colleague(call.world, own, address) else {
        return failed(
            "ErrorMailRecipientNotFound",
            format!("Unable to resolve e-mail address <>SMTP:{address} to an Active Directory object."),
        );
    };
    let mailbox = &account.mailbox;
    let found = entries(mailbox, window);
    if found.len() > MOST_ENTRIES {
        return failed(
            "5006",
            format!(
                "The result set contains too many calendar entries. The allowed size = {MOST_ENTRIES}; the actual size = {}.",
                found.len()
            ),
        );
    }
    let is_own = account.email == own.email;
    let items: Vec<Value> = found
        .iter()
        .map(|event| {
            let mut item = json!({
                "isPrivate": event.text("sensitivity") == Some("private"),
                "status": event.text("showAs").unwrap_or("busy"),
                "start": call.zone.date_time(event.starts()),
                "end": call.zone.date_time(event.ends()),
            });
            // Colleagues see when, not what.
            if is_own {
                item["subject"] = event.subject().into();
                item["location"] =
                    event.fields.get("location").map_or(Value::Null, |place| place["displayName"].clone());
                item["isMeeting"] = (!event.attendees().is_empty()).into();
                item["isRecurring"] = event.key.day.is_some().into();
                item["isException"] = (event.kind == super::event::Kind::Exception).into();
                item["isReminderSet"] = event.fields.get("isReminderOn").cloned().unwrap_or(Value::Null);
            }
            item
        })
        .collect();
    json!({
        "scheduleId": address,
        "availabilityView": availability(call, &found, window, interval),
        "scheduleItems": items,
        "workingHours": mailbox.working_hours.render(),
    })
}

/// The route's name for faults that hit one schedule of a call; `match.calendar` is the schedule's address.
pub const ROUTE: &str = "getSchedule.schedule";

/// The error that a fault asks for: its reason, and its message.
fn scripted_failure(call: &Call<'_>, own: &Account, address: &str) -> Option<(String, String)> {
    let part = crate::control::provider::Call {
        route: ROUTE,
        account: Some(own.email.clone()),
        calendar: Some(address.to_owned()),
    };
    match call.control.faults().take(&part)? {
        Fault::Scripted(answer) => Some((
            answer.reason.unwrap_or_else(|| "ErrorProxyRequestProcessingFailed".to_owned()),
            answer.message.unwrap_or_else(|| "The free/busy information could not be read.".to_owned()),
        )),
        Fault::Plain(_) => Some(("ErrorTimeoutExpired".to_owned(), "The request timed out.".to_owned())),
    }
}

/// One digit for each slot of the window: the heaviest status in it.
fn availability(call: &Call<'_>, found: &[Event], window: Window, interval: i64) -> String {
    let step = SignedDuration::from_mins(interval);
    let mut view = String::new();
    let mut from = window.from;
    while from < window.until {
        let slot = Window { from, until: (from + step).min(window.until) };
        let heaviest = found
            .iter()
            .filter(|event| event.overlaps(slot))
            .map(|event| weight(event.text("showAs").unwrap_or("busy")))
            .max();
        view.push(match heaviest.unwrap_or(0) {
            4 => '3',
            3 => '2',
            2 => '1',
            1 => call.world.behaviour.working_elsewhere_digit,
            _ => '0',
        });
        from += step;
    }
    view
}
