//! An event as the simulator keeps it, and as the API shows it.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::errors::ApiError;
use super::world::Role;
use super::zone::Zone;

/// When an event starts or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventTime {
    /// All day; as an end it is exclusive.
    Day(Date),
    /// An instant, with the zone the client named.
    At {
        /// The instant.
        instant: Timestamp,
        /// The zone in which the event recurs.
        zone: Option<Zone>,
    },
}

impl EventTime {
    /// Reads `start`, `end` or `originalStartTime`; `what` is `start` or `end` for the messages.
    pub fn parse(value: &Value, what: &str, calendar_zone: &Zone) -> Result<Self, ApiError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let zone = match text("timeZone") {
            None => None,
            Some(name) => Some(Zone::named(name).ok_or_else(|| {
                ApiError::invalid(format!("Invalid time zone definition for {what} time."))
            })?),
        };
        match (text("date"), text("dateTime")) {
            (Some(_), Some(_)) => Err(ApiError::invalid(format!("Invalid {what} time."))),
            (None, None) => Err(ApiError::required(format!("Missing {what} time."))),
            (Some(date), None) => date
                .parse()
                .map(Self::Day)
                .map_err(|_| ApiError::invalid(format!("Invalid value for: Invalid format: \"{date}\""))),
            (None, Some(text)) => {
                if let Ok(instant) = text.parse::<Timestamp>() {
                    return Ok(Self::At { instant: whole_second(instant), zone });
                }
                let local: DateTime = text.parse().map_err(|_| {
                    ApiError::invalid(format!("Invalid value for: Invalid format: \"{text}\""))
                })?;
                match zone {
                    Some(zone) => {
                        Ok(Self::At { instant: whole_second(zone.instant(local)), zone: Some(zone) })
                    }
                    None if what == "originalStart" => {
                        Ok(Self::At { instant: whole_second(calendar_zone.instant(local)), zone: None })
                    }
                    None => Err(ApiError::required(format!("Missing time zone definition for {what} time."))),
                }
            }
        }
    }

    /// The instant; a day begins at midnight in the calendar's zone.
    pub fn instant(&self, calendar_zone: &Zone) -> Timestamp {
        match self {
            Self::Day(date) => calendar_zone.instant(date.at(0, 0, 0, 0)),
            Self::At { instant, .. } => *instant,
        }
    }

    /// As the API shows it, in the zone of the answer.
    pub fn render(&self, shown_in: &Zone) -> Value {
        match self {
            Self::Day(date) => json!({ "date": date.to_string() }),
            Self::At { instant, zone } => json!({
                "dateTime": shown_in.format(*instant),
                "timeZone": zone.as_ref().unwrap_or(shown_in).name(),
            }),
        }
    }

    /// The part of an instance's id that says which one it is.
    pub fn instance_suffix(&self) -> String {
        match self {
            Self::Day(date) => date.strftime("%Y%m%d").to_string(),
            Self::At { instant, .. } => instant.strftime("%Y%m%dT%H%M%SZ").to_string(),
        }
    }

    /// Whether it is a whole day.
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }
}

fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// Which instance of which recurring event an exception stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The recurring event's id.
    pub master: String,
    /// When the instance would have started.
    pub original_start: EventTime,
}

/// An instance that a recurring event had before a change and has no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// Which one.
    pub original_start: EventTime,
    /// The change that took it away.
    pub change: u64,
}

/// An event as the simulator keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id on its calendar.
    pub id: String,
    /// Every field that is not named here, as the client sent it.
    pub fields: Map<String, Value>,
    /// When it starts.
    pub start: EventTime,
    /// When it ends; exclusive.
    pub end: EventTime,
    /// Set for an exception, or an instance made up for an answer.
    pub origin: Option<Origin>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// The change that last touched it.
    pub change: u64,
    /// How often its times changed.
    pub sequence: u64,
    /// Instances it no longer has.
    pub withdrawn: Vec<Withdrawn>,
    /// When its conference request is decided.
    pub conference_due: Option<Timestamp>,
}

impl Event {
    /// Whether it was deleted.
    pub fn is_cancelled(&self) -> bool {
        self.text("status") == Some("cancelled")
    }

