//! Takes secrets out of what is logged.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// Fields whose value is a secret, wherever they appear.
const SECRET_FIELDS: [&str; 10] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "id_token",
    "refresh_token",
    "token",
    "clientState",
];

/// Headers worth showing; everything else, `Authorization` above all, is left out.
const SHOWN_HEADERS: [&str; 9] = [
    "accept-encoding",
    "client-request-id",
    "content-type",
    "host",
    "if-match",
    "if-none-match",
    "prefer",
    "user-agent",
    "content-id",
];

const REDACTED: &str = "[redacted]";

/// A query or form body as an object; a repeated parameter becomes a list.
pub fn form(bytes: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let value = if SECRET_FIELDS.contains(&name.as_ref()) {
            Value::String(REDACTED.to_owned())
        } else {
            Value::String(value.into_owned())
        };
        match fields.get_mut(name.as_ref()) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                fields.insert(name.into_owned(), value);
            }
        }
    }
    Value::Object(fields)
}

/// The headers worth showing.
pub fn headers(headers: &HeaderMap) -> Value {
    let shown = SHOWN_HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::from(headers.get(*name)?.to_str().ok()?))));
    Value::Object(shown.collect())
}

/// A body: JSON and forms as objects, anything else by its length alone (it may hold further requests).
pub fn body(headers: &HeaderMap, bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if kind.starts_with("application/x-www-form-urlencoded") {
        return form(bytes);
    }
    match serde_json::from_slice(bytes) {
        Ok(mut value) => {
            json(&mut value);
            value
        }
        Err(_) => Value::String(format!("[{} bytes]", bytes.len())),
    }
}

fn json(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if SECRET_FIELDS.contains(&name.as_str()) && field.is_string() {
                    *field = Value::String(REDACTED.to_owned());
                } else {
                    json(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_disappear_from_forms_and_json() {
        assert_eq!(
            form(b"grant_type=refresh_token&refresh_token=s3cret&scope=a&scope=b"),
            json!({"grant_type": "refresh_token", "refresh_token": REDACTED, "scope": ["a", "b"]})
        );
        let body = body(&HeaderMap::new(), br#"{"summary": "x", "inner": [{"token": "s3cret"}]}"#);
        assert_eq!(body, json!({"summary": "x", "inner": [{"token": REDACTED}]}));
    }

    #[test]
    fn the_authorization_header_is_never_shown() {
        let mut map = HeaderMap::new();
        map.insert("authorization", "Bearer s3cret".parse().unwrap());
        map.insert("if-match", "\"1\"".parse().unwrap());
        assert_eq!(headers(&map), json!({"if-match": "\"1\""}));
    }
}
