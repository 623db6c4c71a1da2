//! A hold: a slot kept free for somebody for a while, by a tentative event on the calendar itself.

use chrono::TimeDelta;

use super::{
    event::CreationKey,
    failure::Failure,
    ids::{CalendarId, ConnectorId, EventId, HoldId, TaskId},
    time::{Interval, Timestamp},
};

/// How long others wait for the task that is moving a hold.
const SHORTEST_WAIT: TimeDelta = TimeDelta::seconds(3);
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(5);

/// Where a hold stands. In the four states before its end it keeps the slot against other holds; in those that end in
/// `-ing` one task owns it, and others wait for that task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// The slot is reserved with us; the event is not yet known to be at the provider.
    Placing,
    /// The tentative event is at the provider.
    Held,
    /// A confirm-hold task is promoting it.
    Confirming,
    /// Promoted to a real event.
    Confirmed,
    /// A cancel-hold task is taking it off the calendar.
    Cancelling,
    /// Given up by its owner.
    Cancelled,
    /// Ran out.
    Expired,
    /// Never placed: the slot was taken, or what was asked for cannot be.
    Refused,
}

impl HoldState {
    const ALL: [Self; 8] = [
        Self::Placing,
        Self::Held,
        Self::Confirming,
        Self::Confirmed,
        Self::Cancelling,
        Self::Cancelled,
        Self::Expired,
        Self::Refused,
    ];

    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::Held => "held",
            Self::Confirming => "confirming",
            Self::Confirmed => "confirmed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }

    /// The inverse of [`HoldState::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the slot is kept against other holds.
    pub fn keeps_slot(self) -> bool {
        matches!(self, Self::Placing | Self::Held | Self::Confirming | Self::Cancelling)
    }
}

/// A hold as the system of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Whose calendar.
    pub connector: ConnectorId,
    /// The producer's id.
    pub id: HoldId,
    /// Counts placements under the same id: a hold that ended can be placed again.
    pub generation: i64,
    /// Which calendar the event is in.
    pub calendar: CalendarId,
    /// The event, once it is known to be there.
    pub event: Option<EventId>,
    /// Makes the event's creation happen once.
    pub key: CreationKey,
    /// The slot.
    pub slot: Interval,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: HoldState,
    /// The task that moved it last.
    pub task: TaskId,
    /// Whether that task is over. In a state that ends in `-ing`, nobody is moving the hold then.
    pub unattended: bool,
    /// When it was moved last.
    pub moved_at: Timestamp,
}

impl Hold {
    /// Why a hold that is being moved cannot be moved otherwise: wait about as long again as the move has taken so far.
    /// `Conflict` when its task ended without finishing, which only cancelling the hold mends, or, as it soon does for one
    /// that ran out, cron.
    pub fn in_motion(&self, now: Timestamp) -> Failure {
        let cleared_soon = self.expires_at <= now && now.since(self.moved_at) < LONGEST_WAIT;
        if self.unattended && !cleared_soon {
            return Failure::conflict(
                "hold_unfinished",
                "the task that was moving this hold ended without finishing; cancel the hold",
            );
        }
        let after = now.since(self.moved_at).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        Failure::wait("hold_in_motion", "another task is just moving this hold", after)
    }
}
