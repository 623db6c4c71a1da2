//! Reading `Retry-After` (RFC 9110 section 10.2.3): seconds, or one of the three HTTP date forms.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::{
    HeaderMap,
    header::{DATE, HeaderName, RETRY_AFTER},
};

/// Nobody means to make us wait longer; also keeps absurd numbers out of the arithmetic.
const LONGEST: TimeDelta = TimeDelta::days(1);

/// How long to wait when a date is given but the answer does not say what time it is over there.
const UNDATED: TimeDelta = TimeDelta::seconds(60);

/// How long the provider asks us to wait, counted from when it answered; `None` when it does not say or says nonsense.
///
/// A date is measured against the answer's own `Date`, so that no clock of ours is needed and none can be wrong.
pub fn retry_after(headers: &HeaderMap) -> Option<TimeDelta> {
    let value = text(headers, RETRY_AFTER)?;
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number are still a very long wait.
        value.parse::<i64>().ok().and_then(TimeDelta::try_seconds).unwrap_or(LONGEST)
    } else {
        let until = http_date(value)?;
        text(headers, DATE).and_then(http_date).map_or(UNDATED, |now| until - now)
    };
    Some(wait.clamp(TimeDelta::zero(), LONGEST))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

/// The three forms every recipient must understand (RFC 9110 section 5.6.7).
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())
        .map(|utc| utc.and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(retry_after: &str, date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = retry_after.parse() {
            headers.insert(RETRY_AFTER, value);
        }
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        headers
    }

    #[test]
    fn seconds_and_all_three_date_forms_are_read() {
        let now = Some("Sun, 06 Nov 1994 08:49:07 GMT");
        for (value, date, seconds) in [
            ("30", None, Some(30)),
            (" 0 ", None, Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", now, Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", now, Some(30)),
            ("Sun Nov  6 08:49:37 1994", now, Some(30)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some("Sun, 06 Nov 1994 09:00:00 GMT"), Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, Some(60)),
            ("99999999999999999999999", None, Some(86_400)),
            ("-5", None, None),
            ("soon", None, None),
            ("", None, None),
        ] {
            let wait = retry_after(&headers(value, date));
            assert_eq!(wait.map(|wait| wait.num_seconds()), seconds, "{value:?} at {date:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_wait_more_than_a_day(value in "[ -~]{0,40}") {
            if let Some(wait) = retry_after(&headers(&value, None)) {
                prop_assert!(wait >= TimeDelta::zero() && wait <= LONGEST);
            }
        }
    }
}
