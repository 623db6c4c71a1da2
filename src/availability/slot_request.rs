//! What callers ask about slots: the payload of `find-slots` and the body of `POST /v1/slots`.

use chrono::TimeDelta;
use serde::Deserialize;

use super::{
    Question,
    slots::{LONGEST_WINDOW, SlotSearch, in_range},
};
use crate::domain::{
    event::is_address,
    event_time::parse_window,
    failure::Failure,
    ids::{CalendarId, ConnectorId},
    zone::Zone,
};

/// The most connectors, and the most other people, of one question.
const MOST_PEOPLE: usize = 50;
/// How far apart slots start when nobody says.
const STEP_MINUTES: u32 = 30;
/// How many slots are found when nobody says.
const LIMIT: u32 = 20;

/// When can these people meet?
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = FindSlotsPayload))]
pub struct SlotRequest {
    /// The organiser's connector; none given: in a task its own, over HTTP the first of `connectorIds`.
    pub connector_id: Option<String>,
    /// The connectors of everybody who must be there, at most 50. A task's own need not be among them.
    pub connector_ids: Option<Vec<String>>,
    /// Addresses of people without a connector, at most 50: their busy time is asked for on the organiser's behalf.
    pub attendees: Option<Vec<String>>,
    /// Start of the window: RFC 3339, or local in `timeZone`.
    pub time_min: String,
    /// End of the window, not included; at most 366 days after its start.
    pub time_max: String,
    /// The zone on whose clocks slots start, and that the answer is written in.
    pub time_zone: String,
    /// How long a slot is.
    pub duration_minutes: u32,
    /// How far apart slots start, counted from midnight; default 30.
    pub step_minutes: Option<u32>,
    /// How long everybody must be free before a slot; default 0.
    pub buffer_before_minutes: Option<u32>,
    /// How long everybody must be free after a slot; default 0.
    pub buffer_after_minutes: Option<u32>,
    /// No slot starts sooner than this from now; default 0.
    pub minimum_notice_minutes: Option<u32>,
    /// How many slots are wanted at most, the earliest first: 1 to 1000, default 20.
    pub limit: Option<u32>,
    /// The organiser's calendars to look at; none given, and for everybody else: those the connector's preferences name.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<Vec<String>>))]
    pub calendars: Option<Vec<CalendarId>>,
    /// Whether nights and weekends are as good as working hours; default no.
    pub ignore_working_hours: Option<bool>,
}

/// A checked request.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// The connectors named, each once; the organiser's first.
    pub connectors: Vec<ConnectorId>,
    /// The addresses of people without a connector, in lower case, each once.
    pub attendees: Vec<String>,
    /// The organiser's calendars, if they were named.
    pub calendars: Option<Vec<CalendarId>>,
    /// What kind of slot is looked for. Its `not_before` is only known when it is looked for.
    pub search: SlotSearch,
    /// No slot starts sooner than this from then.
    pub notice: TimeDelta,
    /// Whether working hours do not matter.
    pub at_any_hour: bool,
}

impl SlotRequest {
    /// Refuses what makes no sense, with its field.
    pub fn checked(self) -> Result<Meeting, Failure> {
        let zone = Zone::checked(&self.time_zone, "timeZone")?;
        let window = parse_window((&self.time_min, "timeMin"), (&self.time_max, "timeMax"), &zone)?;
        let minutes = |given: Option<u32>| TimeDelta::minutes(given.unwrap_or_default().into());
        let search = SlotSearch {
            window,
            not_before: window.start(),
            duration: minutes(Some(self.duration_minutes)),
            step: minutes(self.step_minutes.or(Some(STEP_MINUTES))),
            buffer_before: minutes(self.buffer_before_minutes),
            buffer_after: minutes(self.buffer_after_minutes),
            limit: usize::try_from(self.limit.unwrap_or(LIMIT)).unwrap_or(usize::MAX),
            zone,
        };
        search.check()?;
        let notice = minutes(self.minimum_notice_minutes);
        in_range(notice, TimeDelta::zero(), LONGEST_WINDOW, "minimumNoticeMinutes")?;
        let Question { calendars, .. } = Question::checked(self.calendars, window, search.zone.clone())?;
        let ids = self.connector_id.into_iter().chain(self.connector_ids.into_iter().flatten());
        let attendees = self.attendees.unwrap_or_default();
        if let Some(place) = attendees.iter().position(|address| !is_address(address)) {
            let field = format!("attendees[{place}]");
            return Err(Failure::rejected("bad_address", field, "expected an e-mail address"));
        }
        Ok(Meeting {
            connectors: distinct(ids, "connectorIds")?.into_iter().map(ConnectorId::new).collect(),
            attendees: distinct(
                attendees.into_iter().map(|address| address.to_ascii_lowercase()),
                "attendees",
            )?,
            calendars,
            search,
            notice,
            at_any_hour: self.ignore_working_hours.unwrap_or(false),
        })
    }
}

/// Each text once, in order; refused when there are too many.
fn distinct(texts: impl Iterator<Item = String>, field: &str) -> Result<Vec<String>, Failure> {
    let mut distinct: Vec<String> = Vec::new();
    for text in texts {
        if distinct.contains(&text) {
            continue;
        }
        if distinct.len() == MOST_PEOPLE {
            return Err(Failure::rejected("too_many", field, format!("expected at most {MOST_PEOPLE}")));
        }
        distinct.push(text);
    }
    Ok(distinct)
}
