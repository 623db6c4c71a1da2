//! `place-hold`: keeps a slot for a while, by a tentative, private event on the calendar itself. The slot is reserved with us
//! first, in the round trip of the claim, so that of two racing holds exactly one wins.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    event_fields,
    work::{Claim, Done, Run, Task, Undone},
};
use crate::{
    availability,
    domain::{
        event::{CreationKey, Event, EventDraft, EventStatus, EventTimes, Marker, Transparency, Visibility},
        event_time::parse_instant,
        failure::{Action, Failure},
        hold::{Hold, HoldState},
        ids::{CalendarId, EventId, HoldId},
        time::{Interval, Timestamp},
        zone::Zone,
    },
    ports::{Clock, Ports},
    providers::CalendarProvider,
    session::{Session, with_session},
    store::{
        Statement,
        holds::{self, Mover, Reservation},
    },
};

/// How long a hold lasts when its producer does not say.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// The title of a hold when its producer does not say.
const TITLE: &str = "Hold";

/// What a producer writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = PlaceHoldPayload))]
pub struct Payload {
    /// The producer's id of the hold.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub hold_id: HoldId,
    /// First instant of the slot: RFC 3339, or local in `timeZone`.
    pub start: String,
    /// First instant after it.
    pub end: String,
    /// The zone the event is shown in.
    pub time_zone: String,
    /// What the event is called.
    #[serde(default)]
    pub title: Option<String>,
    /// When the hold runs out; none given: 15 minutes from now.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Where; none given: the connector's booking calendar.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub calendar_id: Option<CalendarId>,
    /// Place it even on a slot that is busy or held.
    #[serde(default)]
    pub allow_conflicts: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = PlaceHoldResult))]
pub struct PlacedHold<'a> {
    hold_id: &'a HoldId,
    /// `held`.
    state: &'static str,
    event_id: Option<&'a EventId>,
    calendar_id: &'a CalendarId,
    /// First instant of the slot, RFC 3339 in UTC.
    start: String,
    /// First instant after it.
    end: String,
    /// When the hold runs out.
    expires_at: String,
}

/// A checked request.
#[derive(Debug)]
pub struct PlaceHold {
    hold: HoldId,
    slot: Interval,
    zone: Zone,
    title: String,
    expires_at: Option<Timestamp>,
    calendar: Option<CalendarId>,
    allow_conflicts: bool,
}

impl Task for PlaceHold {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        if payload.hold_id.as_str().is_empty() {
            return Err(Failure::rejected("empty_field", "holdId", "expected the hold's own id"));
        }
        let title = payload.title.unwrap_or_else(|| TITLE.to_owned());
        event_fields::check_summary(&title)
            .map_err(|_| Failure::rejected("field_too_long", "title", "expected a shorter title"))?;
        let zone = Zone::checked(&payload.time_zone, "timeZone")?;
        let expires_at =
            payload.expires_at.map(|text| parse_instant(&text, &zone, "expiresAt")).transpose()?;
        Ok(Self {
            hold: payload.hold_id,
            slot: event_fields::slot(&payload.start, &payload.end, &zone)?,
            zone,
            title,
            expires_at,
            calendar: payload.calendar_id,
            allow_conflicts: payload.allow_conflicts,
        })
    }

    fn reads(&self, claim: &Claim<'_>) -> Vec<Statement> {
        let connector = &claim.asked.connector;
        let key =
            CreationKey::derive(&["hold", connector.as_str(), self.hold.as_str(), claim.asked.task.as_str()]);
        let mover =
            Mover { connector, hold: &self.hold, task: &claim.asked.task, claim: claim.name, now: claim.now };
        let reservation = Reservation {
            calendar: self.calendar.as_ref(),
            key: &key,
            slot: self.slot,
            expires_at: self.expires_at.unwrap_or_else(|| claim.now.plus(LIFETIME)),
            exclusive: !self.allow_conflicts,
        };
        vec![holds::reserve(&mover, &reservation), holds::get(connector, &self.hold)]
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let hold = run.rows.get(1).and_then(|rows| rows.first()).map(holds::from_row).transpose()?;
        let hold = hold.ok_or_else(slot_held)?;
        if hold.state != HoldState::Placing || hold.task != run.asked.task {
            return self.not_reserved(run, &hold);
        }
        if hold.expires_at <= run.app.clock.now() {
            let why = "expected an instant in the future";
            return Err(refuse(&hold, run, Failure::rejected("already_expired", "expiresAt", why)));
        }
        let provider = run.app.providers.get(run.connector.provider)?.calendars();
        let planned = 1 + u32::from(run.repeated) + u32::from(!self.allow_conflicts);
        let outcome = with_session(run.app, run.connector, planned, async |session| {
            if run.repeated
                && let Some(event) = session.call(provider.find_event(&hold.calendar, &hold.key)).await?
            {
                return Ok(Some(event));
            }
            if !self.allow_conflicts && self.is_busy(run, &hold, session).await? {
                return Ok(None);
            }
            self.write(&hold, provider, session).await.map(Some)
        })
        .await;
        match outcome {
            Ok(Some(event)) if event.status == EventStatus::Cancelled => Err(Undone {
                writes: vec![holds::settle(&hold, HoldState::Refused, None, run.app.clock.now())],
                ..Failure::conflict("hold_removed", "the hold's event was deleted from the calendar").into()
            }),
            Ok(Some(event)) => Ok(placed(&hold, &event, run.app.clock.now())),
            Ok(None) => {
                Err(refuse(&hold, run, Failure::conflict("slot_busy", "the calendar is busy in that slot")))
            }
            // A failure that will be tried again keeps the reservation; the runner writes this only for a final one.
            Err(failure) => Err(refuse(&hold, run, failure)),
        }
    }
}

