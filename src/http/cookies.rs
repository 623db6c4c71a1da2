//! Cookies (RFC 6265). Over https their names begin with `__Host-`, so that no other host, path or plain connection can
//! have set them; on http://localhost, where browsers refuse that prefix, they go without.

use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue, header};

/// When a browser sends a cookie along with requests that other sites cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SameSite {
    /// With navigations.
    Lax,
    /// Never.
    Strict,
}

/// A cookie to set: for this host, not for scripts.
#[derive(Debug)]
pub(super) struct Cookie<'a> {
    /// Its name without the prefix.
    pub name: &'static str,
    /// Its value; of characters that need no quoting.
    pub value: &'a str,
    /// Whether we are reached over https.
    pub secure: bool,
    /// See [`SameSite`].
    pub same_site: SameSite,
    /// How long the browser keeps it; zero makes it forget.
    pub lifetime: TimeDelta,
}

impl Cookie<'_> {
    /// The value of `Set-Cookie`; `None` if the cookie's value cannot be in a header.
    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        let name = name(self.name, self.secure);
        let same_site = match self.same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let secure = if self.secure { "; Secure" } else { "" };
        let (value, age) = (self.value, self.lifetime.num_seconds());
        let text = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite={same_site}{secure}");
        HeaderValue::try_from(text).ok()
    }
}

/// The name a cookie has in browsers.
pub(super) fn name(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}

/// The value of a cookie of the request.
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(secure: bool) -> String {
        let cookie = Cookie {
            name: "session",
            value: "abc",
            secure,
            same_site: SameSite::Strict,
            lifetime: TimeDelta::minutes(10),
        };
        cookie.to_header().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn over_https_a_cookie_belongs_to_this_host_alone() {
        assert_eq!(
            cookie(true),
            "__Host-session=abc; Path=/; Max-Age=600; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(cookie(false), "session=abc; Path=/; Max-Age=600; HttpOnly; SameSite=Strict");
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; session=2; xsession=3"));
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-session=4"));
        assert_eq!(find(&headers, "session"), Some("2"));
        assert_eq!(find(&headers, "__Host-session"), Some("4"));
        assert_eq!(find(&headers, "sess"), None);
    }
}
