//! `check-availability`: when is this account busy? The answer of `POST /v1/availability`, by queue.

use serde::Deserialize;

use super::work::{Done, Run, Task, Undone};
use crate::{
    availability,
    domain::{event_time::parse_instant, failure::Failure, ids::CalendarId, time::Interval, zone::Zone},
    ports::Ports,
};

/// What a producer writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = CheckAvailabilityPayload))]
pub struct Payload {
    /// Start of the window: RFC 3339, or local in `timeZone`.
    pub time_min: String,
    /// End of the window, not included.
    pub time_max: String,
    /// The zone the answer is written in.
    pub time_zone: String,
    /// The calendars to look at; none given: those the connector's preferences name.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<Vec<String>>))]
    pub calendars: Option<Vec<CalendarId>>,
}

/// A checked request.
#[derive(Debug)]
pub struct CheckAvailability {
    window: Interval,
    zone: Zone,
    calendars: Option<Vec<CalendarId>>,
}

impl Task for CheckAvailability {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        let zone = Zone::checked(&payload.time_zone, "timeZone")?;
        let start = parse_instant(&payload.time_min, &zone, "timeMin")?;
        let end = parse_instant(&payload.time_max, &zone, "timeMax")?;
        Ok(Self { window: Interval::checked(start, end, "timeMax")?, zone, calendars: payload.calendars })
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let question =
            availability::Question { calendars: self.calendars, window: self.window, zone: self.zone };
        let answer = availability::check(run.app, run.connector, run.calendars, &question).await?;
        let result =
            serde_json::to_value(answer).map_err(|error| Failure::fatal("answer_unwritable", error))?;
        Ok(Done::with(result))
    }
}
