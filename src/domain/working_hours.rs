//! Working hours: local times of a week, in a zone of their own.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

/// One stretch of work on one day of the week, `start` inclusive and `end` exclusive, both local `HH:MM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct WorkingHours {
    /// The day.
    pub day: Weekday,
    /// When work starts, `HH:MM`.
    pub start: String,
    /// When it ends, `HH:MM`; `24:00` is the end of the day.
    pub end: String,
}

impl WorkingHours {
    /// Monday to Friday, nine to five: what holds until somebody says otherwise.
    pub fn office_week() -> Vec<Self> {
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday]
            .into_iter()
            .map(|day| Self { day, start: "09:00".to_owned(), end: "17:00".to_owned() })
            .collect()
    }

    /// Refuses hours that are no local times or that end before they start; `field` is the path of this entry.
    pub fn check(&self, field: &str) -> Result<(), Failure> {
        let start = minutes(&self.start, &format!("{field}.start"))?;
        let end = minutes(&self.end, &format!("{field}.end"))?;
        if start < end {
            return Ok(());
        }
        Err(Failure::rejected(
            "bad_working_hours",
            format!("{field}.end"),
            format!("expected a time after {}", self.start),
        ))
    }
}

/// Minutes since midnight of `HH:MM`, `24:00` included.
fn minutes(text: &str, field: &str) -> Result<u32, Failure> {
    use chrono::Timelike;
    if text == "24:00" {
        return Ok(24 * 60);
    }
    let time = (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten();
    time.map(|time| time.hour() * 60 + time.minute()).ok_or_else(|| {
        Failure::rejected("bad_working_hours", field, format!("expected a local time HH:MM, got {text:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(start: &str, end: &str) -> WorkingHours {
        WorkingHours { day: Weekday::Monday, start: start.to_owned(), end: end.to_owned() }
    }

    #[test]
    fn hours_must_be_local_times_in_order() {
        for (start, end) in [("09:00", "17:00"), ("00:00", "24:00"), ("23:59", "24:00")] {
            assert_eq!(hours(start, end).check("workingHours[0]"), Ok(()), "{start}-{end}");
        }
        for (start, end, field) in [
            ("9:00", "17:00", "workingHours[0].start"),
            ("09:00", "25:00", "workingHours[0].end"),
            ("17:00", "09:00", "workingHours[0].end"),
            ("09:00", "09:00", "workingHours[0].end"),
            ("24:00", "24:00", "workingHours[0].end"),
            ("nine", "17:00", "workingHours[0].start"),
        ] {
            let failure = hours(start, end).check("workingHours[0]").unwrap_err();
            assert_eq!(failure.field(), Some(field), "{start}-{end}");
        }
    }
}
