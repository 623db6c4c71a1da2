//! Where people may be sent back to. Open redirects are how authorization codes and connectors get stolen, so the list is
//! exact: a whole URI, to the letter, or an origin (an entry such as `https://app.example/`) with any path of it.

use url::{ParseError, Url};

use crate::{config::Settings, domain::failure::Failure};

/// The longest URI accepted.
const LONGEST: usize = 2_000;

/// Where a browser ends when the product has no page of its own; always allowed.
pub const OWN_PAGE: &str = "/connected";

/// Accepts `uri` if it is our own page or the operator's list has it.
pub fn check_for(settings: &Settings, uri: &str) -> Result<Url, Failure> {
    let own = [settings.public_base_url.join(OWN_PAGE)];
    let list = if uri == own[0] { own.as_slice() } else { &settings.redirect_allowlist };
    check(uri, list)
}

/// Accepts `uri` if the operator's list has it. `uri` is untrusted text.
pub fn check(uri: &str, allowlist: &[String]) -> Result<Url, Failure> {
    let refuse = |why: &str| {
        Err(Failure::rejected(
            "redirect_uri_not_allowed",
            "redirectUri",
            format!("{why}; the operator lists what is allowed in REDIRECT_ALLOWLIST"),
        ))
    };
    if uri.len() > LONGEST {
        return refuse("the URI is too long");
    }
    // The URL parser of browsers (and ours) drops tabs and newlines, and reads a backslash as a slash.
    if uri.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return refuse("the URI holds characters that no URI holds");
    }
    let url = match Url::parse(uri) {
        Ok(url) => url,
        Err(ParseError::IdnaError) => {
            return refuse("an international host name is written in ASCII, as xn--…");
        }
        Err(_) => return refuse("it is not an absolute URI"),
    };
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return refuse("it is not an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() || uri.contains('#') {
        return refuse("it holds user information or a fragment");
    }
    if allowlist.iter().any(|entry| entry == uri || is_below_origin(uri, &url, entry)) {
        return Ok(url);
    }
    refuse("this URI is not on the list of allowed redirect URIs")
}

/// Whether `entry` is an origin and `uri` is spelled as something below it. Both the text and what the parser makes of it
/// must agree, so that neither a look-alike prefix nor a parser's leniency opens a way out.
fn is_below_origin(uri: &str, url: &Url, entry: &str) -> bool {
    let Ok(origin) = Url::parse(entry) else { return false };
    origin.path() == "/"
        && entry.ends_with('/')
        && origin.query().is_none()
        && origin.username().is_empty()
        && uri.starts_with(entry)
        && url.origin() == origin.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowlist() -> Vec<String> {
        [
            "https://app.example/done",
            "https://app.example/with?a=b",
            "https://open.example/",
            "http://localhost:3000/",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn what_the_list_has_is_allowed() {
        for uri in [
            "https://app.example/done",
            "https://app.example/with?a=b",
            "https://open.example/",
            "https://open.example/any/path?query=1",
            "http://localhost:3000/back",
        ] {
            assert_eq!(check(uri, &allowlist()).map(|url| url.to_string()).as_deref(), Ok(uri), "{uri}");
        }
    }

    #[test]
    fn no_trick_gets_past_the_list() {
        for uri in [
            // Not the whole string.
            "https://app.example/done/",
            "https://app.example/done/more",
            "https://app.example/done?x=1",
            "https://app.example/don",
            "https://app.example/done/../done",
            "https://app.example/%64one",
            "https://APP.example/done",
            "http://app.example/done",
            "https://app.example:443/done",
            "https://app.example:8443/done",
            // Another host that starts or ends like an allowed one.
            "https://open.example.evil.example/",
            "https://open.exampleevil/",
            "https://evil-open.example/",
            "https://sub.open.example/",
            "https://open.example:8443/",
            "http://open.example/",
            "http://localhost:30000/back",
            "http://localhost/back",
            // User information.
            "https://open.example@evil.example/",
            "https://open.example:pass@evil.example/",
            "https://user@open.example/",
            "https://open.example%2f@evil.example/",
            // What parsers forgive.
            "https:open.example/",
            "https:/open.example/",
            "https:///open.example/",
            "https:\\\\open.example\\",
            "https://open.example\\@evil.example/",
            "https://open.example/\\evil.example",
            "//open.example/",
            "/done",
            "https://open.example/\tpath",
            "https://open.example/\npath",
            " https://open.example/",
            "https://open.example/ ",
            "https://open.example",
            "https://open.example./",
            "https://ｏpen.example/",
            "https://open.exampleA%Aa",
            // Fragments and other schemes.
            "https://open.example/#fragment",
            "https://open.example/#",
            "javascript:alert(1)//https://open.example/",
            "data:text/html,https://open.example/",
            "ftp://open.example/",
            "",
        ] {
            let refusal = check(uri, &allowlist()).unwrap_err();
            assert_eq!(
                (refusal.code.as_ref(), refusal.field()),
                ("redirect_uri_not_allowed", Some("redirectUri")),
                "{uri}"
            );
        }
    }

    #[test]
    fn an_international_host_is_written_in_ascii() {
        let list = ["https://xn--bcher-kva.example/".to_owned(), "https://bücher.example/".to_owned()];
        let allowed = check("https://xn--bcher-kva.example/done", &list).unwrap();
        assert_eq!(allowed.as_str(), "https://xn--bcher-kva.example/done");
        let refusal = check("https://bücher.example/done", &list).unwrap_err();
        assert!(refusal.message.contains("xn--"), "{}", refusal.message);
    }

    #[test]
    fn an_overlong_uri_is_refused() {
        let uri = format!("https://open.example/{}", "a".repeat(LONGEST));
        assert!(check(&uri, &allowlist()).is_err());
    }

    #[test]
    fn only_a_bare_origin_opens_all_its_paths() {
        for entry in
            ["https://app.example/folder/", "https://app.example", "https://app.example/?x=/", "app.example/"]
        {
            let list = [entry.to_owned()];
            assert!(check("https://app.example/folder/page", &list).is_err(), "{entry}");
            assert!(check("https://app.example.evil.example/", &list).is_err(), "{entry}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_allowed_leads_to_an_allowed_host(tail in "[ -~]{0,40}") {
            let uri = format!("https://open.example{tail}");
            if let Ok(url) = check(&uri, &allowlist()) {
                proptest::prop_assert_eq!(url.host_str(), Some("open.example"));
                proptest::prop_assert_eq!(url.port(), None);
            }
        }
    }
}
