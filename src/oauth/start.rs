//! The way out: from a connect link to the provider's consent page. One round trip to the database, no call to the
//! provider.

use chrono::TimeDelta;
use url::Url;

use super::{
    browser::{BrowserKey, fingerprint, random_text},
    connect_link, pkce,
};
use crate::{
    app::App,
    domain::{claims::Claims, connector::ProviderKind, failure::Failure},
    ports::{Clock, Db, Ports},
    providers::AuthorizationRequest,
    store::{
        oauth_state::{self, Keeping, Purpose, Wish},
        unreadable,
    },
};

/// How long the person has for the consent page (G6).
pub const ATTEMPT_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// A browser about to leave for the provider.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Where it goes.
    pub url: Url,
    /// The cookie it must bring back, for [`ATTEMPT_LIFETIME`].
    pub browser: BrowserKey,
}

/// Follows a connect link. A browser that has a key keeps it, so that two attempts in two tabs can both end well.
pub async fn start<P: Ports>(
    app: &App<P>,
    provider: &str,
    link: Option<&str>,
    browser: Option<BrowserKey>,
) -> Result<Departure, Failure> {
    let provider = connect_link::provider_named(provider)?;
    let (wish, login_hint) = connect_link::open(app, provider, link)?;
    depart(app, &wish, browser, login_hint.as_deref(), Insistence::default()).await
}

/// What an attempt is made once more for.
#[derive(Debug, Clone, Default)]
pub(super) struct Insistence {
    /// The consent page, even where a refresh token seems to be held.
    pub consent: bool,
    /// What the provider wants to see proved.
    pub claims: Option<Claims>,
}

/// Begins an attempt.
pub(super) async fn depart<P: Ports>(
    app: &App<P>,
    wish: &Wish,
    browser: Option<BrowserKey>,
    login_hint: Option<&str>,
    insistence: Insistence,
) -> Result<Departure, Failure> {
    let oauth = app.providers.get(wish.provider)?.oauth();
    let browser = browser.map_or_else(|| BrowserKey::fresh(&app.random), Ok)?;
    let state = random_text(&app.random)?;
    let state_hash = fingerprint(&state);
    let verifier = pkce::verifier(&app.random)?;
    let sealed = app.vault.seal(&app.random, &oauth_state::verifier_place(&state_hash), verifier.expose())?;

    let now = app.clock.now();
    let keeping = Keeping {
        state_hash: &state_hash,
        browser_hash: &browser.hash(),
        verifier: Some(&sealed),
        purpose: Purpose::Connect,
        claims: insistence.claims.as_ref(),
    };
    let insert =
        oauth_state::insert(wish, &keeping, insistence.consent, login_hint, now, now.plus(ATTEMPT_LIFETIME));
    let rows = app.db.query(insert).await?;
    let (force_consent, claims) = match rows.first() {
        Some(row) => (row.boolean("consent_forced").map_err(unreadable)?, oauth_state::claims(row)?),
        None => (insistence.consent, insistence.claims),
    };
    let url = oauth.authorization_url(&AuthorizationRequest {
        redirect_uri: &callback_uri(app, wish.provider),
        state: &state,
        code_challenge: &pkce::challenge(&verifier),
        scopes: &wish.scopes,
        login_hint,
        tenant: wish.tenant.as_deref(),
        force_consent,
        claims: claims.as_ref(),
    })?;
    Ok(Departure { url, browser })
}

/// Where the provider sends the browser back to; registered there to the letter.
pub(super) fn callback_uri<P: Ports>(app: &App<P>, provider: ProviderKind) -> String {
    app.settings.public_base_url.join(&format!("/oauth/{}/callback", provider.as_str()))
}
