//! A calendar of a connected account, as the provider lists it.

use super::{ids::CalendarId, zone::Zone};

/// What the connected account may do with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CalendarAccess {
    /// Sees only when it is busy.
    FreeBusy,
    /// Reads its events.
    Read,
    /// Reads and changes its events.
    Write,
    /// Owns it.
    Own,
}

impl CalendarAccess {
    /// The stable name stored and shown in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FreeBusy => "free_busy",
            Self::Read => "read",
            Self::Write => "write",
            Self::Own => "own",
        }
    }

    /// The inverse of [`CalendarAccess::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::FreeBusy, Self::Read, Self::Write, Self::Own]
            .into_iter()
            .find(|access| access.as_str() == name)
    }
}

/// One calendar of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The provider's id.
    pub id: CalendarId,
    /// What the person calls it.
    pub name: String,
    /// Its own time zone, where the provider tells one we know.
    pub zone: Option<Zone>,
    /// Whether it is the account's main calendar.
    pub primary: bool,
    /// What we may do with it.
    pub access: CalendarAccess,
    /// Whether the person shows it (Google `selected`): those count for availability unless preferences say otherwise.
    pub selected: bool,
}
