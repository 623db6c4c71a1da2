//! `POST /token`: codes and refresh tokens exchanged for access tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::clients::Client;
use super::grants::{ACCESS_TOKEN_LIFE, AccessToken, Challenge, Scopes, TESTING_REFRESH_TOKEN_LIFE};
use super::id_token::id_token;
use crate::control::provider::{Request, Response};
use crate::google::wire::{self, Params};
use crate::google::world::World;

/// A refusal in OAuth's shape.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
}

fn refuse(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, error, description: description.into() }
}

/// Answers `POST /token`.
pub fn token(world: &mut World, request: &Request, now: Timestamp) -> Response {
    match exchange(world, request, now) {
        Ok(answer) => wire::json(StatusCode::OK, &answer),
        Err(refusal) => wire::json(
            refusal.status,
            &json!({ "error": refusal.error, "error_description": refusal.description }),
        ),
    }
}

fn exchange(world: &mut World, request: &Request, now: Timestamp) -> Result<Value, Refusal> {
    let form = Params::parse(request.body());
    let client = authenticate(world, request, &form)?;
    match form.get("grant_type") {
        Some("authorization_code") => exchange_code(world, &client, &form, now),
        Some("refresh_token") => refresh(world, &client, &form, now),
        Some(other) => Err(refuse("unsupported_grant_type", format!("Invalid grant_type: {other}"))),
        None => Err(refuse("invalid_request", "Missing required parameter: grant_type")),
    }
}

/// The client, by the form's fields or by HTTP Basic.
fn authenticate(world: &World, request: &Request, form: &Params) -> Result<Client, Refusal> {
    let basic = wire::header_text(request.headers(), "authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| {
            let (id, secret) = pair.split_once(':')?;
            // RFC 6749 section 2.3.1: both halves are form-encoded.
            Some((decode(id), decode(secret)))
        });
    let (id, secret) = match basic {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (form.get("client_id").map(str::to_owned), form.get("client_secret").map(str::to_owned)),
    };
    let id = id.ok_or_else(|| refuse("invalid_request", "Could not determine client ID from request."))?;
    let client = world.clients.get(&id).ok_or_else(|| Refusal {
        status: StatusCode::UNAUTHORIZED,
        ..refuse("invalid_client", "The OAuth client was not found.")
    })?;
    match secret {
        None => Err(refuse("invalid_request", "client_secret is missing.")),
        Some(secret) if secret == client.client_secret => Ok(client.clone()),
        Some(_) => {
            Err(Refusal { status: StatusCode::UNAUTHORIZED, ..refuse("invalid_client", "Unauthorized") })
        }
    }
}

fn decode(text: &str) -> String {
    Params::parse(format!("v={text}").as_bytes()).get("v").unwrap_or_default().to_owned()
}

fn exchange_code(
    world: &mut World,
    client: &Client,
    form: &Params,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let text =
        form.get("code").ok_or_else(|| refuse("invalid_request", "Missing required parameter: code"))?;
    let redirect_uri = form
        .get("redirect_uri")
        .ok_or_else(|| refuse("invalid_request", "Missing parameter: redirect_uri"))?;
    let code =
        world.grants.code(text).cloned().ok_or_else(|| refuse("invalid_grant", "Malformed auth code."))?;
    if code.used || now >= code.expires_at || code.party.client_id != client.client_id {
        return Err(refuse("invalid_grant", "Bad Request"));
    }
    if code.redirect_uri != redirect_uri {
        return Err(refuse("redirect_uri_mismatch", "Bad Request"));
    }
    check_verifier(code.challenge.as_ref(), form.get("code_verifier"))?;
    world.grants.use_code(text);

    let mut answer = issue(world, client, &code.party.account, &code.scopes, code.offline, now);
    if code.with_refresh_token {
        let dies_at = client.testing.then(|| now + TESTING_REFRESH_TOKEN_LIFE);
        answer["refresh_token"] = world.grants.issue_refresh(&code.party, &code.scopes, now, dies_at).into();
        if dies_at.is_some() {
            answer["refresh_token_expires_in"] = (TESTING_REFRESH_TOKEN_LIFE.as_secs() - 1).into();
        }
    }
    let account = world.accounts.get(&code.party.account);
    if let Some(jwt) =
        account.and_then(|account| id_token(client, account, &code.scopes, code.nonce.as_deref(), now))
    {
        answer["id_token"] = jwt.into();
    }
    Ok(answer)
}

