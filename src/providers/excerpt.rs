//! Showing a piece of what a provider said without showing a secret: for errors and logs.

/// The longest excerpt, in characters.
const LENGTH: usize = 200;

/// Names whose values are secrets wherever they appear, in JSON, in a form or in a URL.
const SECRET_NAMES: [&str; 9] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "code_verifier",
    "authorization",
    "password",
    "token",
    "code",
];

const REMOVED: &str = "[removed]";

/// The first characters of a body, on one line, with everything removed that is or may be a secret: the values of
/// secret names, and long opaque runs such as tokens and keys.
pub fn excerpt(body: &[u8]) -> String {
    // Secrets are removed from more than is shown, so that a cut cannot turn a long token into a short, kept one.
    let head = body.get(..LENGTH * 8).unwrap_or(body);
    let cut_short = head.len() < body.len();
    let text = String::from_utf8_lossy(head);
    let text =
        if cut_short { text.rsplit_once(char::is_whitespace).map_or("", |(kept, _)| kept) } else { &text };
    let clean = without_opaque_runs(&without_named_values(text));
    let mut line = String::with_capacity(LENGTH);
    for word in clean.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Replaces what follows a secret name and `=` or `:`.
fn without_named_values(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(separator) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(separator + 1);
        clean.push_str(before);
        rest = after;
        let name = before[..separator].trim_end().trim_end_matches(['"', '\'']);
        let name = &name[name.rfind(|c: char| !is_name(c)).map_or(0, |at| at + last_width(name, at))..];
        if !SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            continue;
        }
        let value = rest.trim_start();
        clean.push_str(&rest[..rest.len() - value.len()]);
        let (quote, value) = match value.strip_prefix(['"', '\'']) {
            Some(inside) => (value.get(..1).unwrap_or_default(), inside),
            None => ("", value),
        };
        let end = if name.eq_ignore_ascii_case("authorization") {
            // The scheme comes before the secret: everything up to the end of the line goes.
            value.find(['\r', '\n'])
        } else if quote.is_empty() {
            value.find(|c: char| c.is_whitespace() || matches!(c, '&' | ',' | ';' | '}' | ']'))
        } else {
            value.find(quote)
        };
        // `error: code 12` is no secret; neither is a number.
        let value_end = end.unwrap_or(value.len());
        clean.push_str(quote);
        if value[..value_end].parse::<i64>().is_ok() {
            clean.push_str(&value[..value_end]);
        } else if value_end > 0 {
            clean.push_str(REMOVED);
        }
        rest = &value[value_end..];
    }
    clean.push_str(rest);
    clean
}

/// Replaces runs that look like tokens: 20 or more token characters among which is a digit, or 40 and more of any kind.
fn without_opaque_runs(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '+') => run.push(c),
            _ => {
                let opaque = run.len() >= 40 || (run.len() >= 20 && run.bytes().any(|b| b.is_ascii_digit()));
                clean.push_str(if opaque { REMOVED } else { &run });
                run.clear();
                clean.extend(c);
            }
        }
    }
    clean
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn last_width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_removed_and_the_rest_stays_readable() {
        for (body, shown) in [
            ("Not   Found\r\n", "Not Found"),
            (r#"{"access_token": "short", "x": 1}"#, r#"{"access_token": "[removed]", "x": 1}"#),
            (r#"{"error": {"code": 404}}"#, r#"{"error": {"code": 404}}"#),
            ("refresh_token=abc&scope=x", "refresh_token=[removed]&scope=x"),
            (
                "https://app.example/cb?code=4/abc-def&state=xyz",
                "https://app.example/cb?code=[removed]&state=xyz",
            ),
            ("bad ya29.a0AfB_byC1234567890abcdefghij here", "bad ya29.[removed] here"),
            ("bad 1//0gABCDEFGHIJKLMNOPQRSTUVWX9 here", "bad 1//[removed] here"),
            ("Authorization: Bearer x\nHost: y", "Authorization: [removed] Host: y"),
            ("reason calendarUsageLimitsExceeded", "reason calendarUsageLimitsExceeded"),
            // No number of use to a reader, and perhaps a password.
            ("password=31415926535897932384", "password=[removed]"),
            ("code=inf", "code=[removed]"),
            ("", ""),
        ] {
            assert_eq!(excerpt(body.as_bytes()), shown, "{body}");
        }
    }

    #[test]
    fn a_cut_does_not_leave_the_start_of_a_token() {
        let body = format!("{} {}", "word ".repeat(318), "s3cret".repeat(100));
        assert!(!excerpt(body.as_bytes()).contains("s3cret"));
        assert_eq!(excerpt("s3cret".repeat(1000).as_bytes()), "");
    }

    proptest! {
        #[test]
        fn any_bytes_give_one_short_line(body in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let shown = excerpt(&body);
            prop_assert!(shown.chars().count() <= LENGTH + 1);
            prop_assert!(!shown.contains('\n'));
        }

        #[test]
        fn a_token_anywhere_is_removed(before in "[ -~]{0,300}", token in "[a-zA-Z0-9_-]{50}", after in "[ -~]{0,300}") {
            let body = format!("{before} {token} {after}");
            prop_assert!(!excerpt(body.as_bytes()).contains(&token));
        }
    }
}
