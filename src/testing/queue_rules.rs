//! What Cloudflare's queues do to whatever they are sent, for the queues of tests.

use serde_json::{Number, Value as Json};

use crate::ports::OutgoingMessage;

/// The most messages of one send.
const MOST_MESSAGES: usize = 100;
/// The most bytes of one message. <https://developers.cloudflare.com/queues/platform/limits/>
const LARGEST_MESSAGE: usize = 128_000;
/// The most bytes of one send.
const LARGEST_SEND: usize = 256_000;

/// Why a queue would take none of these messages, if so.
pub fn refusal(messages: &[OutgoingMessage]) -> Option<String> {
    let sizes: Vec<usize> = messages.iter().map(|message| message.body.to_string().len()).collect();
    let (largest, all) = (sizes.iter().max().copied().unwrap_or_default(), sizes.iter().sum::<usize>());
    if messages.len() > MOST_MESSAGES {
        return Some(format!("{} messages at once", messages.len()));
    }
    if largest > LARGEST_MESSAGE {
        return Some(format!("a message of {largest} bytes"));
    }
    (all > LARGEST_SEND).then(|| format!("{all} bytes at once"))
}

/// A body as it comes out of a queue: JavaScript has read it and written it again, and all its numbers are doubles
/// (ECMAScript, `Number::toString`).
pub fn through_javascript(body: &Json) -> Json {
    match body {
        Json::Number(number) => Json::Number(as_double(number)),
        Json::Array(items) => items.iter().map(through_javascript).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), through_javascript(field))).collect()
        }
        other => other.clone(),
    }
}

fn as_double(number: &Number) -> Number {
    let double = number.as_f64().unwrap();
    // Both write the fewest digits that mean this double; only up to 21 of them as a whole number.
    let text = match () {
        () if double == 0.0 => "0".to_owned(),
        () if double.fract() == 0.0 && double.abs() < 1e21 => whole(double),
        () => Json::from(double).to_string(),
    };
    serde_json::from_str(&text).unwrap()
}

/// The fewest digits, filled up with zeros.
fn whole(double: f64) -> String {
    let scientific = format!("{double:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    format!("{sign}{digits:0<width$}", width = exponent.parse::<usize>().unwrap() + 1)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_back_as_javascript_writes_them() {
        for (sent, received) in [
            ("49.0", "49"),
            ("-0.0", "0"),
            ("0.1", "0.1"),
            ("9007199254740993", "9007199254740992"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e18", "1000000000000000000"),
            ("-1.5e19", "-15000000000000000000"),
            ("1e300", "1e+300"),
        ] {
            let body = json!({ "in": [serde_json::from_str::<Json>(sent).unwrap()] });
            let expected: Json = serde_json::from_str(received).unwrap();
            assert_eq!(through_javascript(&body)["in"][0].to_string(), expected.to_string(), "{sent}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let message = |length: usize| OutgoingMessage {
            body: Json::from("x".repeat(length - 2)),
            delay: TimeDelta::zero(),
        };
        for (messages, taken) in [
            (vec![message(100); 100], true),
            (vec![message(100); 101], false),
            (vec![message(128_000)], true),
            (vec![message(128_001)], false),
            (vec![message(128_000); 2], true),
            (vec![message(100_000); 3], false),
        ] {
            assert_eq!(refusal(&messages).is_none(), taken, "{:?}", refusal(&messages));
        }
    }
}
