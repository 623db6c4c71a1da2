//! Recurrence lines of RFC 5545 section 3.8.5, checked before a provider sees them.

use ical::recur::{IcalRecurDateTime, IcalRecurRule};

use super::failure::Failure;

/// The most lines one event may carry.
const MOST_LINES: usize = 50;

/// Checks the `RRULE:`, `EXRULE:`, `RDATE:` and `EXDATE:` lines of an event; a rejection names the line by its place.
/// `all_day` says whether the event's own times are days, which an `UNTIL` must be too (section 3.3.10).
pub fn check(lines: &[String], all_day: bool) -> Result<(), Failure> {
    if lines.len() > MOST_LINES {
        return Err(Failure::rejected(
            "too_many",
            "recurrence",
            format!("expected at most {MOST_LINES} lines"),
        ));
    }
    for (place, line) in lines.iter().enumerate() {
        check_line(line, all_day).map_err(|problem| {
            Failure::rejected("bad_recurrence", format!("recurrence[{place}]"), problem)
        })?;
    }
    Ok(())
}

fn check_line(line: &str, all_day: bool) -> Result<(), String> {
    if line.chars().any(char::is_control) {
        return Err("expected one line without control characters".to_owned());
    }
    let (head, value) = line.split_once(':').ok_or("expected a line such as RRULE:FREQ=WEEKLY;COUNT=10")?;
    let name = head.split(';').next().unwrap_or_default();
    match name.to_ascii_uppercase().as_str() {
        "RRULE" | "EXRULE" => check_rule(value, all_day),
        "RDATE" | "EXDATE" => check_dates(head, value),
        "DTSTART" | "DTEND" => Err(format!("{name} does not belong here: the event's start and end say it")),
        _ => Err(format!("expected RRULE, EXRULE, RDATE or EXDATE, got {name:?}")),
    }
}

fn check_rule(value: &str, all_day: bool) -> Result<(), String> {
    let rule = IcalRecurRule::parse(value).map_err(|error| error.to_string())?;
    if let Some(problem) = rule.problems().first() {
        return Err(problem.to_string());
    }
    let until = value.split(';').find_map(|part| part.trim().strip_prefix("UNTIL="));
    match until {
        Some(until) if all_day && until.contains('T') => Err("expected UNTIL to be a day, as the event's start is".to_owned()),
        Some(until) if !all_day && !until.ends_with('Z') => {
            Err("expected UNTIL to be an instant in UTC such as 20260401T000000Z, as the event's start is an instant".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_dates(head: &str, value: &str) -> Result<(), String> {
    if head.to_ascii_uppercase().contains("VALUE=PERIOD") {
        return Err("periods are not supported: write days or instants".to_owned());
    }
    for date in value.split(',') {
        IcalRecurDateTime::parse(date)
            .map_err(|_| format!("expected 20260329, 20260329T090000 or 20260329T090000Z, got {date:?}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_one(line: &str, all_day: bool) -> Result<(), Failure> {
        check(&[line.to_owned()], all_day)
    }

    #[test]
    fn lines_of_the_standard_pass() {
        for (line, all_day) in [
            ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10", false),
            ("RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20261231T230000Z", false),
            ("RRULE:FREQ=YEARLY;UNTIL=20301231", true),
            ("EXDATE;TZID=Europe/Berlin:20260406T090000", false),
            ("RDATE;VALUE=DATE:20260406,20260407", true),
        ] {
            assert_eq!(check_one(line, all_day), Ok(()), "{line}");
        }
    }

    #[test]
    fn what_a_provider_would_refuse_or_misread_is_refused_first() {
        for (line, all_day) in [
            ("", false),
            ("FREQ=WEEKLY", false),
            ("RRULE:COUNT=3", false),
            ("RRULE:FREQ=SOMETIMES", false),
            ("RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260401T000000Z", false),
            ("RRULE:FREQ=WEEKLY;BYDAY=2MO", false),
            ("RRULE:FREQ=DAILY;UNTIL=20260401", false),
            ("RRULE:FREQ=DAILY;UNTIL=20260401T000000Z", true),
            ("DTSTART:20260401T090000Z", false),
            ("EXDATE:tomorrow", false),
            ("RDATE;VALUE=PERIOD:20260401T090000Z/PT1H", false),
            ("SUMMARY:hello", false),
            ("RRULE:FREQ=DAILY\r\nATTENDEE:mailto:x@example.com", false),
        ] {
            let failure = check_one(line, all_day).unwrap_err();
            assert_eq!(failure.field(), Some("recurrence[0]"), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_panic(text in "\\PC{0,60}", all_day in any::<bool>()) {
            let _plain = check_one(&text, all_day);
            let _rule = check_one(&format!("RRULE:{text}"), all_day);
            let _date = check_one(&format!("EXDATE:{text}"), all_day);
            let _until = check_one(&format!("RRULE:FREQ=DAILY;UNTIL={text}"), all_day);
        }
    }
}
