//! The envelope of a sealed value, and the cipher under it.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Place, Sealed};
use crate::domain::failure::Failure;

/// A key of the ring with its name: the first six bytes of SHA-256 over the key, which tell nothing of it.
pub(super) struct RingKey {
    pub(super) id: String,
    cipher: Aes256Gcm,
}

impl RingKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::digest(key);
        Self { id: URL_SAFE_NO_PAD.encode(&digest[..6]), cipher: Aes256Gcm::new(key.into()) }
    }

    /// Ciphertext and tag; `None` for more than the cipher can take.
    pub(super) fn encrypt(&self, nonce: &[u8; NONCE], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
        self.cipher.encrypt(nonce.into(), Payload { msg, aad }).ok()
    }

    /// The plaintext; `None` unless key, nonce, associated data, ciphertext and tag belong together.
    pub(super) fn decrypt(&self, nonce: &[u8; NONCE], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
        self.cipher.decrypt(nonce.into(), Payload { msg, aad }).ok()
    }
}

/// Bytes of a nonce (SP 800-38D section 5.2.1.1 recommends 96 bits).
pub(super) const NONCE: usize = 12;

/// An envelope taken apart.
pub(super) struct Parts {
    pub(super) key_id: String,
    nonce: [u8; NONCE],
    ciphertext: Vec<u8>,
}

impl Parts {
    pub(super) fn parse(sealed: &Sealed) -> Result<Self, Failure> {
        let mut parts = sealed.as_str().split('.');
        let (Some("v1"), Some(key_id), Some(nonce), Some(ciphertext), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(unopenable());
        };
        let nonce = URL_SAFE_NO_PAD
            .decode(nonce)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(unopenable)?;
        let ciphertext = URL_SAFE_NO_PAD.decode(ciphertext).map_err(|_| unopenable())?;
        Ok(Self { key_id: key_id.to_owned(), nonce, ciphertext })
    }
}

pub(super) fn seal(
    key: &RingKey,
    nonce: &[u8; NONCE],
    place: &Place<'_>,
    plaintext: &str,
) -> Result<Sealed, Failure> {
    let ciphertext = key
        .encrypt(nonce, &associated_data(place), plaintext.as_bytes())
        .ok_or_else(|| Failure::fatal("sealing_failed", "the value is too large to be sealed"))?;
    Ok(Sealed(format!(
        "v1.{}.{}.{}",
        key.id,
        URL_SAFE_NO_PAD.encode(nonce),
        URL_SAFE_NO_PAD.encode(ciphertext)
    )))
}

pub(super) fn open(key: &RingKey, parts: &Parts, place: &Place<'_>) -> Result<Zeroizing<String>, Failure> {
    let plaintext =
        key.decrypt(&parts.nonce, &associated_data(place), &parts.ciphertext).ok_or_else(unopenable)?;
    String::from_utf8(plaintext).map(Zeroizing::new).map_err(|_| unopenable())
}

/// Table, row and field, each with its length before it, so that no two places read the same.
fn associated_data(place: &Place<'_>) -> Vec<u8> {
    let mut data = Vec::new();
    for part in [place.table, place.row, place.field] {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

fn unopenable() -> Failure {
    Failure::fatal("sealed_value_unreadable", "a sealed value is damaged or belongs to another row")
}
