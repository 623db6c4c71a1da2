//! `check-availability`: when is this account busy? The answer of `POST /v1/availability`, by queue.

use serde::Deserialize;

use super::work::{Done, Run, Task, Undone};
use crate::{
    availability::{self, Question},
    domain::{event_time::parse_window, failure::Failure, ids::CalendarId, zone::Zone},
    ports::Ports,
    sending,
};

/// The largest answer that is kept, in bytes: a row of D1 takes two million, the payload among them.
/// <https://developers.cloudflare.com/d1/platform/limits/>
const LARGEST_RESULT: usize = 1_000_000;

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
pub struct CheckAvailability(Question);

impl Task for CheckAvailability {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        let zone = Zone::checked(&payload.time_zone, "timeZone")?;
        let window = parse_window((&payload.time_min, "timeMin"), (&payload.time_max, "timeMax"), &zone)?;
        Question::checked(payload.calendars, window, zone).map(Self)
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let answer = availability::check(run.app, run.connector, run.calendars, &self.0).await?;
        let result =
            serde_json::to_value(answer).map_err(|error| Failure::fatal("answer_unwritable", error))?;
        let size = sending::size(&result);
        if size > LARGEST_RESULT {
            let message =
                format!("expected a window with an answer of at most {LARGEST_RESULT} bytes, got {size}");
            return Err(Failure::rejected("answer_too_large", "timeMax", message).into());
        }
        Ok(Done::with(result))
    }
}
