//! Partial responses: the `fields` parameter.
//!
//! <https://developers.google.com/workspace/calendar/api/guides/performance#partial-response>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::errors::ApiError;

/// What `fields` selects.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mask {
    Everything,
    Only(BTreeMap<String, Mask>),
}

/// The parts of an answer that `fields` selects.
pub fn select(answer: Value, fields: &str) -> Result<Value, ApiError> {
    let mut parser = Parser { rest: fields };
    let mask = parser.list().filter(|_| parser.rest.is_empty());
    let mask = mask.ok_or_else(|| {
        let mut error = ApiError::invalid_parameter("fields", fields);
        error.message = format!("Invalid field selection {fields}");
        error
    })?;
    Ok(apply(&mask, answer).unwrap_or_else(|| Value::Object(Map::new())))
}

fn apply(mask: &Mask, value: Value) -> Option<Value> {
    let Mask::Only(wanted) = mask else { return Some(value) };
    match value {
        Value::Object(fields) => {
            let star = wanted.get("*");
            let kept: Map<String, Value> = fields
                .into_iter()
                .filter_map(|(name, field)| {
                    let mask = wanted.get(&name).or(star)?;
                    Some((name, apply(mask, field)?))
                })
                .collect();
            Some(Value::Object(kept))
        }
        Value::Array(items) => {
            Some(Value::Array(items.into_iter().filter_map(|item| apply(mask, item)).collect()))
        }
        // A selection below a plain value selects nothing.
        _ => None,
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// `a,b/c,d(e,f)`
    fn list(&mut self) -> Option<Mask> {
        let mut wanted = BTreeMap::new();
        loop {
            let (name, mask) = self.item()?;
            match (wanted.remove(&name), mask) {
                (Some(Mask::Only(mut before)), Mask::Only(more)) => {
                    before.extend(more);
                    wanted.insert(name, Mask::Only(before));
                }
                (Some(_), _) => {
                    wanted.insert(name, Mask::Everything);
                }
                (None, mask) => {
                    wanted.insert(name, mask);
                }
            }
            if !self.eat(',') {
                return Some(Mask::Only(wanted));
            }
        }
    }

    fn item(&mut self) -> Option<(String, Mask)> {
        let end = self.rest.find([',', '/', '(', ')']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-*.@".contains(c)) {
            return None;
        }
        let name = name.to_owned();
        self.rest = rest;
        if self.eat('/') {
            let (inner, mask) = self.item()?;
            return Some((name, Mask::Only(BTreeMap::from([(inner, mask)]))));
        }
        if self.eat('(') {
            let mask = self.list()?;
            return self.eat(')').then_some((name, mask));
        }
        Some((name, Mask::Everything))
    }

    fn eat(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_select_parts_of_an_answer() {
        let answer = json!({
            "kind": "k", "nextPageToken": "t",
            "items": [{"id": "1", "start": {"dateTime": "x", "timeZone": "z"}, "end": {"dateTime": "y"}}, {"id": "2"}],
        });
        let items = |value: Value| json!({ "items": value });
        for (fields, selected) in [
            ("*", answer.clone()),
            ("kind", json!({"kind": "k"})),
            ("items/id", items(json!([{"id": "1"}, {"id": "2"}]))),
            (
                "items(id,start/dateTime)",
                items(json!([{"id": "1", "start": {"dateTime": "x"}}, {"id": "2"}])),
            ),
            (
                "items/start/dateTime,items/id",
                items(json!([{"id": "1", "start": {"dateTime": "x"}}, {"id": "2"}])),
            ),
            ("items(*/dateTime)", items(json!([{"start": {"dateTime": "x"}, "end": {"dateTime": "y"}}, {}]))),
            ("nothing", json!({})),
            ("nextPageToken, items(id)", json!({"nextPageToken": "t", "items": [{"id": "1"}, {"id": "2"}]})),
        ] {
            assert_eq!(select(answer.clone(), fields), Ok(selected), "{fields}");
        }
    }

    #[test]
    fn a_mask_that_does_not_parse_is_refused() {
        for fields in ["items(", "items(id", "a,,b", "/a", "a/", "items(id))", "a b!"] {
            assert_eq!(select(json!({}), fields).unwrap_err().reason, "invalidParameter", "{fields}");
        }
    }
}