fn refresh(world: &mut World, client: &Client, form: &Params, now: Timestamp) -> Result<Value, Refusal> {
    let text = form
        .get("refresh_token")
        .ok_or_else(|| refuse("invalid_request", "Missing required parameter: refresh_token"))?;
    match world.grants.refresh_owner(text) {
        Some(party) if party.client_id != client.client_id => {
            return Err(Refusal {
                status: StatusCode::UNAUTHORIZED,
                ..refuse("unauthorized_client", "Unauthorized")
            });
        }
        _ => {}
    }
    let (party, granted) = world
        .grants
        .use_refresh(text, now)
        .ok_or_else(|| refuse("invalid_grant", "Token has been expired or revoked."))?;
    let scopes: Scopes = match form.get("scope") {
        None => granted,
        Some(asked) => {
            let asked: Scopes = asked.split_whitespace().map(str::to_owned).collect();
            if !asked.is_subset(&granted) {
                return Err(refuse("invalid_scope", "Some requested scopes were invalid."));
            }
            asked
        }
    };
    let mut answer = issue(world, client, &party.account, &scopes, true, now);
    let account = world.accounts.get(&party.account);
    if let Some(jwt) = account.and_then(|account| id_token(client, account, &scopes, None, now)) {
        answer["id_token"] = jwt.into();
    }
    Ok(answer)
}

/// The part of the answer that both grants share.
fn issue(
    world: &mut World,
    client: &Client,
    account: &str,
    scopes: &Scopes,
    offline: bool,
    now: Timestamp,
) -> Value {
    let party = super::grants::Party { account: account.to_owned(), client_id: client.client_id.clone() };
    let expires_at = now + ACCESS_TOKEN_LIFE;
    let access_token =
        world.grants.issue_access(AccessToken { party, scopes: scopes.clone(), expires_at, offline });
    let scope: Vec<&str> = scopes.iter().map(String::as_str).collect();
    json!({
        "access_token": access_token,
        "expires_in": ACCESS_TOKEN_LIFE.as_secs(),
        "scope": scope.join(" "),
        "token_type": "Bearer",
    })
}

fn check_verifier(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), Refusal> {
    let (fits, given) = match (challenge, verifier) {
        (None, None) => return Ok(()),
        // A verifier without a challenge: the code was asked for without PKCE.
        (None, Some(_)) => (false, true),
        (Some(_), None) => (false, false),
        (Some(Challenge::Plain(challenge)), Some(verifier)) => (challenge == verifier, true),
        (Some(Challenge::S256(challenge)), Some(verifier)) => (*challenge == s256(verifier), true),
    };
    match (fits, given) {
        (true, _) => Ok(()),
        (false, true) => Err(refuse("invalid_grant", "Invalid code verifier.")),
        (false, false) => Err(refuse("invalid_grant", "Missing code verifier.")),
    }
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(
            s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_verifier_must_fit_its_challenge() {
        let challenge = Challenge::S256(s256("right"));
        let description = |challenge: Option<&Challenge>, verifier| {
            check_verifier(challenge, verifier).err().map(|refusal| refusal.description)
        };
        assert_eq!(description(Some(&challenge), Some("right")), None);
        assert_eq!(description(Some(&challenge), Some("wrong")).unwrap(), "Invalid code verifier.");
        assert_eq!(description(Some(&challenge), None).unwrap(), "Missing code verifier.");
        assert_eq!(description(None, Some("any")).unwrap(), "Invalid code verifier.");
        assert_eq!(description(None, None), None);
    }
}
