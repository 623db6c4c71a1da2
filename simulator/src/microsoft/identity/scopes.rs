//! The scopes that exist: those of OpenID, and the delegated ones of Graph that have to do with calendars.

use super::grants::Scopes;

/// Scopes of the identity platform itself.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];
const GRAPH: [(&str, &str); 12] = [
    ("Calendars.ReadBasic", "Read basic details of your calendars"),
    ("Calendars.Read", "Read your calendars"),
    ("Calendars.ReadWrite", "Have full access to your calendars"),
    ("Calendars.Read.Shared", "Read calendars you can access"),
    ("Calendars.ReadWrite.Shared", "Read and write to your and shared calendars"),
    ("MailboxSettings.Read", "Read your mailbox settings"),
    ("MailboxSettings.ReadWrite", "Read and write to your mailbox settings"),
    ("OnlineMeetings.Read", "Read your online meetings"),
    ("OnlineMeetings.ReadWrite", "Read and create your online meetings"),
    ("User.Read", "Sign you in and read your profile"),
    ("User.ReadBasic.All", "Read all users' basic profiles"),
    ("Contacts.Read", "Read your contacts"),
];
const GRAPH_PREFIX: &str = "https://graph.microsoft.com/";

/// Whether a scope belongs to the identity platform rather than to Graph.
pub fn is_openid(scope: &str) -> bool {
    OPENID.contains(&scope)
}

/// A scope's short name: `https://graph.microsoft.com/User.Read` is `User.Read`.
pub fn short(scope: &str) -> &str {
    match scope.get(..GRAPH_PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(GRAPH_PREFIX) => &scope[GRAPH_PREFIX.len()..],
        _ => scope,
    }
}

/// Reads a space-separated list by short names; the error is the first scope that does not exist.
pub fn read(text: &str) -> Result<Scopes, String> {
    text.split_whitespace()
        .map(|given| {
            let name = short(given);
            let known = OPENID.into_iter().chain(GRAPH.map(|(name, _)| name)).chain([".default"]);
            known
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(name))
                .map(str::to_owned)
                .ok_or_else(|| given.to_owned())
        })
        .collect()
}

/// What a consent page says of a scope.
pub fn describe(scope: &str) -> &'static str {
    match scope {
        "openid" => "Sign you in",
        "profile" | "email" => "View your basic profile",
        "offline_access" => "Maintain access to data you have given it access to",
        scope => GRAPH
            .iter()
            .find(|(name, _)| *name == scope)
            .map_or("Everything you have agreed to before", |(_, what)| what),
    }
}

/// The `scope` of a token answer: work accounts get short names, personal ones whole URLs; never `offline_access`.
pub fn write(scopes: &Scopes, personal: bool) -> String {
    let shown = scopes.iter().filter(|scope| *scope != "offline_access").map(|scope| {
        if personal && !is_openid(scope) { format!("{GRAPH_PREFIX}{scope}") } else { scope.clone() }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_a_long_and_a_short_form() {
        let read =
            read("openid offline_access https://graph.microsoft.com/Calendars.ReadWrite user.read").unwrap();
        assert_eq!(write(&read, false), "Calendars.ReadWrite User.Read openid");
        assert!(write(&read, true).starts_with("https://graph.microsoft.com/Calendars.ReadWrite"));
        assert_eq!(super::read("openid Files.Burn"), Err("Files.Burn".to_owned()));
    }
}
