//! Who a token belongs to (`tokeninfo`, `userinfo`), and its end (`revoke`).

use http::StatusCode;
use serde_json::{Value, json};

use crate::control::provider::{Request, Response};
use crate::google::scopes;
use crate::google::wire::{self, Params};
use crate::google::world::World;
use jiff::Timestamp;

/// `GET` or `POST /tokeninfo?access_token=…`.
pub fn token_info(world: &World, request: &Request, now: Timestamp) -> Response {
    let body = Params::parse(request.body());
    let token = wire::bearer_token(request).or_else(|| body.get("access_token").map(str::to_owned));
    let found = token.and_then(|token| world.grants.access(&token, now));
    let Some(token) = found else {
        let error = json!({ "error": "invalid_token", "error_description": "Invalid Value" });
        return wire::json(StatusCode::BAD_REQUEST, &error);
    };
    let scope: Vec<&str> = token.scopes.iter().map(String::as_str).collect();
    let mut info = json!({
        "azp": token.party.client_id,
        "aud": token.party.client_id,
        "scope": scope.join(" "),
        "exp": token.expires_at.as_second().to_string(),
        "expires_in": token.expires_at.duration_since(now).as_secs().to_string(),
        "access_type": if token.offline { "offline" } else { "online" },
    });
    if let Some(account) = world.accounts.get(&token.party.account) {
        if token.scopes.contains("openid") || scopes::includes_profile(&token.scopes) {
            info["sub"] = account.subject.as_str().into();
        }
        if scopes::includes_email(&token.scopes) {
            info["email"] = account.email.as_str().into();
            // A string, unlike in userinfo: so it is at Google.
            info["email_verified"] = "true".into();
        }
    }
    wire::json(StatusCode::OK, &info)
}

/// `GET /oauth2/v3/userinfo`, `/oauth2/v2/userinfo` and `/v1/userinfo`.
pub fn user_info(world: &World, request: &Request, now: Timestamp) -> Response {
    let token = wire::bearer_token(request).and_then(|token| world.grants.access(&token, now).cloned());
    let Some((token, account)) =
        token.and_then(|token| Some((world.accounts.get(&token.party.account)?, token))).map(|(a, t)| (t, a))
    else {
        let error = json!({ "error": "invalid_request", "error_description": "Invalid Credentials" });
        return wire::json(StatusCode::UNAUTHORIZED, &error);
    };
    let email = scopes::includes_email(&token.scopes);
    let profile = scopes::includes_profile(&token.scopes);
    if !email && !profile && !token.scopes.contains("openid") {
        let error = json!({ "error": "insufficient_scope", "error_description": "Request had insufficient authentication scopes." });
        return wire::json(StatusCode::FORBIDDEN, &error);
    }
    // Version 2 calls the subject `id` and the flag `verified_email`.
    let v2 = request.uri().path().contains("/v2/");
    let mut info = serde_json::Map::new();
    info.insert(if v2 { "id" } else { "sub" }.to_owned(), account.subject.as_str().into());
    if email {
        info.insert("email".to_owned(), account.email.as_str().into());
        info.insert(if v2 { "verified_email" } else { "email_verified" }.to_owned(), true.into());
    }
    if profile {
        let (given, family) = account.name.split_once(' ').unwrap_or((&account.name, ""));
        info.insert("name".to_owned(), account.name.as_str().into());
        info.insert("given_name".to_owned(), given.into());
        info.insert("family_name".to_owned(), family.into());
    }
    wire::json(StatusCode::OK, &Value::Object(info))
}

/// `POST /revoke`, the token in the form or the query. Either token ends the whole grant.
pub fn revoke(world: &mut World, request: &Request, now: Timestamp) -> Response {
    let query = Params::of_query(request);
    let form = Params::parse(request.body());
    let Some(token) = form.get("token").or_else(|| query.get("token")) else {
        let error =
            json!({ "error": "invalid_request", "error_description": "Missing required parameter: token" });
        return wire::json(StatusCode::BAD_REQUEST, &error);
    };
    if world.grants.revoke_token(token, now) {
        wire::json(StatusCode::OK, &json!({}))
    } else {
        let error = json!({ "error": "invalid_token", "error_description": "Token expired or revoked" });
        wire::json(StatusCode::BAD_REQUEST, &error)
    }
}
