//! Page tokens and sync tokens: opaque to clients, readable here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::errors::ApiError;

/// Where a listing stands between two pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageToken {
    /// What is listed: `events`, `instances`, `calendarList`, `settings`, with the calendar's or account's id.
    pub of: String,
    /// The newest change when the first page was made; the sync token at the end starts from here.
    pub snapshot: u64,
    /// The change the listing starts after, when it is a sync.
    pub since: Option<u64>,
    /// The position of the last item shown; the next page begins after it.
    pub after: String,
    /// How many pages came before.
    pub pages: u64,
    /// The parameters that must stay the same.
    pub parameters: String,
}

/// Where the next sync starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncToken {
    /// What is synced, as in [`PageToken`].
    pub of: String,
    /// Changes after this one are new.
    pub since: u64,
}

impl PageToken {
    /// The token's text.
    pub fn encode(&self) -> String {
        encode("P", self)
    }

    /// Reads a token for this listing.
    pub fn decode(text: &str, of: &str, parameters: &str) -> Result<Self, ApiError> {
        decode("P", text)
            .filter(|token: &Self| token.of == of && token.parameters == parameters)
            .ok_or_else(|| ApiError::invalid("Invalid page token value."))
    }
}

impl SyncToken {
    /// The token's text.
    pub fn encode(&self) -> String {
        encode("C", self)
    }

    /// Reads a token for this listing; one from before `floor` has expired.
    pub fn decode(text: &str, of: &str, floor: u64) -> Result<Self, ApiError> {
        let token: Self = decode("C", text)
            .filter(|token: &Self| token.of == of)
            .ok_or_else(|| ApiError::invalid("Invalid sync token value."))?;
        if token.since < floor { Err(ApiError::full_sync_required()) } else { Ok(token) }
    }
}

fn encode<T: Serialize>(kind: &str, token: &T) -> String {
    // A struct of text and numbers always has a JSON form.
    let json = serde_json::to_vec(token).unwrap_or_default();
    format!("{kind}{}=", URL_SAFE_NO_PAD.encode(json))
}

fn decode<T: DeserializeOwned>(kind: &str, text: &str) -> Option<T> {
    let inner = text.strip_prefix(kind)?.strip_suffix('=')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(inner).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_listing_until_it_expires() {
        let text = SyncToken { of: "events:a".into(), since: 7 }.encode();
        assert_eq!(SyncToken::decode(&text, "events:a", 7).unwrap().since, 7);
        assert_eq!(SyncToken::decode(&text, "events:a", 8).unwrap_err().reason, "fullSyncRequired");
        assert_eq!(SyncToken::decode(&text, "events:b", 0).unwrap_err().status, 400);
        assert_eq!(SyncToken::decode("nonsense", "events:a", 0).unwrap_err().status, 400);
    }

    #[test]
    fn a_page_token_holds_the_parameters_to_what_they_were() {
        let token = PageToken {
            of: "events:a".into(),
            snapshot: 3,
            since: None,
            after: "x".into(),
            pages: 1,
            parameters: "q=1".into(),
        };
        assert_eq!(PageToken::decode(&token.encode(), "events:a", "q=1"), Ok(token.clone()));
        assert!(PageToken::decode(&token.encode(), "events:a", "q=2").is_err());
        let sync = SyncToken { of: "events:a".into(), since: 1 }.encode();
        assert!(PageToken::decode(&sync, "events:a", "q=1").is_err(), "a sync token is no page token");
    }
}
