//! Id tokens: JWTs signed with HS256 and the client's secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::clients::Client;
use super::grants::Scopes;
use crate::google::scopes;
use crate::google::world::Account;

/// An id token for an account, when the scopes ask for one (`openid`).
pub fn id_token(
    client: &Client,
    account: &Account,
    granted: &Scopes,
    nonce: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    if !granted.contains("openid") {
        return None;
    }
    let mut claims = json!({
        "iss": "https://accounts.google.com",
        "azp": client.client_id,
        "aud": client.client_id,
        "sub": account.subject,
        "iat": now.as_second(),
        "exp": now.as_second() + 3600,
    });
    if scopes::includes_email(granted) {
        claims["email"] = account.email.as_str().into();
        claims["email_verified"] = true.into();
    }
    if scopes::includes_profile(granted) {
        claims["name"] = account.name.as_str().into();
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    sign(&claims, client.client_secret.as_bytes())
}

fn sign(claims: &Value, key: &[u8]) -> Option<String> {
    let header = json!({ "alg": "HS256", "kid": "simulator", "typ": "JWT" });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Some(format!("{signed}.{signature}"))
}
