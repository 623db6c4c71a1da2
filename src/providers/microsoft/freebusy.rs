//! Free and busy time: the main calendars of people of one organisation by `getSchedule`, everything else by `calendarView`,
//! all of it in as few requests as Graph allows. A calendar that is not answered for is unknown, never free.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::TimeDelta;
use http::Method;
use serde_json::Value;

use super::{
    batch, calendar_view,
    errors::{self, Operation},
    requests::{graph, next_page},
    schedule::{self, Schedule, unknown},
    tenant::PERSONAL_ID,
    working_hours,
};
use crate::{
    config::BaseUrl,
    domain::{
        busy::{CalendarBusy, CalendarUnknown, FreeBusy, FreeBusyQuery, WorkingWeek, clip, merge},
        failure::{Action, Failure},
        ids::CalendarId,
        time::Interval,
        zone::Zone,
    },
    ports::{HttpRequest, HttpResponse},
    providers::{Exchange, Pending, Step},
};

/// A range with too many entries is not halved any further than this.
const SHORTEST_RANGE: TimeDelta = TimeDelta::hours(1);

/// Whether the account belongs to a person and not to an organisation: such accounts have no `getSchedule`.
pub(super) fn is_personal(tenant: Option<&str>) -> bool {
    tenant.is_some_and(|tenant| tenant.eq_ignore_ascii_case(PERSONAL_ID))
}

/// Busy time of the query's calendars, and the account's working hours unless its preferences have some.
pub(super) fn query(api: &BaseUrl, query: FreeBusyQuery) -> Pending<FreeBusy> {
    let connector = query.connector;
    let personal = is_personal(connector.tenant.as_deref());
    let own = connector.email.as_deref().map(str::to_lowercase);
    let target = |calendar: &CalendarId| {
        let address = calendar.as_str().contains('@').then(|| calendar.as_str().to_lowercase());
        match address {
            _ if *calendar == CalendarId::primary() || Some(calendar) == query.primary.as_ref() => {
                Target::Main
            }
            Some(address) if own.as_ref() == Some(&address) => Target::Main,
            Some(address) => Target::Person(address),
            None => Target::Calendar(calendar.clone()),
        }
    };
    let asked = query.calendars.iter().map(|calendar| (calendar.clone(), target(calendar))).collect();
    let mut exchange = QueryFreeBusy {
        api: api.clone(),
        zone: connector.zone,
        own: own.filter(|_| !personal),
        asked,
        waiting: VecDeque::new(),
        under_way: Vec::new(),
        found: BTreeMap::new(),
        hours_wanted: connector.preferences.working_hours.is_none(),
        week: None,
    };
    exchange.plan(query.window, personal);
    Box::new(exchange)
}

/// Whose busy time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// The account's main calendar.
    Main,
    /// The main calendar of somebody else, by their address.
    Person(String),
    /// Another calendar of the account.
    Calendar(CalendarId),
}

/// One call to be made.
#[derive(Debug)]
enum Call {
    /// `getSchedule`.
    Schedules { targets: Vec<Target>, range: Interval },
    /// `calendarView`: its first page, or the one at that link.
    View { target: Target, range: Interval, page: Option<String> },
    /// `mailboxSettings`.
    Hours,
}

impl Call {
    fn operation(&self) -> Operation {
        match self {
            Self::Schedules { .. } | Self::View { .. } => Operation::Calendar,
            Self::Hours => Operation::MailboxSettings,
        }
    }

    fn targets(&self) -> &[Target] {
        match self {
            Self::Schedules { targets, .. } => targets,
            Self::View { target, .. } => std::slice::from_ref(target),
            Self::Hours => &[],
        }
    }
}

struct QueryFreeBusy {
    api: BaseUrl,
    /// The account's zone: as its mailbox says now, where that is told before it matters, else as it was when it was connected.
    zone: Zone,
    /// The account's address, if its mailbox has a schedule.
    own: Option<String>,
    asked: Vec<(CalendarId, Target)>,
    waiting: VecDeque<Call>,
    /// The calls whose answer is awaited: one, or a batch.
    under_way: Vec<Call>,
    found: BTreeMap<Target, Result<Vec<Interval>, CalendarUnknown>>,
    hours_wanted: bool,
    week: Option<WorkingWeek>,
}

