//! `confirm-hold`: promotes a hold to a real event, in place: same event, same slot, people invited once.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    create_event::EventResult,
    event_fields::{self, EventFields},
    work::{Claim, Done, Run, Task, Undone},
};
use crate::{
    domain::{
        event::{CreationKey, Event, EventPatch, EventStatus, Transparency, Visibility},
        failure::{Action, Failure},
        hold::{Hold, HoldState},
        ids::HoldId,
    },
    ports::{Clock, Ports},
    providers::CALLS_TO_UPDATE,
    session::with_session,
    store::{
        Statement,
        holds::{self, Mover},
    },
};

/// What a producer writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = ConfirmHoldPayload))]
pub struct Payload {
    /// Which hold.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub hold_id: HoldId,
    /// The event's title; none given: the hold's.
    #[serde(default)]
    pub summary: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub fields: EventFields,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = ConfirmHoldResult))]
pub struct ConfirmedHold<'a> {
    hold_id: &'a HoldId,
    /// `confirmed`.
    state: &'static str,
    /// The event it has become.
    #[serde(flatten)]
    event: EventResult,
}

/// A checked request.
#[derive(Debug)]
pub struct ConfirmHold {
    hold: HoldId,
    summary: Option<String>,
    fields: EventFields,
}

impl Task for ConfirmHold {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        if let Some(summary) = &payload.summary {
            event_fields::check_summary(summary)?;
        }
        Ok(Self { hold: payload.hold_id, summary: payload.summary, fields: payload.fields.check(false)? })
    }

    fn reads(&self, claim: &Claim<'_>) -> Vec<Statement> {
        let connector = &claim.asked.connector;
        let mover =
            Mover { connector, hold: &self.hold, task: &claim.asked.task, claim: claim.name, now: claim.now };
        vec![holds::begin_confirm(&mover), holds::get(connector, &self.hold)]
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let hold = run.rows.get(1).and_then(|rows| rows.first()).map(holds::from_row).transpose()?;
        let hold = hold.ok_or_else(|| Failure::not_found("hold_not_found", "there is no such hold"))?;
        let (HoldState::Confirming, Some(event)) = (hold.state, hold.event.clone()) else {
            return Err(not_confirmable(run, &hold).into());
        };
        if hold.task != run.asked.task {
            return Err(not_confirmable(run, &hold).into());
        }
        let key = CreationKey::derive(&["confirm", run.asked.connector.as_str(), run.asked.task.as_str()]);
        let patch = self.patch(&key);
        let provider = run.app.providers.get(run.connector.provider)?.calendars();
        let planned = CALLS_TO_UPDATE + u32::from(patch.conference.is_some());
        let outcome = with_session(run.app, run.connector, planned, async |session| {
            session.call(provider.update_event(&hold.calendar, &event, patch, None)).await
        })
        .await;
        match outcome {
            Ok(event) => Ok(confirmed(run, &hold, event)),
            Err(failure) => Err(given_up(run, &hold, failure)),
        }
    }
}

impl ConfirmHold {
    fn patch(self, key: &CreationKey) -> EventPatch {
        EventPatch {
            summary: self.summary,
            description: self.fields.description,
            location: self.fields.location,
            times: None,
            attendees: self.fields.attendees,
            conference: self.fields.conference,
            recurrence: self.fields.recurrence,
            reminders: self.fields.reminders,
            visibility: Some(self.fields.visibility.unwrap_or(Visibility::Default)),
            transparency: Some(self.fields.transparency.unwrap_or(Transparency::Opaque)),
            status: Some(EventStatus::Confirmed),
            applied_by: Some(key.clone()),
        }
    }
}

fn confirmed<P: Ports>(run: &Run<'_, P>, hold: &Hold, event: Event) -> Done {
    let state = HoldState::Confirmed;
    let settle = holds::settle(hold, state, Some(&event.id), run.app.clock.now());
    let result = ConfirmedHold { hold_id: &hold.id, state: state.as_str(), event: event.into() };
    Done { writes: vec![settle], ..Done::with(json!(result)) }
}

/// A hold whose event is gone is over; after any other final failure it stands as before.
fn given_up<P: Ports>(run: &Run<'_, P>, hold: &Hold, failure: Failure) -> Undone {
    let state = if failure.action == Action::NotFound { HoldState::Cancelled } else { HoldState::Held };
    let writes = vec![holds::settle(hold, state, None, run.app.clock.now())];
    Undone { failure: Box::new(failure), writes, notifications: Vec::new() }
}

fn not_confirmable<P: Ports>(run: &Run<'_, P>, hold: &Hold) -> Failure {
    match hold.state {
        HoldState::Confirmed => Failure::conflict("hold_confirmed", "this hold is already confirmed"),
        HoldState::Cancelled | HoldState::Refused => {
            Failure::conflict("hold_cancelled", "this hold was given up")
        }
        HoldState::Expired => Failure::conflict("hold_expired", "this hold has run out"),
        HoldState::Held | HoldState::Placing | HoldState::Cancelling if hold.expires_at <= run.now => {
            Failure::conflict("hold_expired", "this hold has run out")
        }
        HoldState::Held | HoldState::Placing | HoldState::Confirming | HoldState::Cancelling => {
            hold.in_motion(run.now)
        }
    }
}
