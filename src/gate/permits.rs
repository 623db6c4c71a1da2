//! Permits in use: each holds one place among the calls in flight and the calls it was given, until it is released or lapses.

use serde::{Deserialize, Serialize};

use super::{PERMIT_LIFETIME, PermitId};
use crate::domain::time::Timestamp;

/// A permit in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPermit {
    /// Its name.
    pub id: PermitId,
    /// Calls given and not known to be made.
    pub calls: u32,
    /// How many of them may be in flight at once.
    #[serde(default = "one")]
    pub width: u32,
    /// When it counts as given back, all its calls made.
    pub lapses_at: Timestamp,
    /// Whether it is the breaker's probe.
    #[serde(default)]
    pub probe: bool,
    /// The slot of the lease its calls came from: calls not made go back to that lease and no other.
    #[serde(default)]
    pub lease: Option<Timestamp>,
}

fn one() -> u32 {
    1
}

/// All permits in use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Permits {
    /// Names are never used twice.
    issued: u64,
    open: Vec<OpenPermit>,
}

impl Permits {
    /// Gives a new permit.
    pub fn open(
        &mut self,
        now: Timestamp,
        calls: u32,
        width: u32,
        probe: bool,
        lease: Option<Timestamp>,
    ) -> PermitId {
        self.issued += 1;
        let id = PermitId(format!("p{}", self.issued));
        let lapses_at = now.plus(PERMIT_LIFETIME);
        self.open.push(OpenPermit { id: id.clone(), calls, width, lapses_at, probe, lease });
        id
    }

    /// A permit in use.
    pub fn get_mut(&mut self, id: &PermitId) -> Option<&mut OpenPermit> {
        self.open.iter_mut().find(|permit| permit.id == *id)
    }

    /// Takes a permit back; `None` when it was taken back before or has lapsed.
    pub fn close(&mut self, id: &PermitId) -> Option<OpenPermit> {
        let index = self.open.iter().position(|permit| permit.id == *id)?;
        Some(self.open.remove(index))
    }

    /// Takes back what has lapsed.
    pub fn lapse(&mut self, now: Timestamp) -> Vec<OpenPermit> {
        self.open.extract_if(.., |permit| permit.lapses_at <= now).collect()
    }

    /// How many calls may be in flight under the permits in use.
    pub fn in_flight(&self) -> u32 {
        self.open.iter().fold(0, |sum, permit| sum.saturating_add(permit.width))
    }

    /// Calls given and not known to be made.
    pub fn outstanding(&self) -> u32 {
        self.open.iter().fold(0, |sum, permit| sum.saturating_add(permit.calls))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_772_442_000 + seconds)
    }

    #[test]
    fn a_permit_counts_until_it_is_closed_and_is_closed_once() {
        let mut permits = Permits::default();
        let first = permits.open(at(0), 3, 1, false, None);
        let second = permits.open(at(0), 4, 2, true, None);
        assert_eq!((permits.in_flight(), permits.outstanding()), (3, 7));
        assert_eq!(permits.close(&second).map(|permit| (permit.calls, permit.probe)), Some((4, true)));
        assert_eq!(permits.close(&second), None);
        assert_eq!((permits.in_flight(), permits.outstanding()), (1, 3));
        assert_ne!(first, permits.open(at(1), 1, 1, false, None));
    }

    #[test]
    fn a_permit_nobody_gives_back_lapses_after_its_lifetime() {
        let mut permits = Permits::default();
        let id = permits.open(at(0), 3, 1, false, None);
        let end = at(0).plus(PERMIT_LIFETIME);
        assert_eq!(permits.lapse(end.plus(TimeDelta::milliseconds(-1))), []);
        assert_eq!(permits.lapse(end).len(), 1);
        assert_eq!(permits.close(&id), None);
        assert_eq!(permits.in_flight(), 0);
    }
}
