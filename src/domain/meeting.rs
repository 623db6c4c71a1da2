//! When several people can meet, as a provider that knows all of them answers it.

use chrono::TimeDelta;

use super::{connector::Connector, time::Interval};

/// What a provider is asked: when can the organiser meet all of these people?
#[derive(Debug, Clone)]
pub struct MeetingTimesQuery {
    /// On whose behalf it is asked; they take part as well.
    pub organiser: Connector,
    /// The addresses of the others, who must all take part: distinct, without the organiser's, never empty.
    pub people: Vec<String>,
    /// The meeting lies in here.
    pub window: Interval,
    /// How long it lasts.
    pub duration: TimeDelta,
    /// How far apart the times it may start at are, counted from midnight.
    pub step: TimeDelta,
    /// How many times are wanted at most; the earliest are.
    pub at_most: usize,
    /// Whether nights and weekends are as good as the working hours of each of them.
    pub at_any_hour: bool,
}

/// What a provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingTimes {
    /// Times at which every single one of them is known to be free, in any order. Others may exist. A time at which somebody's calendar could not be seen is not among them.
    Known(Vec<Interval>),
    /// The provider does not say: it does not know some of them, or has no suggestion.
    NotKnown,
}
