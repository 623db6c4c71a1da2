//! Proof Key for Code Exchange, method S256 (RFC 7636).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    domain::{failure::Failure, secret::CodeVerifier},
    ports::Random,
};

/// A fresh verifier: 256 random bits, 43 characters (section 4.1).
pub fn verifier(random: &impl Random) -> Result<CodeVerifier, Failure> {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes)?;
    Ok(CodeVerifier::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// The challenge that goes with a verifier (section 4.2).
pub fn challenge(verifier: &CodeVerifier) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = CodeVerifier::new(URL_SAFE_NO_PAD.encode(octets));
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_is_fresh_and_uses_only_unreserved_characters() {
        let random = SeededRandom::new(3);
        let (one, other) = (verifier(&random).unwrap(), verifier(&random).unwrap());
        assert!(!one.matches(other.expose()));
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
