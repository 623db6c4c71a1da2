//! The browser that started an attempt, recognised by a cookie whose value only its hash is kept of.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    domain::{failure::Failure, secret::ApiSecret},
    ports::Random,
};

/// How long, in characters, 256 bits are in base64url without padding.
const KEY_LENGTH: usize = 43;

/// What the cookie holds.
#[derive(Debug, Clone)]
pub struct BrowserKey(ApiSecret);

impl BrowserKey {
    /// A key for a browser that has none.
    pub(super) fn fresh(random: &impl Random) -> Result<Self, Failure> {
        Ok(Self(ApiSecret::new(random_text(random)?)))
    }

    /// The key a browser brought along, if it looks like one of ours.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let shaped = value.len() == KEY_LENGTH
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        shaped.then(|| Self(ApiSecret::new(value)))
    }

    /// The value of the cookie.
    pub fn to_cookie(&self) -> &str {
        self.0.expose()
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> String {
        fingerprint(self.0.expose())
    }

    /// Whether this is the browser of which `hash` was kept.
    pub(super) fn is(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

/// 256 random bits as text for a URL or a cookie.
pub(super) fn random_text(random: &impl Random) -> Result<String, Failure> {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256 in base64url: enough to recognise a random value by, useless for presenting it.
pub(super) fn fingerprint(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn a_browser_is_recognised_by_its_own_key_only() {
        let random = SeededRandom::new(5);
        let (one, other) = (BrowserKey::fresh(&random).unwrap(), BrowserKey::fresh(&random).unwrap());
        let back = BrowserKey::from_cookie(one.to_cookie()).unwrap();
        assert!(back.is(&one.hash()));
        assert!(!other.is(&one.hash()) && !one.is(""));
    }

    #[test]
    fn a_cookie_of_another_shape_is_no_key() {
        for value in ["", "short", &"a".repeat(44), &"a b".repeat(15)[..43], &"é".repeat(22)[..42]] {
            assert!(BrowserKey::from_cookie(value).is_none(), "{value}");
        }
    }
}
