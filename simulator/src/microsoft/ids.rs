//! Item ids: the two forms of an event's id, and the id of a calendar.
//!
//! The regular form names the calendar, so that it changes when the event moves; the immutable form does not.
//! Ids are case-sensitive, and one that was tampered with is malformed.
//!
//! <https://learn.microsoft.com/en-us/graph/outlook-immutable-id>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::civil::Date;

/// Which form ids are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdForm {
    /// Changes when the event moves to another calendar.
    Regular,
    /// Stays while the event stays in the mailbox.
    Immutable,
}

/// An event, or one occurrence of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The event's number.
    pub event: u64,
    /// For an occurrence, the day it was planned for, in the series' zone.
    pub day: Option<Date>,
}

impl ItemKey {
    /// A whole event: a single one or a series.
    pub fn whole(event: u64) -> Self {
        Self { event, day: None }
    }
}

const REGULAR: &str = "AAMkAD";
const IMMUTABLE: &str = "AAkALgAA";
const CALENDAR: &str = "AAMkAG";
const NO_DAY: i32 = i32::MIN;

/// Writes an event's id.
pub fn event_id(form: IdForm, mailbox: u32, calendar: u32, key: ItemKey) -> String {
    let (prefix, calendar) = match form {
        IdForm::Regular => (REGULAR, calendar),
        IdForm::Immutable => (IMMUTABLE, 0),
    };
    encode(prefix, mailbox, calendar, key.event, key.day.map_or(NO_DAY, day_number))
}

/// Reads an event's id in either form; the calendar is named by regular ids only.
pub fn read_event_id(mailbox: u32, id: &str) -> Option<(Option<u32>, ItemKey)> {
    let (prefix, regular) = match id.strip_prefix(REGULAR) {
        Some(_) => (REGULAR, true),
        None => (IMMUTABLE, false),
    };
    let (owner, calendar, event, day) = decode(prefix, id)?;
    let day = if day == NO_DAY { None } else { Some(day_from_number(day)?) };
    (owner == mailbox).then_some((regular.then_some(calendar), ItemKey { event, day }))
}

/// Writes a calendar's id; there is one form of it.
pub fn calendar_id(mailbox: u32, calendar: u32) -> String {
    encode(CALENDAR, mailbox, calendar, 0, NO_DAY)
}

/// Reads a calendar's id.
pub fn read_calendar_id(mailbox: u32, id: &str) -> Option<u32> {
    let (owner, calendar, _, _) = decode(CALENDAR, id)?;
    (owner == mailbox).then_some(calendar)
}

/// An etag and, inside its quotes, a `changeKey`.
pub fn change_key(change: u64) -> String {
    let mut bytes = [0u8; 22];
    bytes[..10].copy_from_slice(b"\x0f\0\0\0\x16\0\0\0SI");
    bytes[14..].copy_from_slice(&change.to_be_bytes());
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The etag of a change.
pub fn etag(change: u64) -> String {
    format!("W/\"{}\"", change_key(change))
}

fn encode(prefix: &str, mailbox: u32, calendar: u32, event: u64, day: i32) -> String {
    let mut bytes = Vec::with_capacity(23);
    bytes.push(0);
    bytes.extend_from_slice(&mailbox.to_be_bytes());
    bytes.extend_from_slice(&calendar.to_be_bytes());
    bytes.extend_from_slice(&event.to_be_bytes());
    bytes.extend_from_slice(&day.to_be_bytes());
    bytes.extend_from_slice(&checksum(prefix, &bytes).to_be_bytes());
    format!("{prefix}{}", URL_SAFE.encode(bytes))
}

fn decode(prefix: &str, id: &str) -> Option<(u32, u32, u64, i32)> {
    let bytes = URL_SAFE.decode(id.strip_prefix(prefix)?).ok()?;
    let (body, sum) = bytes.split_at_checked(21)?;
    if sum != checksum(prefix, body).to_be_bytes() {
        return None;
    }
    Some((
        u32::from_be_bytes(body.get(1..5)?.try_into().ok()?),
        u32::from_be_bytes(body.get(5..9)?.try_into().ok()?),
        u64::from_be_bytes(body.get(9..17)?.try_into().ok()?),
        i32::from_be_bytes(body.get(17..21)?.try_into().ok()?),
    ))
}

fn checksum(prefix: &str, bytes: &[u8]) -> u16 {
    prefix
        .bytes()
        .chain(bytes.iter().copied())
        .fold(0x5117, |sum: u16, byte| sum.rotate_left(5).wrapping_mul(31) ^ u16::from(byte))
}

fn day_number(day: Date) -> i32 {
    i32::from(day.year()) * 10_000 + i32::from(day.month()) * 100 + i32::from(day.day())
}

fn day_from_number(number: i32) -> Option<Date> {
    let year = i16::try_from(number / 10_000).ok()?;
    let month = i8::try_from(number / 100 % 100).ok()?;
    Date::new(year, month, i8::try_from(number % 100).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ItemKey = ItemKey { event: 77, day: Some(jiff::civil::date(2026, 3, 29)) };

    #[test]
    fn both_forms_lead_back_to_the_same_event() {
        for key in [KEY, ItemKey::whole(5)] {
            let regular = event_id(IdForm::Regular, 3, 9, key);
            let immutable = event_id(IdForm::Immutable, 3, 9, key);
            assert_ne!(regular, immutable);
            assert_eq!(read_event_id(3, &regular), Some((Some(9), key)));
            assert_eq!(read_event_id(3, &immutable), Some((None, key)));
        }
    }

    #[test]
    fn moving_an_event_changes_only_the_regular_id() {
        let moved = |form| event_id(form, 3, 9, KEY) != event_id(form, 3, 10, KEY);
        assert!(moved(IdForm::Regular));
        assert!(!moved(IdForm::Immutable));
    }

    #[test]
    fn ids_are_case_sensitive_and_belong_to_one_mailbox() {
        let id = event_id(IdForm::Immutable, 3, 9, KEY);
        assert_eq!(read_event_id(4, &id), None);
        assert_eq!(read_event_id(3, &id.to_lowercase()), None);
        assert_eq!(read_event_id(3, &id.to_uppercase()), None);
        assert_eq!(read_event_id(3, "AAMkAGnonsense"), None);
        assert_eq!(read_calendar_id(3, &calendar_id(3, 9)), Some(9));
        assert_eq!(read_calendar_id(3, &id), None);
    }
}
