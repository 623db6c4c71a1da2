//! The vault against Wycheproof's vectors and against whoever can write to the database.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use wycheproof::{
    TestResult,
    aead::{TestName, TestSet},
};

use super::*;
use crate::{domain::failure::Action, testing::SeededRandom};

const PLACE: Place<'static> = Place { table: "connectors", row: "con-1", field: "refresh_token" };

fn vault(current: u8, previous: &[u8]) -> Vault {
    Vault::new(&EncryptionKeys {
        current: [current; 32],
        previous: previous.iter().map(|key| [*key; 32]).collect(),
    })
}

fn seal(vault: &Vault, plaintext: &str) -> Sealed {
    vault.seal(&SeededRandom::new(1), &PLACE, plaintext).unwrap()
}

fn code(result: Result<Opened, Failure>) -> String {
    let failure = result.map(|opened| opened.plaintext.len()).unwrap_err();
    assert_eq!(failure.action, Action::Fatal);
    failure.code.into_owned()
}

#[test]
fn the_cipher_agrees_with_every_wycheproof_vector_of_its_sizes() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        for test in group.tests {
            let key: Option<[u8; 32]> = test.key.to_vec().try_into().ok();
            let nonce: Option<[u8; envelope::NONCE]> = test.nonce.to_vec().try_into().ok();
            let Some((key, nonce)) = key.zip(nonce).filter(|_| test.tag.len() == 16) else { continue };
            let key = RingKey::new(&key);
            let ciphertext = [&test.ct[..], &test.tag[..]].concat();
            let opened = key.decrypt(&nonce, &test.aad, &ciphertext);
            match test.result {
                TestResult::Valid | TestResult::Acceptable => {
                    assert_eq!(opened.as_deref(), Some(&test.pt[..]), "open {}", test.tc_id);
                    let sealed = key.encrypt(&nonce, &test.aad, &test.pt).unwrap();
                    assert_eq!(sealed, ciphertext, "seal {}", test.tc_id);
                    valid += 1;
                }
                TestResult::Invalid => {
                    assert_eq!(opened, None, "open {}: {}", test.tc_id, test.comment);
                    invalid += 1;
                }
            }
        }
    }
    assert!(valid >= 30 && invalid >= 20, "only {valid} valid and {invalid} invalid vectors were run");
}

#[test]
fn what_was_sealed_opens_and_shows_nothing_before() {
    let vault = vault(1, &[]);
    let sealed = seal(&vault, "1//refresh-token");
    assert!(!sealed.as_str().contains("refresh-token"));
    assert!(sealed.as_str().starts_with(&format!("v1.{}.", vault.current_key_id())));
    assert_eq!(format!("{sealed:?}"), "Sealed(..)");
    let opened = vault.open(&PLACE, &sealed).unwrap();
    assert_eq!((opened.plaintext.as_str(), opened.stale), ("1//refresh-token", false));
}

#[test]
fn the_same_text_is_sealed_differently_each_time() {
    let (vault, random) = (vault(1, &[]), SeededRandom::new(1));
    let sealed: HashSet<_> =
        (0..100).map(|_| vault.seal(&random, &PLACE, "same").unwrap().as_str().to_owned()).collect();
    assert_eq!(sealed.len(), 100);
}

#[test]
fn a_value_moved_to_another_row_table_or_field_does_not_open() {
    let vault = vault(1, &[]);
    let sealed = seal(&vault, "secret");
    for place in [
        Place { row: "con-2", ..PLACE.clone() },
        Place { table: "oauth_state", ..PLACE.clone() },
        Place { field: "access_token", ..PLACE.clone() },
        // The same letters, divided differently.
        Place { table: "connectorsc", row: "on-1", ..PLACE.clone() },
        Place { row: "con-1refresh", field: "_token", ..PLACE.clone() },
    ] {
        assert_eq!(code(vault.open(&place, &sealed)), "sealed_value_unreadable", "{place:?}");
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let vault = vault(1, &[]);
    let sealed = seal(&vault, "secret");
    let parts: Vec<&str> = sealed.as_str().split('.').collect();
    for part in [2, 3] {
        let bytes = URL_SAFE_NO_PAD.decode(parts[part]).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[part] = URL_SAFE_NO_PAD.encode(bytes);
            let flipped = Sealed::from_stored(parts.join("."));
            assert_eq!(
                code(vault.open(&PLACE, &flipped)),
                "sealed_value_unreadable",
                "part {part} bit {bit}"
            );
        }
    }
}

#[test]
fn no_envelope_changed_in_any_letter_opens() {
    let vault = vault(1, &[]);
    let sealed = seal(&vault, "secret");
    for (index, letter) in sealed.as_str().char_indices() {
        for other in ['A', 'z', '0', '.', '=', 'é'] {
            let mut changed = sealed.as_str().to_owned();
            changed.replace_range(index..=index, &other.to_string());
            if letter != other {
                assert!(vault.open(&PLACE, &Sealed::from_stored(changed)).is_err(), "{index}: {other}");
            }
        }
        assert!(vault.open(&PLACE, &Sealed::from_stored(&sealed.as_str()[..index])).is_err());
    }
}

#[test]
fn a_million_nonces_of_the_real_source_do_not_repeat() {
    struct Real;
    impl Random for Real {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Failure> {
            getrandom::fill(bytes).map_err(|error| Failure::fatal("random_unavailable", error))
        }
    }
    let mut nonces: Vec<_> = (0..1_000_000).map(|_| fresh_nonce(&Real).unwrap()).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 1_000_000);
}

#[test]
fn nothing_is_sealed_without_randomness() {
    struct Dry;
    impl Random for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<(), Failure> {
            Err(Failure::fatal("random_unavailable", "dry"))
        }
    }
    let failure = vault(1, &[]).seal(&Dry, &PLACE, "secret").unwrap_err();
    assert_eq!(failure.code, "random_unavailable");
}

#[test]
fn an_old_key_opens_and_says_so_and_a_removed_key_is_named() {
    let sealed = seal(&vault(1, &[]), "secret");
    let opened = vault(3, &[2, 1]).open(&PLACE, &sealed).unwrap();
    assert_eq!((opened.plaintext.as_str(), opened.stale), ("secret", true));

    let failure = vault(3, &[2]).open(&PLACE, &sealed).map(|_| ()).unwrap_err();
    assert_eq!((failure.action, &*failure.code), (Action::Fatal, "unknown_encryption_key"));
    assert!(failure.message.contains(vault(1, &[]).current_key_id()), "{}", failure.message);
}

#[test]
fn key_names_differ_and_tell_nothing_of_the_key() {
    let names: HashSet<_> = (0..=255).map(|key| vault(key, &[]).current_key_id().to_owned()).collect();
    assert_eq!(names.len(), 256);
    assert!(names.iter().all(|name| name.len() == 8));
}

proptest! {
    #[test]
    fn any_text_comes_back(text in ".*", row in ".*") {
        let vault = vault(1, &[]);
        let place = Place { row: &row, ..PLACE };
        let sealed = vault.seal(&SeededRandom::new(2), &place, &text).unwrap();
        let opened = vault.open(&place, &sealed).unwrap();
        prop_assert_eq!(opened.plaintext.as_str(), text);
    }

    #[test]
    fn nothing_made_up_opens(text in "\\PC*") {
        let vault = vault(1, &[]);
        prop_assert!(vault.open(&PLACE, &Sealed::from_stored(text)).is_err());
    }
}
