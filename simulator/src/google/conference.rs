//! Conference links: asked for by `createRequest`, made a little later.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::event::Event;
use super::wire::Params;
use super::world::World;

/// Whether the call's `conferenceDataVersion` lets conference data through.
pub fn is_wanted(params: &Params) -> Result<bool, ApiError> {
    match params.get("conferenceDataVersion") {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(ApiError::invalid_parameter("conferenceDataVersion", other)),
    }
}

/// Takes up a `createRequest` in the event: pending at first. A request id that was used before is ignored.
pub fn request(
    event: &mut Event,
    world: &World,
    before: Option<&Event>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let Some(data) = event.fields.get_mut("conferenceData") else {
        event.conference_due = None;
        event.fields.remove("hangoutLink");
        return Ok(());
    };
    let Some(request) = data.get_mut("createRequest") else {
        return Ok(());
    };
    let Some(id) = request["requestId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned) else {
        return Err(ApiError::required("Missing conference request id."));
    };
    let kind = request["conferenceSolutionKey"]["type"].as_str().unwrap_or("hangoutsMeet");
    if kind != "hangoutsMeet" {
        return Err(ApiError::invalid("Invalid conference type value."));
    }
    let earlier = before.and_then(|before| before.fields.get("conferenceData"));
    if let Some(earlier) = earlier.filter(|earlier| earlier["createRequest"]["requestId"] == id.as_str()) {
        *data = earlier.clone();
        return Ok(());
    }
    *data = json!({
        "createRequest": {
            "requestId": id,
            "conferenceSolutionKey": { "type": "hangoutsMeet" },
            "status": { "statusCode": "pending" },
        },
    });
    event.fields.remove("hangoutLink");
    event.conference_due = Some(now + SignedDuration::from_millis(world.behaviour.conference_delay_ms));
    if world.behaviour.conference_delay_ms <= 0 {
        decide(event, world.behaviour.conference_failure);
    }
    Ok(())
}

/// Decides every conference request whose time has come.
pub fn settle(world: &mut World, now: Timestamp) {
    let failure = world.behaviour.conference_failure;
    for (calendar, id) in std::mem::take(&mut world.pending_conferences) {
        let event = world.calendars.get(&calendar).and_then(|calendar| calendar.events.get(&id)).cloned();
        let Some(mut event) = event else { continue };
        match event.conference_due {
            Some(due) if due <= now => {
                decide(&mut event, failure);
                // The calendar was there a moment ago, so storing cannot fail.
                let _ = world.store_event(&calendar, event, now);
            }
            Some(_) => {
                world.pending_conferences.insert((calendar, id));
            }
            None => {}
        }
    }
}

fn decide(event: &mut Event, failure: bool) {
    event.conference_due = None;
    let Some(data) = event.fields.get_mut("conferenceData") else { return };
    if failure {
        data["createRequest"]["status"] = json!({ "statusCode": "failure" });
        return;
    }
    let letters =
        |count: usize| -> String { std::iter::repeat_with(fastrand::lowercase).take(count).collect() };
    let code = format!("{}-{}-{}", letters(3), letters(4), letters(3));
    let link = format!("https://meet.google.com/{code}");
    data["createRequest"]["status"] = json!({ "statusCode": "success" });
    data["conferenceId"] = Value::String(code.clone());
    data["conferenceSolution"] = json!({ "key": { "type": "hangoutsMeet" }, "name": "Google Meet" });
    data["entryPoints"] = json!([{
        "entryPointType": "video", "uri": link, "label": format!("meet.google.com/{code}"),
    }]);
    event.fields.insert("hangoutLink".into(), Value::String(link));
}
