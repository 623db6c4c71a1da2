//! Calendar events as we write and read them, independent of the provider.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    ids::{CalendarId, ETag, EventId, HoldId},
    time::Interval,
    zone::Zone,
};

/// When an event takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTimes {
    /// From one instant to another, shown (and repeated) in a zone.
    Timed {
        /// The instants, half-open.
        interval: Interval,
        /// The zone it is shown in and recurs in.
        zone: Zone,
    },
    /// Whole days, wherever the viewer is.
    AllDay {
        /// The first day.
        start: NaiveDate,
        /// The day after the last.
        end: NaiveDate,
        /// Whose midnights they begin and end at for a provider that keeps instants: UTC where nobody said. Others do without.
        zone: Zone,
    },
}

/// Whether an event takes time from the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum Transparency {
    /// It blocks the time.
    Opaque,
    /// The time stays free.
    Transparent,
}

/// Who sees an event's details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum Visibility {
    /// As the calendar's default says.
    Default,
    /// Everybody who sees the calendar.
    Public,
    /// Only those invited.
    Private,
}

/// Whether an event is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum EventStatus {
    /// It takes place.
    Confirmed,
    /// It may take place.
    Tentative,
    /// It was deleted or called off.
    Cancelled,
}

/// Somebody invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Attendee {
    /// Their address.
    pub email: String,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether the event can do without them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// How a reminder reaches its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum ReminderMethod {
    /// By mail.
    Email,
    /// On the screen.
    Popup,
}

/// A reminder before an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Reminder {
    /// How.
    pub method: ReminderMethod,
    /// How many minutes before the start, 0 to 40320 (four weeks).
    pub minutes: u32,
}

/// Proof that an event is ours, written into it where other programs do not look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The key of the task or hold that made it: see [`CreationKey`].
    pub key: CreationKey,
    /// The hold it is, for holds.
    pub hold: Option<HoldId>,
}

/// Names one creation, whatever number of times it is attempted: 32 lowercase hex digits. Providers derive the
/// client-chosen event id, transaction id or href from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreationKey(String);

impl CreationKey {
    /// Derives the key from what identifies the creation; the parts are kept apart, so `["ab","c"]` and `["a","bc"]` differ.
    pub fn derive(parts: &[&str]) -> Self {
        use sha2::{Digest, Sha256};
        use std::fmt::Write;
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let hex = digest.iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self(hex)
    }

    /// Reads a key back from an event or a row.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        hex.then(|| Self(text.to_owned()))
    }

    /// The 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// Where.
    pub calendar: CalendarId,
    /// Makes the creation happen once.
    pub marker: Marker,
    /// Title.
    pub summary: String,
    /// Body text.
    pub description: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// When.
    pub times: EventTimes,
    /// Who is invited; they get one invitation.
    pub attendees: Vec<Attendee>,
    /// Whether to make a video conference for it.
    pub conference: bool,
    /// RFC 5545 `RRULE:`, `RDATE:` and `EXDATE:` lines, never `DTSTART`.
    pub recurrence: Vec<String>,
    /// Reminders; `None` leaves the calendar's default.
    pub reminders: Option<Vec<Reminder>>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether it blocks time.
    pub transparency: Transparency,
    /// Confirmed, or tentative for a hold.
    pub status: EventStatus,
}

/// A change to an event: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPatch {
    /// New title.
    pub summary: Option<String>,
    /// New body text.
    pub description: Option<String>,
    /// New place.
    pub location: Option<String>,
    /// New times.
    pub times: Option<EventTimes>,
    /// The whole new list of people invited.
    pub attendees: Option<Vec<Attendee>>,
    /// `true` adds a video conference.
    pub conference: Option<bool>,
    /// The whole new recurrence.
    pub recurrence: Option<Vec<String>>,
    /// The whole new list of reminders.
    pub reminders: Option<Vec<Reminder>>,
    /// Who sees it.
    pub visibility: Option<Visibility>,
    /// Whether it blocks time.
    pub transparency: Option<Transparency>,
    /// Whether it is certain.
    pub status: Option<EventStatus>,
    /// Names this change; written into the event beside the marker, with those before it, so that the same change is not
    /// made (and mailed) twice.
    pub applied_by: Option<CreationKey>,
}

/// An event as the provider holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The provider's id.
    pub id: EventId,
    /// Which calendar it is in.
    pub calendar: CalendarId,
    /// Its version.
    pub etag: Option<ETag>,
    /// Whether it takes place.
    pub status: EventStatus,
    /// When; a bare cancelled event may not say.
    pub times: Option<EventTimes>,
    /// Title.
    pub summary: Option<String>,
    /// Addresses of the people invited.
    pub attendees: Vec<Attendee>,
    /// How it repeats, in RFC 5545 lines as in [`EventDraft::recurrence`]; empty for what is not a series.
    pub recurrence: Vec<String>,
    /// Our proof of origin, where it is ours.
    pub marker: Option<Marker>,
    /// The page that shows it.
    pub html_link: Option<String>,
    /// Where to join the video conference.
    pub conference_url: Option<String>,
    /// RFC 5545 UID.
    pub ical_uid: Option<String>,
}

/// Whether the text has the form of an address; whether it exists is for the provider to find out.
pub fn is_address(text: &str) -> bool {
    let plain = text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
    plain
        && matches!(text.split_once('@'), Some((local, host)) if !local.is_empty() && !host.is_empty() && !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creation_key_is_the_same_for_the_same_parts_only() {
        let key = CreationKey::derive(&["con_1", "task-1"]);
        assert_eq!(key, CreationKey::derive(&["con_1", "task-1"]));
        assert_ne!(key, CreationKey::derive(&["con_1t", "ask-1"]));
        assert_eq!(CreationKey::parse(key.as_str()), Some(key));
    }

    #[test]
    fn only_32_lowercase_hex_digits_are_a_creation_key() {
        for text in ["", "abc", "ABCDEF0123456789ABCDEF0123456789", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(CreationKey::parse(text), None, "{text}");
        }
    }
}
