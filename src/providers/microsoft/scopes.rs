//! Which of Graph's permissions we ask for, and which we cannot work without.
//!
//! <https://learn.microsoft.com/en-us/graph/permissions-reference>

/// The scope nothing works without.
const NEEDED: &str = "Calendars.ReadWrite";

/// Scopes that are enough without it: what an administrator set up in the registration, and the broader one.
const ENOUGH: [&str; 3] = [NEEDED, "Calendars.ReadWrite.Shared", ".default"];

/// What every authorization asks for whoever names the scopes: an id token, and a refresh token.
const ALWAYS: [&str; 2] = ["openid", "offline_access"];

/// What a connection asks for: who the account is and lasting access, its calendars, its zone and working hours. People of
/// an organisation may consent to all of it themselves, unless the organisation says otherwise.
pub(super) fn defaults() -> Vec<String> {
    ["openid", "profile", "email", "offline_access", "User.Read", NEEDED, "MailboxSettings.Read"]
        .map(str::to_owned)
        .into()
}

/// The scope we cannot work without, if it is not granted nor one that includes it. Tokens of personal accounts name scopes
/// as whole URLs, and none ever lists `offline_access`.
pub(super) fn missing(granted: &[String]) -> Vec<String> {
    let has = |scope: &String| ENOUGH.iter().any(|enough| short(scope).eq_ignore_ascii_case(enough));
    if granted.iter().any(has) { Vec::new() } else { vec![NEEDED.to_owned()] }
}

/// The `scope` of a request: `scopes`, and what is always asked for.
pub(super) fn asked(scopes: &[String]) -> String {
    let more = ALWAYS.into_iter().filter(|always| !scopes.iter().any(|scope| scope == always));
    scopes.iter().map(String::as_str).chain(more).collect::<Vec<_>>().join(" ")
}

/// `User.Read` of `https://graph.microsoft.com/User.Read`.
fn short(scope: &str) -> &str {
    scope.rsplit('/').next().unwrap_or(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn nothing_but_writing_to_calendars_is_missed_by_whichever_name() {
        for (granted, missing_one) in [
            (&["User.Read", "Calendars.ReadWrite"][..], false),
            (&["https://graph.microsoft.com/Calendars.ReadWrite"], false),
            (&["calendars.readwrite"], false),
            (&["Calendars.ReadWrite.Shared"], false),
            (&["https://graph.microsoft.com/.default"], false),
            (&["Calendars.Read", "offline_access"], true),
            (&["https://graph.microsoft.com/Calendars.Read"], true),
            (&[], true),
        ] {
            let expected = if missing_one { owned(&[NEEDED]) } else { vec![] };
            assert_eq!(missing(&owned(granted)), expected, "{granted:?}");
        }
        assert!(missing(&defaults()).is_empty());
    }

    #[test]
    fn an_id_token_and_lasting_access_are_always_asked_for() {
        assert_eq!(asked(&owned(&["Calendars.ReadWrite"])), "Calendars.ReadWrite openid offline_access");
        assert_eq!(asked(&defaults()), defaults().join(" "));
    }
}
