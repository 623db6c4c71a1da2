//! What the clocks of each zone of the IANA database do: packed by `build.rs`, unpacked here.

use jiff_core::{Timestamp, tz::posix};

/// What the clocks of a zone do. Instants are seconds since the epoch, offsets seconds east of UTC.
#[derive(PartialEq, Eq)]
pub(super) struct Clocks {
    /// The offset before the first change: until then the one of 1970.
    first_offset: i32,
    /// By instant.
    changes: Vec<Change>,
    /// What holds from the last change on, and always where there is none.
    rule: posix::TimeZone,
}

/// Clocks are set.
#[derive(PartialEq, Eq)]
struct Change {
    at: i64,
    /// The offset from then on.
    offset: i32,
}

const DAY: i64 = 86_400;

// NAMES has the zones, ordered as if in small letters, and the place of each one's clocks in CLOCKS. There are the places of the first
// change and of the one after the last, the first offset, and the rule as a POSIX TZ string. Changes are in DAYS and KIND_OF: the local
// day, counted from the change before (at first from 1970-01-01), and an index into KINDS: the second of that day at which clocks are
// set, and by how many seconds forward.
include!(concat!(env!("OUT_DIR"), "/zones.rs"));

impl Clocks {
    /// Finds a zone, whatever the case of its letters, and its name as the database spells it.
    pub(super) fn of(zone: &str) -> Option<(&'static str, Self)> {
        let place = NAMES.binary_search_by(|(name, _)| small(name).cmp(small(zone))).ok()?;
        let (name, clocks) = NAMES.get(place)?;
        let (start, end, first_offset, rule) = CLOCKS.get(usize::from(*clocks))?;
        let range = usize::from(*start)..usize::from(*end);
        let changes = changes(DAYS.get(range.clone())?, KIND_OF.get(range)?, *first_offset);
        Some((name, Self { first_offset: *first_offset, changes, rule: posix::TimeZone::parse(rule).ok()? }))
    }

    /// Those that follow a rule, a POSIX TZ string, and always have.
    pub(super) fn of_rule(rule: &str) -> Option<Self> {
        let rule = posix::TimeZone::parse(rule).ok()?;
        Some(Self { first_offset: rule.std_offset.seconds(), changes: Vec::new(), rule })
    }

    /// The offset at an instant.
    pub(super) fn offset(&self, at: i64) -> i32 {
        let passed = self.changes.partition_point(|change| change.at <= at);
        if passed == self.changes.len() {
            return Timestamp::from_second(at)
                .map_or(self.rule.std_offset, |at| self.rule.to_offset(at))
                .seconds();
        }
        passed
            .checked_sub(1)
            .and_then(|last| self.changes.get(last))
            .map_or(self.first_offset, |last| last.offset)
    }

    /// The instant at which clocks show `local`, given in seconds since 1970-01-01T00:00:00 local time: the first one if there are
    /// two, and if there is none, because clocks skip it, the one they would show it at had they not been set yet.
    pub(super) fn instant(&self, local: i64) -> i64 {
        // No zone is set twice within two days.
        let [before, after] = [local - DAY, local + DAY].map(|near| i64::from(self.offset(near)));
        let shows_local = |offset: &i64| i64::from(self.offset(local - offset)) == *offset;
        local - [before, after].into_iter().find(shows_local).unwrap_or(before)
    }

    /// When clocks are next set to another offset after an instant, if ever.
    pub(super) fn next_change(&self, after: i64) -> Option<i64> {
        let next = self
            .changes
            .iter()
            .find(|change| change.at > after && self.offset(change.at - 1) != change.offset);
        if let Some(next) = next {
            return Some(next.at);
        }
        let after = self.changes.last().map_or(after, |last| last.at.max(after));
        Some(self.rule.next_transition(Timestamp::from_second(after).ok()?)?.timestamp().as_second())
    }
}

fn small(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|letter| letter.to_ascii_lowercase())
}

fn changes(days: &[u16], kind_of: &[u8], mut offset: i32) -> Vec<Change> {
    let mut day = 0;
    days.iter()
        .zip(kind_of)
        .filter_map(|(days, kind)| {
            let (time, forward) = KINDS.get(usize::from(*kind))?;
            day += i64::from(*days);
            let at = day * DAY + time - i64::from(offset);
            offset += forward;
            Some(Change { at, offset })
        })
        .collect()
}
