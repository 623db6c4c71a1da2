//! Checking the recurrence lines callers send (RFC 5545 sections 3.3.10, 3.8.5.1, 3.8.5.2 and 3.8.5.3): providers
//! accept some nonsense silently and refuse the rest without saying what is wrong.
//!
//! Liberal parsing and the rules between parts are ical-rs's; what it forgives, is refused here.

use ical::recur::{IcalRecurDateTime, IcalRecurRule};

use super::{failure::Failure, zone::Zone};

/// So many lines, and so many characters in one, are enough for every series that a person means.
const MOST_LINES: usize = 50;
const LONGEST_LINE: usize = 8_000;

/// Checks `RRULE:`, `RDATE:` and `EXDATE:` lines for an event that lasts whole days or has times. A rejection names the
/// line as `recurrence[i]`.
pub fn check(lines: &[String], all_day: bool) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    if lines.len() > MOST_LINES {
        return Err(refusal(
            "recurrence",
            format!("expected at most {MOST_LINES} lines, got {}", lines.len()),
        ));
    }
    let mut rules = 0;
    let mut repeats = false;
    for (index, line) in lines.iter().enumerate() {
        let at = |why: String| refusal(&format!("recurrence[{index}]"), why);
        let kind = check_line(line, all_day).map_err(at)?;
        repeats |= kind != Kind::Exclusion;
        rules += usize::from(kind == Kind::Rule);
        if rules > 1 {
            return Err(at("expected one RRULE, got a second".to_owned()));
        }
    }
    if repeats {
        return Ok(());
    }
    Err(refusal("recurrence", "expected an RRULE or RDATE line: exceptions alone repeat nothing".to_owned()))
}

fn refusal(field: &str, why: String) -> Failure {
    Failure::rejected("bad_recurrence", field, why)
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rule,
    Dates,
    Exclusion,
}

fn check_line(line: &str, all_day: bool) -> Result<Kind, String> {
    if line.len() > LONGEST_LINE {
        return Err(format!("expected at most {LONGEST_LINE} characters"));
    }
    if line.chars().any(char::is_control) {
        return Err("expected one line, unfolded and without control characters".to_owned());
    }
    let (head, value) =
        line.split_once(':').ok_or("expected NAME:VALUE, such as RRULE:FREQ=WEEKLY;COUNT=4")?;
    let mut head = head.split(';');
    let name = head.next().unwrap_or_default().to_ascii_uppercase();
    let parameters: Vec<&str> = head.collect();
    match name.as_str() {
        "RRULE" if !parameters.is_empty() => Err("an RRULE takes no parameters before its colon".to_owned()),
        "RRULE" => check_rule(value, all_day).map(|()| Kind::Rule),
        "RDATE" => check_dates(&parameters, value, all_day).map(|()| Kind::Dates),
        "EXDATE" => check_dates(&parameters, value, all_day).map(|()| Kind::Exclusion),
        "DTSTART" | "DTEND" | "DURATION" => {
            Err(format!("{name} does not belong here: start and end say when it is"))
        }
        "EXRULE" => Err("EXRULE is obsolete (RFC 5545); list the exceptions with EXDATE".to_owned()),
        _ => Err("expected a line that starts with RRULE, RDATE or EXDATE".to_owned()),
    }
}

const PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

fn check_rule(value: &str, all_day: bool) -> Result<(), String> {
    let mut seen: Vec<String> = Vec::new();
    let mut until = None;
    for part in value.split(';') {
        let (name, given) =
            part.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, got {part:?}"))?;
        let name = name.to_ascii_uppercase();
        if !PARTS.contains(&name.as_str()) {
            return Err(format!("{name:?} is no part of a rule"));
        }
        if given.is_empty() || given.split(',').any(|item| item.is_empty() || item != item.trim()) {
            return Err(format!("{name} has no value, or an empty one in its list"));
        }
        if seen.contains(&name) {
            return Err(format!("{name} is given twice"));
        }
        if name == "UNTIL" {
            until = Some(given);
        }
        seen.push(name);
    }
    match (until, all_day) {
        (Some(until), true) => {
            check_date(until).map_err(|why| format!("UNTIL of an all-day event: {why}"))?
        }
        (Some(until), false) => check_time(until, true).map_err(|why| format!("UNTIL: {why}"))?,
        (None, _) => {}
    }
    let rule = IcalRecurRule::parse(value).map_err(|error| error.to_string())?;
    if let Some(problem) = rule.problems().first() {
        return Err(problem.to_string());
    }
    if rule.count == Some(0) {
        return Err("COUNT must be at least 1".to_owned());
    }
    let by_time =
        ["BYHOUR", "BYMINUTE", "BYSECOND"].into_iter().find(|name| seen.iter().any(|part| part == name));
    if let (true, Some(name)) = (all_day, by_time) {
        return Err(format!("{name} makes no sense for an event of whole days"));
    }
    Ok(())
}

