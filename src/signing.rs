//! Short-lived tokens we sign ourselves: HMAC-SHA256 (RFC 2104) under a key derived from `WEBHOOK_SECRET` for one
//! purpose, so that a token made for one purpose is worth nothing for another.
//!
//! A token is `<claims, JSON>.<mac>`, both in base64url without padding. The claims are signed, not hidden.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::domain::{secret::ApiSecret, time::Timestamp};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Starting to connect an account.
    ConnectLink,
    /// Consenting for an organisation, as its administrator.
    AdminConsentLink,
    /// Calling the API for one user or workspace.
    AccessToken,
    /// Being signed in to the dashboard.
    Session,
    /// Sending one of the dashboard's forms.
    Form,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::ConnectLink => b"huddle-calendar-sync connect-link v1",
            Self::AdminConsentLink => b"huddle-calendar-sync admin-consent-link v1",
            Self::AccessToken => b"huddle-calendar-sync access-token v1",
            Self::Session => b"huddle-calendar-sync session v1",
            Self::Form => b"huddle-calendar-sync form v1",
        }
    }
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Not made by us for this purpose, or changed since.
    #[error("it was not issued by this service")]
    Forged,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
}

/// Signs and checks the tokens of one purpose.
pub struct Signer {
    key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Signed<C> {
    #[serde(rename = "exp")]
    expires_at_s: i64,
    claims: C,
}

impl Signer {
    /// The signer of a purpose.
    pub fn new(secret: &ApiSecret, purpose: Purpose) -> Self {
        let derived = hmac(secret.expose().as_bytes()).chain_update(purpose.label()).finalize();
        Self { key: derived.into_bytes().into() }
    }

    /// A token that carries `claims` until `expires_at` (whole seconds, rounded down).
    pub fn sign<C: Serialize>(&self, claims: &C, expires_at: Timestamp) -> String {
        let signed = Signed { expires_at_s: expires_at.as_seconds(), claims };
        // Claims are plain structs of text and numbers, which always have a JSON form.
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&signed).unwrap_or_default());
        let tag = hmac(&self.key).chain_update(body.as_bytes()).finalize();
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag.into_bytes()))
    }

    /// The claims of a token that was signed for this purpose and whose time is not over.
    pub fn verify<C: DeserializeOwned>(&self, token: &str, now: Timestamp) -> Result<C, Unverified> {
        let (body, tag) = token.split_once('.').ok_or(Unverified::Forged)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Unverified::Forged)?;
        hmac(&self.key).chain_update(body.as_bytes()).verify_slice(&tag).map_err(|_| Unverified::Forged)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| Unverified::Forged)?;
        let signed: Signed<C> = serde_json::from_slice(&body).map_err(|_| Unverified::Forged)?;
        if now.as_seconds() < signed.expires_at_s { Ok(signed.claims) } else { Err(Unverified::Expired) }
    }
}

/// HMAC-SHA256 under a key of any length, brought to the block size as RFC 2104 section 2 says.
fn hmac(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0u8; 64];
    if key.len() <= block.len() {
        block[..key.len()].copy_from_slice(key);
    } else {
        block[..32].copy_from_slice(&Sha256::digest(key));
    }
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Claims {
        user: String,
    }

    fn signer(secret: &str, purpose: Purpose) -> Signer {
        Signer::new(&ApiSecret::new(secret), purpose)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn claims() -> Claims {
        Claims { user: "ada".to_owned() }
    }

    #[test]
    fn the_mac_is_that_of_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 2] = [
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, data, expected) in cases {
            let mac = hmac(key).chain_update(data).finalize().into_bytes();
            assert_eq!(mac.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let signer = signer("secret", Purpose::ConnectLink);
        let token = signer.sign(&claims(), at(100));
        assert_eq!(signer.verify(&token, at(99)), Ok(claims()));
        assert_eq!(signer.verify::<Claims>(&token, at(100)), Err(Unverified::Expired));
    }

    #[test]
    fn a_token_is_worth_nothing_for_another_purpose_or_under_another_secret() {
        let token = signer("secret", Purpose::ConnectLink).sign(&claims(), at(100));
        for other in [signer("secret", Purpose::AccessToken), signer("other", Purpose::ConnectLink)] {
            assert_eq!(other.verify::<Claims>(&token, at(0)), Err(Unverified::Forged));
        }
    }

    #[test]
    fn a_token_with_any_character_changed_is_forged() {
        let signer = signer("secret", Purpose::Session);
        let token = signer.sign(&claims(), at(100));
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(signer.verify::<Claims>(&changed, at(0)), Err(Unverified::Forged), "{changed}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_never_a_token(text in ".{0,80}") {
            prop_assert_eq!(signer("secret", Purpose::Form).verify::<Claims>(&text, at(0)), Err(Unverified::Forged));
        }
    }
}
