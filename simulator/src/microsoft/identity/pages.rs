//! The HTML that a person sees: consent, an administrator's consent, the need for one, and errors.

use askama::Template;
use http::StatusCode;
use jiff::Timestamp;

use super::admin_consent;
use super::authorize::Asked;
use super::errors::{AuthError, Trace};
use super::grants::Scopes;
use super::scopes;
use crate::control::provider::Response;
use crate::microsoft::wire::{self, Params};
use crate::microsoft::world::{Account, World};

#[derive(Template)]
#[template(path = "microsoft_consent.html")]
struct Consent<'a> {
    title: String,
    client: &'a str,
    destination: &'a str,
    action: String,
    request: String,
    accounts: Vec<AccountRow>,
    scopes: Vec<(String, &'static str)>,
    for_tenant: bool,
}

struct AccountRow {
    email: String,
    name: String,
    initial: String,
    organisation: String,
    zone: String,
    chosen: bool,
}

/// The consent page; `chosen` is the account ticked at first.
pub fn consent(world: &World, asked: &Asked, chosen: Option<&str>) -> String {
    let page = Consent {
        title: "Permissions requested".to_owned(),
        client: &asked.client.name,
        destination: &asked.redirect_uri,
        action: format!("/{}/oauth2/v2.0/authorize", asked.segment),
        request: query(&asked.params),
        accounts: rows(world, world.accounts.values(), chosen),
        scopes: described(&asked.scopes),
        for_tenant: false,
    };
    page.render().unwrap_or_else(|error| error.to_string())
}

/// The administrator's consent page.
pub fn admin_consent(world: &World, asked: &admin_consent::Asked) -> String {
    let administrators = asked.administrators(world);
    let accounts = administrators.iter().filter_map(|email| world.accounts.get(email));
    let page = Consent {
        title: "Permissions requested for your organization".to_owned(),
        client: &asked.client.name,
        destination: &asked.redirect_uri,
        action: format!("/{}/v2.0/adminconsent", asked.segment),
        request: query(&asked.params),
        accounts: rows(world, accounts, None),
        scopes: described(&asked.scopes),
        for_tenant: true,
    };
    page.render().unwrap_or_else(|error| error.to_string())
}

fn query(params: &Params) -> String {
    let pairs: Vec<(&str, &str)> = params.iter().collect();
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn described(asked: &Scopes) -> Vec<(String, &'static str)> {
    asked.iter().map(|scope| (scope.clone(), scopes::describe(scope))).collect()
}

fn rows<'a>(
    world: &World,
    accounts: impl Iterator<Item = &'a Account>,
    chosen: Option<&str>,
) -> Vec<AccountRow> {
    accounts
        .enumerate()
        .map(|(index, account)| AccountRow {
            email: account.email.clone(),
            name: account.name.clone(),
            initial: account.name.chars().take(1).collect::<String>().to_uppercase(),
            organisation: match world.tenants.get(&account.tenant) {
                Some(tenant) => tenant.name.clone(),
                None => "Personal account".to_owned(),
            },
            zone: account.mailbox.zone.name().to_owned(),
            chosen: match chosen {
                Some(email) => email == account.email,
                None => index == 0,
            },
        })
        .collect()
}

#[derive(Template)]
#[template(path = "microsoft_message.html")]
struct Message<'a> {
    title: &'a str,
    lead: String,
    detail: String,
    code: String,
    link: Option<(String, &'static str)>,
}

/// "Need admin approval", with the way back to the application.
pub fn needs_approval(
    asked: &Asked,
    account: &Account,
    error: &AuthError,
    back: String,
    now: Timestamp,
) -> String {
    let page = Message {
        title: "Need admin approval",
        lead: format!(
            "{} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.",
            asked.client.name
        ),
        detail: format!("You are signed in as {}.", account.email),
        code: error.description(&Trace::new(now)),
        link: Some((back, "Return to the application without granting consent")),
    };
    page.render().unwrap_or_else(|error| error.to_string())
}

/// Microsoft's "Sorry, but we're having trouble signing you in".
pub fn error(error: &AuthError, now: Timestamp) -> Response {
    let page = Message {
        title: "Sorry, but we're having trouble signing you in.",
        lead: format!("AADSTS{}: {}", error.code, error.message),
        detail: "If you are a developer of this app, check the request that brought you here.".to_owned(),
        code: error.description(&Trace::new(now)),
        link: None,
    };
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    wire::html(status, page.render().unwrap_or_else(|error| error.to_string()))
}