fn check_dates(parameters: &[&str], value: &str, all_day: bool) -> Result<(), String> {
    let mut kind = "DATE-TIME";
    let mut zoned = false;
    for parameter in parameters {
        match parameter.split_once('=') {
            Some((name, given)) if name.eq_ignore_ascii_case("VALUE") => {
                kind = ["DATE", "DATE-TIME"]
                    .into_iter()
                    .find(|known| given.eq_ignore_ascii_case(known))
                    .ok_or_else(|| format!("expected VALUE=DATE or VALUE=DATE-TIME, got {given:?}"))?;
            }
            Some((name, given)) if name.eq_ignore_ascii_case("TZID") => {
                zoned = true;
                let zone = given.trim_matches('"');
                Zone::named(zone).ok_or_else(|| format!("{zone:?} is no time zone"))?;
            }
            _ => return Err(format!("unknown parameter {parameter:?}; VALUE and TZID are known")),
        }
    }
    match (kind, all_day) {
        ("DATE", false) => return Err("the event has times, so this must list times, not dates".to_owned()),
        ("DATE-TIME", true) => {
            return Err("the event lasts whole days, so this needs ;VALUE=DATE and dates".to_owned());
        }
        ("DATE", true) if zoned => return Err("dates have no TZID".to_owned()),
        _ => {}
    }
    value.split(',').try_for_each(|item| if all_day { check_date(item) } else { check_time(item, !zoned) })
}

/// `20260329`.
fn check_date(text: &str) -> Result<(), String> {
    let valid = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if valid && IcalRecurDateTime::parse(text).is_ok() {
        return Ok(());
    }
    Err(format!("expected a date such as 20260329, got {text:?}"))
}

