//! How often a series repeats, in Graph's terms, and what that is as a rule.

use chrono::{Datelike, NaiveDate};
use ical::recur::{IcalRecurFreq, IcalRecurRule};
use serde_json::{Value, json};

/// The days of the week from Sunday on, as Graph and as RFC 5545 write them.
const DAYS: [(&str, &str); 7] = [
    ("sunday", "SU"),
    ("monday", "MO"),
    ("tuesday", "TU"),
    ("wednesday", "WE"),
    ("thursday", "TH"),
    ("friday", "FR"),
    ("saturday", "SA"),
];
/// The days that Outlook counts as one kind: days, weekdays, and days of the weekend.
const COUNTED_TOGETHER: [&[usize]; 3] = [&[0, 1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5], &[0, 6]];
/// Where RFC 5545 begins the week unless told otherwise.
const MONDAY: usize = 1;
/// Which of the days of a month, as Graph and as RFC 5545 write it.
const INDEXES: [(&str, i16); 5] = [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("last", -1)];

/// On which day of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum On {
    /// The one with this number, or the last of a shorter month.
    Day(u32),
    /// The one of these days of the week with this place among [`INDEXES`].
    Nth(usize, Vec<usize>),
}

/// How often, in Graph's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Every so many days.
    Daily,
    /// On these days of the week, counted from Sunday.
    Weekly { days: Vec<usize>, week_start: usize },
    /// On one day of a month.
    Monthly(On),
    /// On one day of this month.
    Yearly(u32, On),
}

impl Pattern {
    /// What the rule says of a series that begins on `first`.
    pub(super) fn of_rule(rule: &IcalRecurRule, first: NaiveDate) -> Result<Self, String> {
        let weekly = || Self::weekly(rule, first);
        let with = |name: &str, absent: bool| {
            if absent { Ok(()) } else { Err(format!("Outlook has no {name} with this FREQ")) }
        };
        match rule.freq {
            IcalRecurFreq::Daily | IcalRecurFreq::Weekly => {
                with("BYMONTH", rule.by_month.is_empty())?;
                with("BYMONTHDAY", rule.by_month_day.is_empty())?;
                with("BYSETPOS", rule.by_set_pos.is_empty())?;
                match (rule.freq, rule.by_day.is_empty(), rule.interval) {
                    (IcalRecurFreq::Weekly, ..) | (_, false, 1) => Ok(weekly()),
                    (_, true, _) => Ok(Self::Daily),
                    _ => Err("Outlook has no BYDAY for every few days".to_owned()),
                }
            }
            IcalRecurFreq::Monthly => {
                with("BYMONTH", rule.by_month.is_empty())?;
                if rule.interval == 1 && every_such_weekday(rule) {
                    return Ok(weekly());
                }
                On::of_rule(rule, first, None).map(Self::Monthly)
            }
            IcalRecurFreq::Yearly => {
                let month = match rule.by_month.as_slice() {
                    [month] => u32::from(*month),
                    [] if rule.by_day.is_empty() && rule.by_month_day.is_empty() => first.month(),
                    _ => {
                        return Err("Outlook repeats in one month of the year: name it by BYMONTH".to_owned());
                    }
                };
                Ok(Self::Yearly(month, On::of_rule(rule, first, Some(month))?))
            }
            IcalRecurFreq::Secondly | IcalRecurFreq::Minutely | IcalRecurFreq::Hourly => {
                Err("Outlook repeats by the day at most".to_owned())
            }
        }
    }

    fn weekly(rule: &IcalRecurRule, first: NaiveDate) -> Self {
        let mut days = weekdays(rule);
        if days.is_empty() {
            days.push(weekday(first));
        }
        Self::Weekly { days, week_start: rule.week_start as usize }
    }

    pub(super) fn of_json(pattern: &Value) -> Option<Self> {
        let number = |name: &str| pattern[name].as_u64().and_then(|number| u32::try_from(number).ok());
        let day = |name: &Value| {
            let name = name.as_str()?;
            DAYS.iter().position(|(graph, _)| graph.eq_ignore_ascii_case(name))
        };
        let days = || {
            let mut days = pattern["daysOfWeek"].as_array()?.iter().map(day).collect::<Option<Vec<_>>>()?;
            days.sort_unstable();
            Some(days).filter(|days| !days.is_empty())
        };
        let nth = || {
            let name = pattern["index"].as_str().unwrap_or("first");
            Some(On::Nth(INDEXES.iter().position(|(graph, _)| *graph == name)?, days()?))
        };
        let month = || number("month").filter(|month| (1..=12).contains(month));
        let on_day = || number("dayOfMonth").filter(|day| (1..=31).contains(day)).map(On::Day);
        match pattern["type"].as_str()? {
            "daily" => Some(Self::Daily),
            "weekly" => {
                Some(Self::Weekly { days: days()?, week_start: day(&pattern["firstDayOfWeek"]).unwrap_or(0) })
            }
            "absoluteMonthly" => Some(Self::Monthly(on_day()?)),
            "relativeMonthly" => Some(Self::Monthly(nth()?)),
            "absoluteYearly" => Some(Self::Yearly(month()?, on_day()?)),
            "relativeYearly" => Some(Self::Yearly(month()?, nth()?)),
            _ => None,
        }
    }

