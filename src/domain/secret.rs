//! Values that must never be seen: their `Debug` prints nothing of them, they have no `Display` and no `Serialize`,
//! and they are wiped when dropped.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(String);

        impl $name {
            /// Takes the secret in.
            pub fn new(secret: impl Into<String>) -> Self {
                Self(secret.into())
            }

            /// Opens the secret: only for the request, the cipher or the comparison that needs it.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Whether `other` is the same secret, in time that depends on the lengths alone.
            pub fn matches(&self, other: &str) -> bool {
                self.0.as_bytes().ct_eq(other.as_bytes()).into()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }
    };
}

secret!(
    /// A bearer token for the provider's API; lives about an hour.
    AccessToken
);
secret!(
    /// The long-lived grant of a connector.
    RefreshToken
);
secret!(
    /// The one-time code of RFC 6749 section 4.1.2.
    AuthorizationCode
);
secret!(
    /// The PKCE code verifier of RFC 7636 section 4.1.
    CodeVerifier
);
secret!(
    /// Our own password at a provider.
    ClientSecret
);
secret!(
    /// A key or token that callers present to us, or with which we sign.
    ApiSecret
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_nothing_of_the_secret() {
        let token = AccessToken::new("ya29.very-secret");
        assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
    }

    #[test]
    fn matches_compares_the_whole_text() {
        let key = ApiSecret::new("abc");
        assert!(key.matches("abc"));
        assert!(!key.matches("abd"));
        assert!(!key.matches("ab"));
        assert!(!key.matches("abcd"));
    }
}
