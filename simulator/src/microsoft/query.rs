//! The OData options that lists of events take: `$filter`, `$orderby`, `$expand`.
//!
//! What Outlook does not filter by is refused here too, `transactionId` above all: a lookup before a repeated create
//! goes by a single-value extended property.
//!
//! <https://learn.microsoft.com/en-us/graph/api/singlevaluelegacyextendedproperty-get>

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::errors::ApiError;
use super::event::Event;
use super::wire::Params;
use super::zone::read_instant;

/// One condition; a filter is several joined by `and`.
#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// An extended property has this value.
    Property { id: String, value: String },
    /// One of the categories has this name.
    Category(String),
    /// A property compares with a literal.
    Compare { name: String, operator: String, literal: String },
}

/// A `$filter`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(Vec<Condition>);

impl Filter {
    /// Reads `$filter`; without one everything passes.
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        let Some(text) = params.get("$filter") else {
            return Ok(Self::default());
        };
        split_top_level(text).into_iter().map(read_condition).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an event passes.
    pub fn accepts(&self, event: &Event) -> bool {
        self.0.iter().all(|condition| match condition {
            Condition::Property { id, value } => {
                event.properties.iter().any(|(known, text)| known.eq_ignore_ascii_case(id) && text == value)
            }
            Condition::Category(name) => event
                .fields
                .get("categories")
                .and_then(Value::as_array)
                .is_some_and(|list| list.iter().any(|category| category.as_str() == Some(name))),
            Condition::Compare { name, operator, literal } => {
                let order = compare(event, name, literal);
                order.is_some_and(|order| match operator.as_str() {
                    "eq" => order == Ordering::Equal,
                    "ne" => order != Ordering::Equal,
                    "ge" => order != Ordering::Less,
                    "gt" => order == Ordering::Greater,
                    "le" => order != Ordering::Greater,
                    _ => order == Ordering::Less,
                })
            }
        })
    }
}

const INSTANTS: [&str; 4] = ["start/datetime", "end/datetime", "createddatetime", "lastmodifieddatetime"];
const TEXTS: [&str; 6] = ["subject", "icaluid", "showas", "sensitivity", "importance", "type"];
const FLAGS: [&str; 4] = ["isallday", "iscancelled", "isorganizer", "isonlinemeeting"];

fn read_condition(text: &str) -> Result<Condition, ApiError> {
    let invalid = || ApiError::invalid_filter("The query filter contains one or more invalid nodes.");
    let lower = text.to_ascii_lowercase();
    if let Some(inner) = lambda(text, "singlevalueextendedproperties/any(") {
        let (mut id, mut value) = (None, None);
        for part in split_top_level(inner) {
            let (path, literal) = part.split_once(" eq ").ok_or_else(invalid)?;
            let literal = quoted(literal).ok_or_else(invalid)?;
            match path.trim().rsplit('/').next() {
                Some("id") => id = Some(literal),
                Some("value") => value = Some(literal),
                _ => return Err(invalid()),
            }
        }
        return match (id, value) {
            (Some(id), Some(value)) => Ok(Condition::Property { id, value }),
            _ => Err(invalid()),
        };
    }
    if let Some(inner) = lambda(text, "categories/any(") {
        let (_, literal) = inner.split_once(" eq ").ok_or_else(invalid)?;
        return quoted(literal).map(Condition::Category).ok_or_else(invalid);
    }
    let mut words = lower.split_whitespace();
    let (name, operator) = (words.next().ok_or_else(invalid)?, words.next().ok_or_else(invalid)?);
    if !matches!(operator, "eq" | "ne" | "ge" | "gt" | "le" | "lt") {
        return Err(invalid());
    }
    let known = INSTANTS.contains(&name) || TEXTS.contains(&name) || FLAGS.contains(&name);
    if !known {
        let given = text.split_whitespace().next().unwrap_or_default();
        return Err(ApiError::new(
            400,
            "ErrorInvalidProperty",
            format!("The property '{given}' does not support filtering."),
        ));
    }
    let at = lower.find(&format!(" {operator} ")).ok_or_else(invalid)?;
    let literal = text[at + operator.len() + 2..].trim();
    let literal = quoted(literal).unwrap_or_else(|| literal.to_owned());
    if INSTANTS.contains(&name) {
        read_instant(&literal)?;
    }
    Ok(Condition::Compare { name: name.to_owned(), operator: operator.to_owned(), literal })
}

fn compare(event: &Event, name: &str, literal: &str) -> Option<Ordering> {
    let instant = |at: Timestamp| Some(at.cmp(&read_instant(literal).ok()?));
    let flag = |flag: bool| Some(flag.cmp(&(literal == "true")));
    let text = |text: &str| Some(text.to_lowercase().cmp(&literal.to_lowercase()));
    match name {
        "start/datetime" => instant(event.starts()),
        "end/datetime" => instant(event.ends()),
        "createddatetime" => instant(event.created),
        "lastmodifieddatetime" => instant(event.modified),
        "isallday" => flag(event.all_day),
        "iscancelled" => flag(event.is_cancelled),
        "isorganizer" => flag(event.is_organizer),
        "isonlinemeeting" => flag(event.online_meeting.is_some()),
        "subject" => text(event.subject()),
        "icaluid" => text(&event.ical_uid),
        "type" => text(event.kind.name()),
        "showas" => text(event.text("showAs").unwrap_or("")),
        "sensitivity" => text(event.text("sensitivity").unwrap_or("")),
        _ => text(event.text("importance").unwrap_or("")),
    }
}