    /// With only what the type needs: Graph refuses values it has no use for.
    pub(super) fn to_json(&self, interval: u32) -> Value {
        let names = |days: &[usize]| days.iter().map(|day| DAYS[*day].0).collect::<Value>();
        let mut json = match self {
            Self::Daily => json!({ "type": "daily" }),
            Self::Weekly { days, week_start } => json!({
                "type": "weekly", "daysOfWeek": names(days), "firstDayOfWeek": DAYS[*week_start].0,
            }),
            Self::Monthly(On::Day(day)) => json!({ "type": "absoluteMonthly", "dayOfMonth": day }),
            Self::Yearly(_, On::Day(day)) => json!({ "type": "absoluteYearly", "dayOfMonth": day }),
            Self::Monthly(On::Nth(index, days)) => json!({
                "type": "relativeMonthly", "daysOfWeek": names(days), "index": INDEXES[*index].0,
            }),
            Self::Yearly(_, On::Nth(index, days)) => json!({
                "type": "relativeYearly", "daysOfWeek": names(days), "index": INDEXES[*index].0,
            }),
        };
        if let Self::Yearly(month, _) = self {
            json["month"] = (*month).into();
        }
        json["interval"] = interval.into();
        json
    }

    /// The parts of a rule for a series that begins on `first`, without what follows from that: so a series goes along
    /// when its beginning is moved to another day.
    pub(super) fn to_parts(&self, interval: u64, first: NaiveDate) -> String {
        match self {
            Self::Daily => "FREQ=DAILY".to_owned(),
            Self::Weekly { days, .. } if *days == [weekday(first)] => "FREQ=WEEKLY".to_owned(),
            Self::Weekly { days, week_start } => {
                // Where the week begins matters only when weeks are left out.
                let week_start = if interval > 1 && *week_start != MONDAY {
                    format!(";WKST={}", DAYS[*week_start].1)
                } else {
                    String::new()
                };
                format!("FREQ=WEEKLY;BYDAY={}{week_start}", join(days))
            }
            Self::Monthly(on) => format!("FREQ=MONTHLY{}", on.to_parts(first, None)),
            Self::Yearly(month, on) => {
                let on = on.to_parts(first, Some(*month));
                if on.is_empty() && *month == first.month() {
                    return "FREQ=YEARLY".to_owned();
                }
                format!("FREQ=YEARLY;BYMONTH={month}{on}")
            }
        }
    }

    /// Whether the day belongs to the pattern.
    pub(super) fn falls_on(&self, date: NaiveDate) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekly { days, .. } => days.contains(&weekday(date)),
            Self::Monthly(on) => on.falls_on(date),
            Self::Yearly(month, on) => date.month() == *month && on.falls_on(date),
        }
    }
}

impl On {
    /// What the rule says of the day in each month, or in `month` of each year.
    fn of_rule(rule: &IcalRecurRule, first: NaiveDate, month: Option<u32>) -> Result<Self, String> {
        let day = |day: i64| Self::day(day, month);
        let qualified = rule.by_day.iter().any(|day| day.ordinal.is_some());
        match (rule.by_month_day.as_slice(), rule.by_day.as_slice(), rule.by_set_pos.as_slice()) {
            ([], [], []) => day(first.day().into()),
            ([number], [], []) => day((*number).into()),
            (numbers, [], [-1]) if run_end(numbers).is_some() => {
                Ok(Self::Day(run_end(numbers).unwrap_or_default().min(longest(month))))
            }
            ([], [day], []) if qualified => Self::nth(day.ordinal.unwrap_or_default(), rule),
            ([], [_, ..], [place]) if !qualified => Self::nth(*place, rule),
            _ => Err(
                "Outlook repeats on one day of a month, or on the first to fourth or last of some weekdays"
                    .to_owned(),
            ),
        }
    }

