//! Availability: when is an account busy? The service behind `check-availability`, `POST /v1/availability` and the check
//! before a hold.

pub mod accounts;
mod answer;
pub mod meeting;
mod side_by_side;
pub mod slot_request;
pub mod slots;

use chrono::TimeDelta;

pub use answer::{Availability, CalendarError, Span};
pub use side_by_side::side_by_side;

use crate::{
    app::App,
    domain::{
        busy::{self, CalendarUnknown, FreeBusyQuery, WorkingWeek},
        calendar::Calendar,
        connector::Connector,
        failure::Failure,
        ids::CalendarId,
        time::Interval,
        zone::Zone,
    },
    ports::{Clock, Ports},
    session::{Session, with_session},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The calendars to look at; `None`: those the connector's preferences name.
    pub calendars: Option<Vec<CalendarId>>,
    /// The window.
    pub window: Interval,
    /// The zone the answer is written in.
    pub zone: Zone,
}

/// The longest window asked about at once: five years, which take a provider such as Google 31 requests.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(5 * 366);

/// So many calendars, and so long a range, are one request to the narrowest of the providers.
const CALENDARS_A_REQUEST: usize = 50;
const DAYS_A_REQUEST: i64 = 60;

/// The most requests one question may take: less than half of what an account has in any provider's window, so that a question
/// comes to its end although others ask too.
const MOST_REQUESTS: u32 = 200;

/// About how many requests busy time takes.
fn requests(calendars: usize, window: Interval) -> u32 {
    let ranges = window.duration().num_days() / DAYS_A_REQUEST + 1;
    let requests = u64::try_from(calendars.div_ceil(CALENDARS_A_REQUEST).max(1))
        .unwrap_or(u64::MAX)
        .saturating_mul(ranges.unsigned_abs());
    u32::try_from(requests).unwrap_or(u32::MAX)
}

impl Question {
    /// A question as callers put it. Refuses a window nobody can mean (as `timeMax`), a list of no calendars (as `calendars`),
    /// which could mean all of them or none, and one that would take too many requests.
    pub fn checked(
        calendars: Option<Vec<CalendarId>>,
        window: Interval,
        zone: Zone,
    ) -> Result<Self, Failure> {
        if window.duration() > LONGEST_WINDOW {
            let days = LONGEST_WINDOW.num_days();
            return Err(Failure::rejected(
                "interval_too_long",
                "timeMax",
                format!("expected at most {days} days after timeMin"),
            ));
        }
        for (place, calendar) in calendars.iter().flatten().enumerate() {
            if calendar.as_str().is_empty() {
                return Err(Failure::rejected(
                    "empty_field",
                    format!("calendars[{place}]"),
                    "expected a calendar's id",
                ));
            }
        }
        if calendars.as_ref().is_some_and(Vec::is_empty) {
            return Err(Failure::rejected(
                "empty_field",
                "calendars",
                "expected at least one calendar, or no list at all",
            ));
        }
        if requests(calendars.as_ref().map_or(0, Vec::len), window) > MOST_REQUESTS {
            return Err(Failure::rejected(
                "too_many",
                "calendars",
                "expected fewer calendars or a shorter window: together they take too many requests",
            ));
        }
        Ok(Self { calendars, window, zone })
    }
}

/// What the provider's calendars say together.
#[derive(Debug, Clone)]
pub struct Busy {
    /// Busy time over all calendars, merged and inside the window.
    pub busy: Vec<Interval>,
    /// The calendars whose busy time is not known. Not known is never free.
    pub unknown: Vec<(CalendarId, CalendarUnknown)>,
    /// The account's working hours, where the provider tells.
    pub working_week: Option<WorkingWeek>,
}

/// Asks the provider in a session of its own and writes the answer.
pub async fn check<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    calendars: &[Calendar],
    question: &Question,
) -> Result<Availability, Failure> {
    let busy = busy(app, connector, calendars, question).await?;
    Ok(answer::write(connector, question, &busy, app.clock.now()))
}

/// Asks the provider in a session of its own.
async fn busy<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    calendars: &[Calendar],
    question: &Question,
) -> Result<Busy, Failure> {
    let planned =
        requests(choose(connector, calendars, question.calendars.as_deref()).len(), question.window);
    let asked = async |session: &mut Session<'_, P>| ask(app, connector, calendars, question, session).await;
    with_session(app, connector, planned, asked).await
}

/// Asks the provider in a session that is open already.
pub async fn ask<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    calendars: &[Calendar],
    question: &Question,
    session: &mut Session<'_, P>,
) -> Result<Busy, Failure> {
    let query = FreeBusyQuery {
        connector: connector.clone(),
        calendars: choose(connector, calendars, question.calendars.as_deref()),
        primary: primary(calendars).cloned(),
        window: question.window,
    };
    let answer = session.call(app.providers.get(connector.provider)?.calendars().free_busy(query)).await?;
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for calendar in answer.calendars {
        match calendar.busy {
            Ok(intervals) => known.extend(intervals),
            Err(reason) => unknown.push((calendar.calendar, reason)),
        }
    }
    Ok(Busy {
        busy: busy::merge(busy::clip(known, question.window)),
        unknown,
        working_week: answer.working_week,
    })
}

/// Which calendars count: those asked for, else those preferred, else those the person shows, else the primary one.
pub fn choose(
    connector: &Connector,
    calendars: &[Calendar],
    asked: Option<&[CalendarId]>,
) -> Vec<CalendarId> {
    let preferred = connector.preferences.availability_calendars.as_deref();
    if let Some(named) = [asked, preferred].into_iter().flatten().find(|list| !list.is_empty()) {
        return distinct(named);
    }
    let shown: Vec<CalendarId> =
        calendars.iter().filter(|calendar| calendar.selected).map(|calendar| calendar.id.clone()).collect();
    if !shown.is_empty() {
        return shown;
    }
    vec![primary(calendars).cloned().unwrap_or_else(CalendarId::primary)]
}

fn primary(calendars: &[Calendar]) -> Option<&CalendarId> {
    calendars.iter().find(|calendar| calendar.primary).map(|calendar| &calendar.id)
}

fn distinct(calendars: &[CalendarId]) -> Vec<CalendarId> {
    let mut seen = std::collections::BTreeSet::new();
    calendars.iter().filter(|calendar| seen.insert(calendar.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests;