impl QueryFreeBusy {
    fn plan(&mut self, window: Interval, personal: bool) {
        let targets: BTreeSet<Target> = self.asked.iter().map(|(_, target)| target.clone()).collect();
        let (mut scheduled, mut viewed) = (Vec::new(), Vec::new());
        for target in targets {
            match &target {
                Target::Person(_) if personal => {
                    let why = "personal accounts see no calendars of others by their address";
                    self.add(&target, Err(unknown("notFound", why)));
                }
                Target::Main if self.own.is_some() => scheduled.push(target),
                Target::Person(_) => scheduled.push(target),
                Target::Main | Target::Calendar(_) => viewed.push(target),
            }
        }
        for range in window.pieces(schedule::LONGEST_RANGE) {
            let chunks = scheduled.chunks(schedule::MOST_MAILBOXES);
            self.waiting.extend(chunks.map(|targets| Call::Schedules { targets: targets.to_vec(), range }));
        }
        // A schedule brings its owner's working hours along. What tells the account's zone comes before what is read in it.
        if !scheduled.contains(&Target::Main) {
            self.ask_hours();
        }
        for range in window.pieces(calendar_view::LONGEST_RANGE) {
            let views = viewed.iter().map(|target| Call::View { target: target.clone(), range, page: None });
            self.waiting.extend(views);
        }
    }

    fn ask_hours(&mut self) {
        if std::mem::take(&mut self.hours_wanted) {
            self.waiting.push_back(Call::Hours);
        }
    }

    fn address<'a>(&'a self, target: &'a Target) -> Option<&'a str> {
        match target {
            Target::Main => self.own.as_deref(),
            Target::Person(address) => Some(address),
            Target::Calendar(_) => None,
        }
    }

    fn request(&self, call: &Call) -> Result<HttpRequest, Failure> {
        match call {
            Call::Schedules { targets, range } => {
                let addresses: Vec<&str> = targets.iter().filter_map(|target| self.address(target)).collect();
                schedule::request(&self.api, &addresses, *range)
            }
            Call::View { page: Some(link), .. } => next_page(&self.api, link)?.build(),
            Call::View { target: Target::Calendar(calendar), range, .. } => {
                calendar_view::request(&self.api, calendar, *range)
            }
            Call::View { range, .. } => calendar_view::request(&self.api, &CalendarId::primary(), *range),
            Call::Hours => graph(Method::GET, &self.api, "/me/mailboxSettings").build(),
        }
    }

    /// The next call, or as many as a batch takes.
    fn next(&mut self) -> Result<Option<HttpRequest>, Failure> {
        let calls = self.waiting.len().min(batch::MOST_PARTS);
        self.under_way = self.waiting.drain(..calls).collect();
        let requests = self.under_way.iter().map(|call| self.request(call)).collect::<Result<Vec<_>, _>>()?;
        match <[HttpRequest; 1]>::try_from(requests) {
            Ok([alone]) => Ok(Some(alone)),
            Err(none) if none.is_empty() => Ok(None),
            Err(several) => batch::request(&self.api, &several).map(Some),
        }
    }

    fn take(&mut self, answer: &HttpResponse) -> Result<(), Failure> {
        let calls = std::mem::take(&mut self.under_way);
        let operations: Vec<Operation> = calls.iter().map(Call::operation).collect();
        let answers = match operations.as_slice() {
            [operation] => vec![Some(errors::read(*operation, answer))],
            several => batch::read(several, answer)?,
        };
        calls.into_iter().zip(answers).try_for_each(|(call, answer)| match answer {
            Some(Ok(answer)) => self.learn(call, &answer),
            Some(Err(failure)) => self.refused(&call, failure),
            None => {
                let why = unknown("notAnswered", "Microsoft did not answer for this calendar");
                call.targets().iter().for_each(|target| self.add(target, Err(why.clone())));
                Ok(())
            }
        })
    }

