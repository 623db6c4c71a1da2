//! The HTML that a person sees: consent, and errors that cannot be redirected.

use askama::Template;
use http::StatusCode;

use super::authorize::{Asked, Mistake};
use crate::control::provider::Response;
use crate::google::scopes;
use crate::google::wire;
use crate::google::world::World;

#[derive(Template)]
#[template(path = "google_consent.html")]
struct Consent<'a> {
    client: &'a str,
    destination: &'a str,
    request: String,
    accounts: Vec<AccountRow>,
    fixed: Vec<&'static str>,
    scopes: Vec<ScopeRow>,
}

struct AccountRow {
    email: String,
    name: String,
    initial: String,
    time_zone: String,
    hue: u32,
    chosen: bool,
}

struct ScopeRow {
    scope: String,
    what: &'static str,
    granted_before: bool,
}

/// The consent page; `chosen` is the account ticked at first.
pub fn consent(world: &World, asked: &Asked, chosen: Option<&str>) -> String {
    let accounts: Vec<AccountRow> = world
        .accounts
        .values()
        .enumerate()
        .map(|(index, account)| AccountRow {
            email: account.email.clone(),
            name: account.name.clone(),
            initial: account.name.chars().take(1).collect::<String>().to_uppercase(),
            time_zone: account.time_zone.replace('_', " "),
            hue: (index as u32 * 67 + 205) % 360,
            chosen: match chosen {
                Some(email) => email == account.email,
                None => index == 0,
            },
        })
        .collect();
    let granted = chosen.and_then(|account| {
        world.grants.granted(&super::grants::Party {
            account: account.to_owned(),
            client_id: asked.client.client_id.clone(),
        })
    });
    let (fixed, optional): (Vec<&String>, Vec<&String>) =
        asked.scopes.iter().partition(|scope| scopes::is_identity(scope));
    let request: Vec<(&str, &str)> = asked.params.iter().collect();
    let page = Consent {
        client: &asked.client.name,
        destination: &asked.redirect_uri,
        request: url::form_urlencoded::Serializer::new(String::new()).extend_pairs(request).finish(),
        accounts,
        fixed: fixed.iter().map(|scope| scopes::describe(scope)).collect(),
        scopes: optional
            .into_iter()
            .map(|scope| ScopeRow {
                scope: scope.clone(),
                what: scopes::describe(scope),
                granted_before: granted.is_some_and(|granted| granted.contains(scope)),
            })
            .collect(),
    };
    page.render().unwrap_or_else(|error| error.to_string())
}

#[derive(Template)]
#[template(path = "google_oauth_error.html")]
struct ErrorPage<'a> {
    mistake: &'a Mistake,
}

/// Google's "Access blocked" page.
pub fn error(mistake: &Mistake) -> Response {
    let status = StatusCode::from_u16(mistake.status).unwrap_or(StatusCode::BAD_REQUEST);
    let page = ErrorPage { mistake };
    wire::html(status, page.render().unwrap_or_else(|error| error.to_string()))
}