/// `20260329T090000Z` in UTC; without the `Z` where a zone is named.
fn check_time(text: &str, utc: bool) -> Result<(), String> {
    let local = if utc { text.strip_suffix('Z') } else { Some(text) };
    let shaped = |local: &str| {
        local.len() == 15
            && local
                .bytes()
                .enumerate()
                .all(|(index, byte)| if index == 8 { byte == b'T' } else { byte.is_ascii_digit() })
    };
    if local.is_some_and(|local| shaped(local) && IcalRecurDateTime::parse(local).is_ok()) {
        return Ok(());
    }
    let example = if utc { "20260329T090000Z, in UTC" } else { "20260329T090000, local to its TZID" };
    Err(format!("expected a time such as {example}, got {text:?}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checked(lines: &[&str], all_day: bool) -> Result<(), Failure> {
        check(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), all_day)
    }

    #[test]
    fn series_that_people_mean_are_accepted() {
        for (lines, all_day) in [
            (&[][..], false),
            (&["RRULE:FREQ=DAILY"], false),
            (&["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10"], false),
            (&["rrule:freq=weekly;byday=mo"], false),
            (&["RRULE:FREQ=WEEKLY;UNTIL=20261231T235959Z;WKST=SU"], false),
            (&["RRULE:FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=2"], true),
            (&["RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"], false),
            (&["RRULE:FREQ=YEARLY;UNTIL=20301231"], true),
            (&["RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Berlin:20260329T090000,20260330T090000"], false),
            (&["RRULE:FREQ=DAILY", "EXDATE:20260329T070000Z"], false),
            (&["EXDATE;VALUE=DATE:20260329", "RRULE:FREQ=DAILY"], true),
            (&["RDATE;VALUE=DATE-TIME;TZID=\"W. Europe Standard Time\":20260329T090000"], false),
        ] {
            assert_eq!(checked(lines, all_day), Ok(()), "{lines:?}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named_with_the_reason() {
        for (lines, all_day, field, why) in [
            (&["DTSTART:20260329T090000Z"][..], false, 0, "does not belong here"),
            (
                &["RRULE:FREQ=DAILY", "DTSTART;TZID=Europe/Berlin:20260329T090000"],
                false,
                1,
                "does not belong here",
            ),
            (&["FREQ=DAILY"], false, 0, "NAME:VALUE"),
            (&["EXRULE:FREQ=DAILY"], false, 0, "obsolete"),
            (&["SUMMARY:hello"], false, 0, "RRULE, RDATE or EXDATE"),
            (&["RRULE:FREQ=DAILY\r\nATTENDEE:mailto:x@example.com"], false, 0, "one line"),
            (&["RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"], false, 1, "second"),
            (&["RRULE;X=1:FREQ=DAILY"], false, 0, "no parameters"),
            (&["RRULE:"], false, 0, "NAME=VALUE"),
            (&["RRULE:COUNT=4"], false, 0, "frequency"),
            (&["RRULE:FREQ=FORTNIGHTLY"], false, 0, "frequency"),
            (&["RRULE:FREQ=DAILY;COUNT=0"], false, 0, "at least 1"),
            (&["RRULE:FREQ=DAILY;COUNT=-1"], false, 0, "count"),
            (&["RRULE:FREQ=DAILY;INTERVAL=0"], false, 0, "interval"),
            (&["RRULE:FREQ=DAILY;COUNT=4;COUNT=5"], false, 0, "twice"),
            (&["RRULE:FREQ=DAILY;BYDAY="], false, 0, "no value"),
            (&["RRULE:FREQ=DAILY;BYDAY=MO,,TU"], false, 0, "empty one"),
            (&["RRULE:FREQ=DAILY;BYDAY=XX"], false, 0, "weekday"),
            (&["RRULE:FREQ=WEEKLY;BYDAY=2MO"], false, 0, "ordinal"),
            (&["RRULE:FREQ=WEEKLY;BYMONTHDAY=3"], false, 0, "BYMONTHDAY"),
            (&["RRULE:FREQ=MONTHLY;BYMONTHDAY=32"], false, 0, "out of range"),
            (&["RRULE:FREQ=MONTHLY;BYSETPOS=1"], false, 0, "BYSETPOS"),
            (&["RRULE:FREQ=DAILY;FOO=1"], false, 0, "no part"),
            (&["RRULE:FREQ=DAILY;RSCALE=CHINESE"], false, 0, "no part"),
            (&["RRULE:FREQ=DAILY;COUNT=4;UNTIL=20261231T000000Z"], false, 0, "UNTIL and COUNT"),
            // UNTIL is of the kind the start is (RFC 5545 section 3.3.10).
            (&["RRULE:FREQ=DAILY;UNTIL=20261231"], false, 0, "in UTC"),
            (&["RRULE:FREQ=DAILY;UNTIL=20261231T000000"], false, 0, "in UTC"),
            (&["RRULE:FREQ=DAILY;UNTIL=20261231T000000Z"], true, 0, "expected a date"),
            (&["RRULE:FREQ=DAILY;UNTIL=20260230"], true, 0, "expected a date"),
            (&["RRULE:FREQ=DAILY;BYHOUR=9"], true, 0, "whole days"),
            (&["RDATE:20260329T090000"], false, 0, "in UTC"),
            (&["RDATE;VALUE=DATE:20260329"], false, 0, "must list times"),
            (&["RDATE:20260329T090000Z"], true, 0, "needs ;VALUE=DATE"),
            (&["RDATE;VALUE=PERIOD:20260329T090000Z/PT1H"], false, 0, "VALUE=DATE"),
            (&["EXDATE;TZID=Mars/Olympus:20260329T090000"], false, 0, "no time zone"),
            (&["EXDATE;TZID=Europe/Berlin:20260329T090000Z"], false, 0, "local to its TZID"),
            (&["EXDATE;TZID=Europe/Berlin;VALUE=DATE:20260329"], true, 0, "no TZID"),
            (&["EXDATE;RANGE=THISANDFUTURE:20260329T090000Z"], false, 0, "unknown parameter"),
            (&["EXDATE:+0260329T090000Z"], false, 0, "in UTC"),
        ] {
            let failure = checked(lines, all_day).unwrap_err();
            let at = format!("recurrence[{field}]");
            assert_eq!(
                (failure.code.as_ref(), failure.field()),
                ("bad_recurrence", Some(at.as_str())),
                "{lines:?}"
            );
            let told = failure.message.to_lowercase();
            assert!(told.contains(&why.to_lowercase()), "{lines:?}: {told}");
        }
    }

    #[test]
    fn exceptions_alone_and_endless_lists_are_refused_as_a_whole() {
        let many = vec!["EXDATE:20260329T090000Z"; MOST_LINES + 1];
        for lines in [&["EXDATE:20260329T090000Z"][..], &many] {
            assert_eq!(checked(lines, false).unwrap_err().field(), Some("recurrence"));
        }
        let long = format!("RDATE:{}", "20260329T090000Z,".repeat(600));
        assert_eq!(checked(&[&long], false).unwrap_err().field(), Some("recurrence[0]"));
    }

    proptest! {
        #[test]
        fn any_line_is_accepted_or_refused(line in ".{0,60}", all_day in any::<bool>()) {
            let _ = checked(&[&line], all_day);
        }

        #[test]
        fn any_rule_is_accepted_or_refused(
            parts in proptest::collection::vec(("(FREQ|UNTIL|COUNT|BYDAY|BYMONTHDAY|WKST|INTERVAL)", "[A-Z0-9,+é-]{0,18}"), 0..5)
        ) {
            let rule = parts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";");
            let _ = checked(&[&format!("RRULE:{rule}")], false);
            let _ = checked(&[&format!("EXDATE:{rule}")], true);
        }
    }
}