impl PlaceHold {
    async fn is_busy<P: Ports>(
        &self,
        run: &Run<'_, P>,
        hold: &Hold,
        session: &mut Session<'_, P>,
    ) -> Result<bool, Failure> {
        // The hold's own calendar counts too, whether or not the person looks at it.
        let mut calendars = availability::choose(run.connector, run.calendars, None);
        let is_it =
            |id: &CalendarId| *id == hold.calendar || run.is_primary(id) && run.is_primary(&hold.calendar);
        if !calendars.iter().any(is_it) {
            calendars.push(hold.calendar.clone());
        }
        let question =
            availability::Question { calendars: Some(calendars), window: self.slot, zone: self.zone.clone() };
        let answer = availability::ask(run.app, run.connector, run.calendars, &question, session).await?;
        if let Some((calendar, unknown)) = answer.unknown.first() {
            let message = format!("calendar {calendar} could not be checked: {}", unknown.message);
            return Err(Failure::conflict("availability_unknown", message));
        }
        Ok(!answer.busy.is_empty())
    }

    async fn write<P: Ports>(
        &self,
        hold: &Hold,
        provider: &dyn CalendarProvider,
        session: &mut Session<'_, P>,
    ) -> Result<Event, Failure> {
        let draft = EventDraft {
            calendar: hold.calendar.clone(),
            marker: Marker { key: hold.key.clone(), hold: Some(hold.id.clone()) },
            summary: self.title.clone(),
            description: None,
            location: None,
            times: EventTimes::Timed { interval: hold.slot, zone: self.zone.clone() },
            attendees: Vec::new(),
            conference: false,
            recurrence: Vec::new(),
            reminders: Some(Vec::new()),
            visibility: Visibility::Private,
            transparency: Transparency::Opaque,
            status: EventStatus::Tentative,
        };
        session.call(provider.create_event(draft)).await
    }

    /// Another hold has the slot, or this hold stands already, or its end is not to be undone by a late message.
    fn not_reserved<P: Ports>(&self, run: &Run<'_, P>, hold: &Hold) -> Result<Done, Undone> {
        let same_task = hold.task == run.asked.task;
        let failure = match hold.state {
            HoldState::Held if hold.slot == self.slot => return Ok(Done::with(result(hold))),
            HoldState::Held | HoldState::Confirming => Failure::conflict(
                "hold_exists",
                "this hold is already placed, on another slot or being confirmed",
            ),
            HoldState::Confirmed => Failure::conflict("hold_confirmed", "this hold is already confirmed"),
            // What an earlier run of this very task gave up is not to be waited for.
            HoldState::Cancelling | HoldState::Cancelled | HoldState::Expired if same_task => {
                Failure::conflict("hold_cancelled", "this hold was cancelled before it was placed")
            }
            HoldState::Placing | HoldState::Cancelling => hold.in_motion(run.now),
            HoldState::Cancelled | HoldState::Expired | HoldState::Refused => slot_held(),
        };
        Err(failure.into())
    }
}

fn slot_held() -> Failure {
    Failure::conflict("slot_held", "another hold keeps a part of that slot")
}

/// Gives the reservation up, with the reason. An earlier attempt whose answer was lost may have left an event on the calendar
/// that was not to be found yet, and so may an answer that nobody understands: the expiry takes it off.
fn refuse<P: Ports>(hold: &Hold, run: &Run<'_, P>, failure: Failure) -> Undone {
    let now = run.app.clock.now();
    let write = if run.repeated || failure.action == Action::Fatal {
        holds::abandon(hold, now)
    } else {
        holds::settle(hold, HoldState::Refused, None, now)
    };
    Undone { writes: vec![write], ..failure.into() }
}

fn placed(hold: &Hold, event: &Event, now: Timestamp) -> Done {
    let held = Hold { state: HoldState::Held, event: Some(event.id.clone()), ..hold.clone() };
    Done {
        writes: vec![holds::settle(hold, HoldState::Held, Some(&event.id), now)],
        ..Done::with(result(&held))
    }
}

fn result(hold: &Hold) -> serde_json::Value {
    json!(PlacedHold {
        hold_id: &hold.id,
        state: hold.state.as_str(),
        event_id: hold.event.as_ref(),
        calendar_id: &hold.calendar,
        start: hold.slot.start().to_rfc3339(),
        end: hold.slot.end().to_rfc3339(),
        expires_at: hold.expires_at.to_rfc3339(),
    })
}