/// Sorts by `$orderby`; without one events stay as they are.
pub fn sort(events: &mut [Event], params: &Params) -> Result<(), ApiError> {
    let Some(order) = params.get("$orderby") else {
        return Ok(());
    };
    let (name, direction) = order.trim().split_once(' ').unwrap_or((order.trim(), "asc"));
    match name.to_ascii_lowercase().as_str() {
        "start/datetime" => events.sort_by_key(|event| event.starts()),
        "end/datetime" => events.sort_by_key(|event| event.ends()),
        "createddatetime" => events.sort_by_key(|event| event.created),
        "lastmodifieddatetime" => events.sort_by_key(|event| event.modified),
        "subject" => events.sort_by_key(|event| event.subject().to_lowercase()),
        _ => return Err(ApiError::invalid_query(format!("The property '{name}' does not support sorting."))),
    }
    match direction.trim() {
        "asc" => {}
        "desc" => events.reverse(),
        _ => return Err(ApiError::invalid_query(format!("Syntax error at '{order}' in $orderby."))),
    }
    Ok(())
}

/// `$expand=singleValueExtendedProperties($filter=id eq 'a' or id eq 'b')`: `None` when it is not asked for, an empty list for
/// all of them.
pub fn expanded_properties(params: &Params) -> Result<Option<Vec<String>>, ApiError> {
    let Some(expand) = params.get("$expand") else {
        return Ok(None);
    };
    let lower = expand.to_ascii_lowercase();
    if !lower.starts_with("singlevalueextendedproperties") {
        return Err(ApiError::invalid_query(format!("Could not expand '{expand}'.")));
    }
    let ids = expand.trim_end_matches(')').split(" or ");
    let ids = ids.filter_map(|condition| condition.split_once(" eq ").and_then(|(_, id)| quoted(id)));
    Ok(Some(ids.collect()))
}

/// The inside of `name(x:...)` without its variable.
fn lambda<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.get(..name.len())?;
    if !head.eq_ignore_ascii_case(name) {
        return None;
    }
    let inner = text[name.len()..].trim().strip_suffix(')')?;
    inner.split_once(':').map(|(_, condition)| condition.trim())
}

/// The text of a quoted literal; `''` inside it is one quote.
fn quoted(literal: &str) -> Option<String> {
    let inner = literal.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    Some(inner.replace("''", "'"))
}

/// Whether ` and ` begins here.
fn joins(text: &str, at: usize) -> bool {
    text.get(at..at + 5).is_some_and(|word| word.eq_ignore_ascii_case(" and "))
}

/// Splits at ` and ` outside of quotes and parentheses.
fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut in_quotes, mut from) = (Vec::new(), 0_i32, false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => in_quotes = !in_quotes,
            '(' if !in_quotes => depth += 1,
            ')' if !in_quotes => depth -= 1,
            ' ' if !in_quotes && depth == 0 && at >= from && joins(text, at) => {
                parts.push(text[from..at].trim());
                from = at + 5;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or("").trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(filter: &str) -> Result<Filter, String> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("$filter", filter).finish();
        Filter::read(&Params::parse(query.as_bytes())).map_err(|error| error.code)
    }

    #[test]
    fn extended_properties_can_be_looked_up() {
        let id = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name huddleTask";
        let filter = read(&format!(
            "singleValueExtendedProperties/Any(ep: ep/id eq '{id}' and ep/value eq 'it''s and more')"
        ));
        let expected = Condition::Property { id: id.into(), value: "it's and more".into() };
        assert_eq!(filter.unwrap(), Filter(vec![expected]));
    }

    #[test]
    fn conditions_join_and_the_unfilterable_is_refused() {
        let filter =
            read("start/dateTime ge '2026-03-01T00:00:00Z' and isAllDay eq false and subject eq 'A and B'")
                .unwrap();
        assert_eq!(filter.0.len(), 3);
        for (text, code) in [
            ("transactionId eq 'x'", "ErrorInvalidProperty"),
            ("subject like 'x'", "ErrorInvalidUrlQueryFilter"),
            ("singleValueExtendedProperties/Any(ep: ep/id eq 'x')", "ErrorInvalidUrlQueryFilter"),
            ("start/dateTime ge 'soon'", "ErrorInvalidParameter"),
        ] {
            assert_eq!(read(text).unwrap_err(), code, "{text}");
        }
    }

    #[test]
    fn an_expansion_names_some_properties_or_all() {
        let expand = |text: &str| {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("$expand", text).finish();
            expanded_properties(&Params::parse(query.as_bytes())).map_err(|error| error.code)
        };
        assert_eq!(expand("singleValueExtendedProperties").unwrap(), Some(vec![]));
        let one = expand("singleValueExtendedProperties($filter=id eq 'String {a} Name b')").unwrap();
        assert_eq!(one, Some(vec!["String {a} Name b".into()]));
        let two = expand("singleValueExtendedProperties($filter=id eq 'A b c' or id eq 'D e f')").unwrap();
        assert_eq!(two, Some(vec!["A b c".into(), "D e f".into()]));
        assert!(expand("attachments").is_err());
    }
}
