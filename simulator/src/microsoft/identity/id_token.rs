//! Id tokens.
//!
//! Microsoft signs them with RS256 and published keys; here they are signed with HS256 and the client's secret, since a
//! client that gets its token straight from the token endpoint may rely on TLS alone (OpenID Connect Core 3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::clients::Client;
use super::grants::Scopes;
use crate::microsoft::world::Account;

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
    let tenant = &account.tenant;
    let mut claims = json!({
        "ver": "2.0",
        "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        "aud": client.client_id,
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": now.as_second() + 3_900,
        "sub": subject(client, account),
        "tid": tenant,
        "oid": account.object_id,
    });
    if granted.contains("profile") {
        claims["name"] = account.name.as_str().into();
        claims["preferred_username"] = account.email.as_str().into();
    }
    if granted.contains("email") {
        claims["email"] = account.email.as_str().into();
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    sign(&claims, client.client_secret.as_bytes())
}

/// The subject is different for every client.
fn subject(client: &Client, account: &Account) -> String {
    let hash = Sha256::digest(format!("{}\n{}", client.client_id, account.object_id));
    URL_SAFE_NO_PAD.encode(hash)
}

fn sign(claims: &Value, key: &[u8]) -> Option<String> {
    let header = json!({ "typ": "JWT", "alg": "HS256", "kid": "simulator" });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Some(format!("{signed}.{signature}"))
}
