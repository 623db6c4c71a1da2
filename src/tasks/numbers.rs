//! Numbers on their way through queues, where JavaScript reads and writes them: each gets a form that it keeps, so that a task
//! is recognised as the same one however often it was sent.

use serde_json::{Number, Value as Json};

/// The largest whole number that is told from its neighbours everywhere (RFC 7493, section 2.2).
const LARGEST: f64 = 9_007_199_254_740_991.0;

/// Gives every number below `value` the form it keeps. Returns the path of the first that is beyond ±(2^53 - 1), such as
/// `.attendees[0].age`.
pub fn settle(value: &mut Json) -> Option<String> {
    let first = |found: Option<String>, path: Option<String>| found.or(path);
    match value {
        Json::Number(number) => {
            let (settled, fits) = settled(number);
            *number = settled;
            (!fits).then(String::new)
        }
        Json::Array(items) => items
            .iter_mut()
            .enumerate()
            .map(|(place, item)| settle(item).map(|path| format!("[{place}]{path}")))
            .fold(None, first),
        Json::Object(fields) => fields
            .iter_mut()
            .map(|(name, field)| settle(field).map(|path| format!(".{name}{path}")))
            .fold(None, first),
        _ => None,
    }
}

/// The form a number keeps, and whether it is in range.
///
/// A whole number is written as one: `49.0` as `49`. Any other is rounded as far as `f32` goes: the last digits of a double do
/// not survive being read here, and those that are left do. No task takes such a number, so that nothing is lost by it.
fn settled(number: &Number) -> (Number, bool) {
    let exact = number.as_f64().unwrap_or_default();
    let whole = |value: f64| value.fract() == 0.0 && value.abs() <= LARGEST;
    let rounded = f64::from((exact as f32).clamp(f32::MIN, f32::MAX));
    let kept = if whole(exact) { exact } else { rounded };
    let settled = if whole(kept) { Some(Number::from(kept as i64)) } else { Number::from_f64(kept) };
    (settled.unwrap_or_else(|| number.clone()), exact.abs() <= LARGEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::through_javascript;

    fn read(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_whole_number_is_written_as_one() {
        for (written, kept) in [
            ("49.0", "49"),
            ("4.9e1", "49"),
            ("-0.0", "0"),
            ("-1e3", "-1000"),
            ("0.5", "0.5"),
            ("9007199254740991", "9007199254740991"),
            ("-9007199254740991", "-9007199254740991"),
        ] {
            let mut value = read(written);
            assert_eq!((settle(&mut value), value.to_string()), (None, kept.to_owned()), "{written}");
        }
    }

    #[test]
    fn the_first_number_beyond_the_range_is_named_by_its_path() {
        for number in ["9007199254740993", "-9007199254740993", "18446744073709551615", "1e18", "-1e300"] {
            let mut value = read(&format!(r#"{{"a": 1.0, "list": [{{"b": {number}}}], "z": {number}}}"#));
            assert_eq!(settle(&mut value), Some(".list[0].b".to_owned()), "{number}");
            assert_eq!(value["a"], json!(1));
        }
    }

    proptest! {
        #[test]
        fn a_settled_number_comes_out_of_a_queue_as_it_went_in(integer: i64, large: u64, bits: u64, fraction in -1e9..1e9_f64) {
            let mut value = json!([integer, large, f64::from_bits(bits), fraction, fraction.trunc(), { "in": fraction }]);
            settle(&mut value);
            let mut back = through_javascript(&value);
            settle(&mut back);
            prop_assert_eq!(&back, &value);
            prop_assert_eq!(back.to_string(), value.to_string());
        }
    }
}
