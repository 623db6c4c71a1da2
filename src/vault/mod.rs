//! The vault: secrets at rest, AES-256-GCM (NIST SP 800-38D), bound to the row they belong to (G4).

mod envelope;
pub mod rotation;

use std::fmt;

use self::envelope::RingKey;
use crate::{config::EncryptionKeys, domain::failure::Failure, ports::Random};

/// Where a sealed value lives. It is authenticated with the value, so that a value moved to another row does not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table (or `kv`, or `gate` for values outside D1).
    pub table: &'static str,
    /// The row's key.
    pub row: &'a str,
    /// The column.
    pub field: &'static str,
}

/// A sealed value, safe to store: `v1.<key id>.<nonce>.<ciphertext and tag>`, each in base64url without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(String);

impl Sealed {
    /// Takes a stored envelope.
    pub fn from_stored(envelope: impl Into<String>) -> Self {
        Self(envelope.into())
    }

    /// The envelope, to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// What was in an envelope.
pub struct Opened {
    /// The secret text.
    pub plaintext: zeroize::Zeroizing<String>,
    /// Whether it was sealed with a previous key: seal it again on the next write.
    pub stale: bool,
}

/// Seals and opens with a ring of keys: the current one seals, every one opens what names it.
pub struct Vault {
    current: RingKey,
    previous: Vec<RingKey>,
}

impl Vault {
    /// A vault with the operator's keys.
    pub fn new(keys: &EncryptionKeys) -> Self {
        Self {
            current: RingKey::new(&keys.current),
            previous: keys.previous.iter().map(RingKey::new).collect(),
        }
    }

    /// Seals `plaintext` for `place` under the current key with a fresh random 96-bit nonce.
    pub fn seal(&self, random: &impl Random, place: &Place<'_>, plaintext: &str) -> Result<Sealed, Failure> {
        envelope::seal(&self.current, &fresh_nonce(random)?, place, plaintext)
    }

    /// Opens what was sealed for `place` with a key of the ring.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Opened, Failure> {
        let parts = envelope::Parts::parse(sealed)?;
        if parts.key_id == self.current.id {
            return Ok(Opened { plaintext: envelope::open(&self.current, &parts, place)?, stale: false });
        }
        let key = self.previous.iter().find(|key| key.id == parts.key_id).ok_or_else(|| {
            Failure::fatal(
                "unknown_encryption_key",
                format!("sealed with key {}, which is not in the ring", parts.key_id),
            )
        })?;
        Ok(Opened { plaintext: envelope::open(key, &parts, place)?, stale: true })
    }

    /// Names the current key without showing it; envelopes start with `v1.` and this.
    pub fn current_key_id(&self) -> &str {
        &self.current.id
    }
}

/// A nonce never used before: 96 random bits, of which four thousand million may be drawn under one key before a collision
/// becomes likelier than 2^-32 (SP 800-38D section 8.3).
fn fresh_nonce(random: &impl Random) -> Result<[u8; envelope::NONCE], Failure> {
    let mut nonce = [0; envelope::NONCE];
    random.fill(&mut nonce)?;
    Ok(nonce)
}

#[cfg(test)]
mod tests;