    /// A field's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// The lines of its recurrence; empty for a single event.
    pub fn recurrence(&self) -> Vec<&str> {
        let lines = self.fields.get("recurrence").and_then(Value::as_array);
        lines.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether it is the master of a recurring event.
    pub fn is_recurring(&self) -> bool {
        !self.recurrence().is_empty()
    }

    /// Its etag, quotes included.
    pub fn etag(&self) -> String {
        format!("\"{}\"", 3_400_000_000_000_000u64 + self.change * 2)
    }

    /// Elapsed time from start to end.
    pub fn duration(&self, calendar_zone: &Zone) -> SignedDuration {
        self.end.instant(calendar_zone).duration_since(self.start.instant(calendar_zone))
    }

    /// Whether it overlaps a range: its end after `from`, its start before `until`, both exclusive.
    pub fn overlaps(&self, from: Option<Timestamp>, until: Option<Timestamp>, calendar_zone: &Zone) -> bool {
        let starts = self.start.instant(calendar_zone);
        // An event without length counts as lasting a moment, so that it is inside the range it starts in.
        let ends = self.end.instant(calendar_zone).max(starts + SignedDuration::from_nanos(1));
        from.is_none_or(|from| ends > from) && until.is_none_or(|until| starts < until)
    }

    /// Whether it makes its calendar busy.
    pub fn is_busy(&self) -> bool {
        let declined =
            self.fields.get("attendees").and_then(Value::as_array).into_iter().flatten().any(|attendee| {
                attendee.get("self") == Some(&Value::Bool(true)) && attendee["responseStatus"] == "declined"
            });
        !self.is_cancelled()
            && !declined
            && self.text("transparency") != Some("transparent")
            && !matches!(self.text("eventType"), Some("workingLocation" | "birthday"))
    }

    /// The instance of this recurring event that starts at `original_start`.
    pub fn instance(&self, original_start: EventTime, end: EventTime) -> Self {
        let mut instance = self.clone();
        instance.id = format!("{}_{}", self.id, original_start.instance_suffix());
        instance.fields.remove("recurrence");
        instance.start = original_start.clone();
        instance.end = end;
        instance.origin = Some(Origin { master: self.id.clone(), original_start });
        instance.withdrawn.clear();
        instance
    }

    /// As the API shows it.
    pub fn render(&self, view: &View<'_>) -> Value {
        let mut shown = Map::new();
        shown.insert("kind".into(), "calendar#event".into());
        shown.insert("etag".into(), self.etag().into());
        shown.insert("id".into(), self.id.as_str().into());
        if view.minimal_cancelled && self.is_cancelled() {
            shown.insert("status".into(), "cancelled".into());
            self.render_origin(&mut shown, view);
            return Value::Object(shown);
        }
        shown.insert(
            "htmlLink".into(),
            format!("https://www.google.com/calendar/event?eid={}", self.id).into(),
        );
        shown.insert("created".into(), millis(self.created).into());
        shown.insert("updated".into(), millis(self.updated).into());
        let hidden =
            view.role < Role::Writer && matches!(self.text("visibility"), Some("private" | "confidential"));
        for (name, value) in &self.fields {
            if !hidden
                || matches!(
                    name.as_str(),
                    "status" | "visibility" | "transparency" | "eventType" | "iCalUID" | "recurrence"
                )
            {
                shown.insert(name.clone(), value.clone());
            }
        }
        shown.insert("start".into(), self.start.render(view.zone));
        shown.insert("end".into(), self.end.render(view.zone));
        shown.insert("sequence".into(), self.sequence.into());
        self.render_origin(&mut shown, view);
        Value::Object(shown)
    }

    fn render_origin(&self, shown: &mut Map<String, Value>, view: &View<'_>) {
        if let Some(origin) = &self.origin {
            shown.insert("recurringEventId".into(), origin.master.as_str().into());
            shown.insert("originalStartTime".into(), origin.original_start.render(view.zone));
        }
    }
}

/// How an answer shows events.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The zone of the answer's times.
    pub zone: &'a Zone,
    /// The caller's role: readers do not see private details.
    pub role: Role,
    /// Cancelled events show their identity only.
    pub minimal_cancelled: bool,
}

/// RFC 3339 in UTC with milliseconds, as `created` and `updated` are written.
pub fn millis(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