    fn learn(&mut self, call: Call, answer: &Value) -> Result<(), Failure> {
        match call {
            Call::Schedules { targets, range } => {
                for target in targets {
                    let address = self.address(&target).unwrap_or_default();
                    let schedule = schedule::read(answer, address, range);
                    self.learn_schedule(target, range, schedule);
                }
            }
            Call::View { target, range, .. } => {
                let busy = calendar_view::read(answer, &self.zone);
                let why = || unknown("unreadable", "Outlook's busy times are not understood");
                self.add(&target, busy.map(|busy| clip(busy, range)).ok_or_else(why));
                if let Some(link) = answer["@odata.nextLink"].as_str() {
                    self.waiting.push_back(Call::View { target, range, page: Some(link.to_owned()) });
                }
            }
            Call::Hours => {
                self.week = working_hours::read(&answer["workingHours"]);
                let zone = answer["timeZone"].as_str().and_then(Zone::named);
                let zone = zone.or_else(|| self.week.as_ref().map(|week| week.zone.clone()));
                self.zone = zone.unwrap_or_else(|| self.zone.clone());
            }
        }
        Ok(())
    }

    fn learn_schedule(&mut self, target: Target, range: Interval, schedule: Schedule) {
        match schedule {
            Schedule::Known(busy, week) => {
                if target == Target::Main {
                    if let Some(week) = &week {
                        self.zone = week.zone.clone();
                    }
                    if std::mem::take(&mut self.hours_wanted) {
                        self.week = week;
                    }
                }
                self.add(&target, Ok(busy));
            }
            // The account's own calendar can be looked at directly, whatever hinders its schedule.
            Schedule::TooMuch | Schedule::Unknown(_) if target == Target::Main => {
                self.ask_hours();
                self.waiting.push_back(Call::View { target, range, page: None });
            }
            Schedule::TooMuch if range.duration() > SHORTEST_RANGE => {
                let half = range.duration() / 2 + TimeDelta::milliseconds(1);
                let halves = range.pieces(half);
                let targets = vec![target];
                let calls =
                    halves.into_iter().map(|range| Call::Schedules { targets: targets.clone(), range });
                self.waiting.extend(calls);
            }
            Schedule::TooMuch => {
                self.add(&target, Err(unknown("tooManyEntries", "there is too much in this calendar")));
            }
            Schedule::Unknown(why) => self.add(&target, Err(why)),
        }
    }

    /// One calendar that is gone or out of reach says nothing of the others, and working hours may be left out; the rest
    /// concerns the account.
    fn refused(&mut self, call: &Call, failure: Failure) -> Result<(), Failure> {
        let code = match (&failure.action, failure.code.as_ref()) {
            (Action::NotFound, _) => "notFound",
            (_, "scope_missing" | "forbidden") => "forbidden",
            _ => return Err(failure),
        };
        match call {
            Call::View { target: target @ Target::Calendar(_), .. } => {
                self.add(target, Err(unknown(code, &failure.message)));
                Ok(())
            }
            Call::Hours => Ok(()),
            _ => Err(failure),
        }
    }

    fn add(&mut self, target: &Target, busy: Result<Vec<Interval>, CalendarUnknown>) {
        match (self.found.get_mut(target), busy) {
            // Once unknown, always unknown: part of an answer would look like free time.
            (Some(Err(_)), _) => {}
            (Some(Ok(known)), Ok(more)) => known.extend(more),
            (_, busy) => {
                self.found.insert(target.clone(), busy);
            }
        }
    }

    fn result(&mut self) -> FreeBusy {
        let calendars = std::mem::take(&mut self.asked)
            .into_iter()
            .map(|(calendar, target)| {
                let busy = match self.found.get(&target) {
                    Some(Ok(busy)) => Ok(merge(busy.clone())),
                    Some(Err(why)) => Err(why.clone()),
                    None => Err(unknown("notAsked", "this calendar was not asked about")),
                };
                CalendarBusy { calendar, busy }
            })
            .collect();
        FreeBusy { calendars, working_week: self.week.take() }
    }
}

impl Exchange for QueryFreeBusy {
    type Output = FreeBusy;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<FreeBusy>, Failure> {
        if let Some(answer) = answer {
            self.take(&answer)?;
        }
        Ok(match self.next()? {
            Some(request) => Step::Send(request),
            None => Step::Done(self.result()),
        })
    }
}

#[cfg(test)]
mod tests;