    fn day(day: i64, month: Option<u32>) -> Result<Self, String> {
        match u32::try_from(day) {
            Ok(day) if (1..=shortest(month)).contains(&day) => Ok(Self::Day(day)),
            Ok(day) if day <= longest(month) => Err(format!(
                "Outlook puts day {day} on the last day of a shorter month, where a rule leaves it out: BYMONTHDAY=-1 is the last day"
            )),
            Err(_) if day == -1 => Ok(Self::Day(longest(month))),
            _ => {
                Err("Outlook counts the days of a month from its beginning, and knows the last one"
                    .to_owned())
            }
        }
    }

    fn nth(place: i16, rule: &IcalRecurRule) -> Result<Self, String> {
        let Some(index) = INDEXES.iter().position(|(_, known)| *known == place) else {
            return Err(format!(
                "Outlook knows the first to fourth and the last of a month, not number {place}"
            ));
        };
        let days = weekdays(rule);
        // Of others it is not clear whether they are counted together or each for itself; the first is the same either way.
        if days.len() == 1 || place == 1 || COUNTED_TOGETHER.contains(&days.as_slice()) {
            return Ok(Self::Nth(index, days));
        }
        Err("Outlook counts one day of the week, all of them, Monday to Friday, or Saturday and Sunday"
            .to_owned())
    }

    fn to_parts(&self, first: NaiveDate, month: Option<u32>) -> String {
        match self {
            Self::Day(day) => match (*day).min(longest(month)) {
                day if day <= shortest(month) && day == first.day() => String::new(),
                day if day <= shortest(month) => format!(";BYMONTHDAY={day}"),
                day if day == longest(month) => ";BYMONTHDAY=-1".to_owned(),
                day => {
                    let days: Vec<_> = (shortest(month)..=day).map(|day| day.to_string()).collect();
                    format!(";BYMONTHDAY={};BYSETPOS=-1", days.join(","))
                }
            },
            Self::Nth(index, days) if days.len() == 1 => {
                format!(";BYDAY={}{}", INDEXES[*index].1, join(days))
            }
            Self::Nth(index, days) => format!(";BYDAY={};BYSETPOS={}", join(days), INDEXES[*index].1),
        }
    }

    fn falls_on(&self, date: NaiveDate) -> bool {
        let length = date.num_days_in_month();
        match self {
            Self::Day(day) => date.day() == (*day).min(length.into()),
            Self::Nth(index, days) => {
                let of_them =
                    |day: &u32| date.with_day(*day).is_some_and(|date| days.contains(&weekday(date)));
                let up_to_it = (1..=date.day()).filter(of_them).count();
                of_them(&date.day())
                    && match INDEXES[*index].1 {
                        -1 => !(date.day() + 1..=length.into()).any(|day| of_them(&day)),
                        place => usize::try_from(place) == Ok(up_to_it),
                    }
            }
        }
    }
}

/// The fewest days of a month: of `month`, or of any.
fn shortest(month: Option<u32>) -> u32 {
    match month {
        None | Some(2) => 28,
        Some(month) => longest(Some(month)),
    }
}

/// The most days of a month: of `month`, or of any.
fn longest(month: Option<u32>) -> u32 {
    match month {
        Some(2) => 29,
        Some(4 | 6 | 9 | 11) => 30,
        _ => 31,
    }
}

/// `n` for the days 28 to `n`: the last of them that a month has is what Outlook means by day `n`.
fn run_end(days: &[i8]) -> Option<u32> {
    let mut days = days.to_vec();
    days.sort_unstable();
    (29..=31).find(|end| days.iter().map(|day| i64::from(*day)).eq(28..=i64::from(*end)))
}

/// Every such weekday of the month: a weekly series by another name.
fn every_such_weekday(rule: &IcalRecurRule) -> bool {
    rule.by_month_day.is_empty()
        && rule.by_set_pos.is_empty()
        && !rule.by_day.is_empty()
        && rule.by_day.iter().all(|day| day.ordinal.is_none())
}

/// The weekdays a rule names, from Sunday on.
fn weekdays(rule: &IcalRecurRule) -> Vec<usize> {
    let mut days: Vec<usize> = rule.by_day.iter().map(|day| day.weekday as usize).collect();
    days.sort_unstable();
    days.dedup();
    days
}

fn weekday(date: NaiveDate) -> usize {
    date.weekday().num_days_from_sunday() as usize
}

fn join(days: &[usize]) -> String {
    days.iter().map(|day| DAYS[*day].1).collect::<Vec<_>>().join(",")
}
