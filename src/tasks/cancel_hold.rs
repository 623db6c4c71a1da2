//! `cancel-hold`: gives a hold up and takes its event off the calendar. One that is gone is a success. Cron asks for the
//! same when a hold runs out; that is told as `calendar.hold.expired`.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::work::{self, Claim, Done, Run, Task, Undone};
use crate::{
    domain::{
        event::EventStatus,
        failure::Failure,
        hold::{Hold, HoldState},
        ids::HoldId,
        notification::{NotificationType, data::HoldExpired},
        time::Timestamp,
    },
    ports::{Clock, Ports},
    providers::{CALLS_TO_DELETE, Deletion},
    session::with_session,
    store::{
        Statement,
        holds::{self, Mover},
    },
};

/// Why a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum Reason {
    /// Its owner gave it up.
    #[default]
    Cancelled,
    /// It ran out; ends it only if that is true.
    Expired,
}

/// What a producer writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = CancelHoldPayload))]
pub struct Payload {
    /// Which hold.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub hold_id: HoldId,
    /// Why.
    #[serde(default)]
    pub reason: Reason,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = CancelHoldResult))]
pub struct Cancellation<'a> {
    hold_id: &'a HoldId,
    /// Where the hold stands: `cancelled`, or how it had ended before; `unknown` where there is no such hold.
    state: &'static str,
    /// Whether there was nothing left to take off the calendar.
    already_gone: bool,
}

/// A checked request.
#[derive(Debug)]
pub struct CancelHold {
    hold: HoldId,
    reason: Reason,
}

impl Task for CancelHold {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        Ok(Self { hold: payload.hold_id, reason: payload.reason })
    }

    fn reads(&self, claim: &Claim<'_>) -> Vec<Statement> {
        let connector = &claim.asked.connector;
        let mover =
            Mover { connector, hold: &self.hold, task: &claim.asked.task, claim: claim.name, now: claim.now };
        vec![holds::begin_cancel(&mover, self.reason == Reason::Expired), holds::get(connector, &self.hold)]
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let hold = run.rows.get(1).and_then(|rows| rows.first()).map(holds::from_row).transpose()?;
        let Some(hold) = hold else {
            return Ok(self.done(&self.hold, "unknown", true));
        };
        if hold.state != HoldState::Cancelling || hold.task != run.asked.task {
            return self.nothing_to_cancel(&hold, run.now);
        }
        let provider = run.app.providers.get(run.connector.provider)?.calendars();
        let planned = CALLS_TO_DELETE + u32::from(hold.event.is_none());
        let deletion = with_session(run.app, run.connector, planned, async |session| {
            let event = match &hold.event {
                Some(event) => Some(event.clone()),
                // The task that placed it died before it could say: the event is there or not.
                None => session
                    .call(provider.find_event(&hold.calendar, &hold.key))
                    .await?
                    .filter(|event| event.status != EventStatus::Cancelled)
                    .map(|event| event.id),
            };
            match event {
                Some(event) => session.call(provider.delete_event(&hold.calendar, &event, None)).await,
                None => Ok(Deletion::AlreadyGone),
            }
        })
        .await?;
        Ok(self.ended(run, &hold, deletion))
    }
}

impl CancelHold {
    fn ended<P: Ports>(&self, run: &Run<'_, P>, hold: &Hold, deletion: Deletion) -> Done {
        let now = run.app.clock.now();
        let state = match self.reason {
            Reason::Cancelled => HoldState::Cancelled,
            Reason::Expired => HoldState::Expired,
        };
        let mut notifications = Vec::new();
        // One that was never placed has not run out for anybody: its task said that it failed.
        if self.reason == Reason::Expired
            && let Some(event) = &hold.event
        {
            let id = format!("hold-expired:{}:{}:{}", hold.connector, hold.id, hold.generation);
            let data = json!(HoldExpired {
                hold_id: &hold.id,
                event_id: event,
                calendar_id: &hold.calendar,
                start: hold.slot.start().to_rfc3339(),
                end: hold.slot.end().to_rfc3339(),
                expired_at: hold.expires_at.to_rfc3339(),
            });
            notifications.push(work::notification(run.asked, NotificationType::HoldExpired, id, now, data));
        }
        let already_gone = deletion == Deletion::AlreadyGone && !run.repeated;
        let writes = vec![holds::settle(hold, state, None, now)];
        Done { writes, notifications, ..self.done(&hold.id, state.as_str(), already_gone) }
    }

    fn nothing_to_cancel(&self, hold: &Hold, now: Timestamp) -> Result<Done, Undone> {
        match hold.state {
            HoldState::Cancelled | HoldState::Expired | HoldState::Refused => {
                Ok(self.done(&hold.id, hold.state.as_str(), true))
            }
            // It did not run out after all: it was confirmed, or placed anew.
            state
                if self.reason == Reason::Expired
                    && (state == HoldState::Confirmed || hold.expires_at > now) =>
            {
                Ok(self.done(&hold.id, state.as_str(), false))
            }
            HoldState::Confirmed => Err(Failure::conflict(
                "hold_confirmed",
                "this hold is confirmed; cancel its event with cancel-event",
            )
            .into()),
            HoldState::Held | HoldState::Placing | HoldState::Confirming | HoldState::Cancelling => {
                Err(hold.in_motion(now).into())
            }
        }
    }

    /// An expiry nobody asked for is told by its own notification only.
    fn done(&self, hold_id: &HoldId, state: &'static str, already_gone: bool) -> Done {
        let result = Cancellation { hold_id, state, already_gone };
        Done { announce: self.reason == Reason::Cancelled, ..Done::with(json!(result)) }
    }
}
