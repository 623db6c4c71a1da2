//! The way back: the provider returned the browser with a code or an error. The attempt is used up first, whatever comes of
//! it; from then on the browser can be sent home to the product, with `connector_id` or with `error` in OAuth's terms.

use url::Url;

use super::{
    browser::{BrowserKey, fingerprint},
    connect::{self, Connected},
    connect_link,
    outcome::{sent_home_connected, sent_home_with},
    redirect,
    start::Departure,
};
use crate::{
    app::App,
    domain::{failure::Failure, secret::AuthorizationCode},
    ports::{Clock, Db, Ports},
    store::oauth_state::{self, Attempt},
};

/// What came with the browser (RFC 6749 section 4.1.2).
#[derive(Debug, Clone, Default)]
pub struct Return {
    /// The state we sent along.
    pub state: Option<String>,
    /// The code.
    pub code: Option<AuthorizationCode>,
    /// Or an error.
    pub error: Option<String>,
    /// With a text.
    pub error_description: Option<String>,
    /// The cookie of the browser.
    pub browser: Option<BrowserKey>,
}

/// Where the browser goes now.
#[derive(Debug, Clone)]
pub enum Onward {
    /// Home to the product.
    Home(Url),
    /// To the provider once more, for its consent page.
    Again(Box<Departure>),
}

/// Ends an attempt. A failure is for a page: there is nowhere safe to send the browser.
pub async fn finish<P: Ports>(app: &App<P>, provider: &str, returned: Return) -> Result<Onward, Failure> {
    let provider = connect_link::provider_named(provider)?;
    let state = returned.state.as_deref().filter(|state| !state.is_empty()).ok_or_else(|| {
        Failure::rejected(
            "state_missing",
            "state",
            "the address lacks its state; start again from where you came",
        )
    })?;
    let state_hash = fingerprint(state);
    let now = app.clock.now();
    let answers = app.db.batch(oauth_state::consume(&state_hash, now).into()).await?;
    let row = answers.first().and_then(|rows| rows.first()).ok_or_else(|| {
        Failure::rejected(
            "state_unknown",
            "state",
            "this attempt was not started here, or too long ago; start again",
        )
    })?;
    let attempt = oauth_state::from_row(row)?;
    let browser = returned.browser.filter(|browser| browser.is(&attempt.browser_hash)).ok_or_else(|| {
        Failure::rejected(
            "state_other_browser",
            "state",
            "another browser started this, or this one keeps no cookies; start again in this browser",
        )
    })?;
    if attempt.wish.provider != provider {
        return Err(Failure::rejected(
            "state_other_provider",
            "state",
            "this attempt is for another provider",
        ));
    }
    if answers.get(1).is_none_or(Vec::is_empty) {
        return Err(Failure::rejected(
            "state_reused",
            "state",
            "this attempt was finished before; if the calendar is connected there is nothing left to do, else start again",
        ));
    }
    let home = redirect::check_for(&app.settings, &attempt.wish.redirect_uri)?;

    let result = if attempt.expires_at <= now {
        Err(Failure::rejected(
            "state_expired",
            "state",
            "the consent page was open for more than ten minutes; start again",
        ))
    } else {
        answer(
            app,
            &attempt,
            &state_hash,
            returned.code,
            returned.error.as_deref(),
            returned.error_description.as_deref(),
            browser,
        )
        .await
    };
    match result {
        Ok(Connected::As(connector)) => Ok(Onward::Home(sent_home_connected(home, &connector))),
        Ok(Connected::OnlyWithConsent(departure)) => Ok(Onward::Again(departure)),
        Err(failure) => {
            tracing::warn!(provider = provider.as_str(), code = %failure.code, "an account was not connected");
            Ok(Onward::Home(sent_home_with(home, &failure)))
        }
    }
}

async fn answer<P: Ports>(
    app: &App<P>,
    attempt: &Attempt,
    state_hash: &str,
    code: Option<AuthorizationCode>,
    error: Option<&str>,
    error_description: Option<&str>,
    browser: BrowserKey,
) -> Result<Connected, Failure> {
    if let Some(error) = error.filter(|error| !error.is_empty()) {
        let oauth = app.providers.get(attempt.wish.provider)?.oauth();
        return Err(oauth.authorization_error(error, error_description));
    }
    let code = code.filter(|code| !code.expose().is_empty()).ok_or_else(|| {
        Failure::rejected(
            "code_missing",
            "code",
            "the provider sent neither a code nor an error; start again",
        )
    })?;
    connect::connect(app, attempt, state_hash, &code, browser).await
}
