//! An administrator consents for a whole organisation: out to the provider's page for that, and back. In whichever browser the
//! administrator has; nothing is connected by it, and nothing the address says on the way back is believed but that it went
//! well. If that is a lie, the next person to connect meets the same refusal as the one before.

use url::Url;

use super::{
    browser::{BrowserKey, fingerprint, random_text},
    callback::{Return, take},
    connect_link,
    outcome::{sent_home_approved, sent_home_with},
    start::{ATTEMPT_LIFETIME, Departure},
};
use crate::{
    app::App,
    domain::failure::Failure,
    ports::{Clock, Db, Ports},
    providers::AdminConsentRequest,
    store::oauth_state::{self, Keeping, Purpose, Wish},
};

/// What came of it, for the administrator and for the product.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Why not, unless it was granted.
    pub refusal: Option<Failure>,
    /// On to the product, which learns the same.
    pub home: Url,
}

/// Follows an administrator's link, or a connect link.
pub async fn start<P: Ports>(
    app: &App<P>,
    provider: &str,
    link: Option<&str>,
    browser: Option<BrowserKey>,
) -> Result<Departure, Failure> {
    let provider = connect_link::provider_named(provider)?;
    let wish = connect_link::open_as_administrator(app, provider, link)?;
    let state = random_text(&app.random)?;
    let url = page(app, &wish, &state)?.ok_or_else(|| {
        Failure::not_found(
            "admin_consent_not_supported",
            format!("there is no administrator to ask for this kind of account at {}", provider.title()),
        )
    })?;
    let browser = browser.map_or_else(|| BrowserKey::fresh(&app.random), Ok)?;
    let keeping = Keeping {
        state_hash: &fingerprint(&state),
        browser_hash: &browser.hash(),
        verifier: None,
        purpose: Purpose::AdminConsent,
        claims: None,
    };
    let now = app.clock.now();
    app.db.query(oauth_state::insert(&wish, &keeping, false, None, now, now.plus(ATTEMPT_LIFETIME))).await?;
    Ok(Departure { url, browser })
}

/// Takes the administrator back. An error comes before anything else that may have come along.
pub async fn finish<P: Ports>(
    app: &App<P>,
    provider: &str,
    returned: Return,
    granted: bool,
) -> Result<Decision, Failure> {
    // An administrator who leaves the page has said no: there is nobody else to ask.
    let mut returned = Return { error_subcode: None, ..returned };
    let browser = returned.browser.take();
    let taken = take(app, provider, Purpose::AdminConsent, returned.state.as_deref(), browser).await?;
    let wish = &taken.attempt.wish;
    let refusal = match (taken.in_time, returned.refusal()) {
        (Err(late), _) => Some(late),
        (Ok(()), Some(refusal)) => {
            Some(app.providers.get(wish.provider)?.oauth().authorization_error(refusal))
        }
        (Ok(()), None) if granted => None,
        (Ok(()), None) => Some(Failure::refused(
            "admin_consent_unclear",
            "the provider says neither that consent was given nor why not; start again",
        )),
    };
    let code = refusal.as_ref().map_or("granted", |refusal| refusal.code.as_ref());
    tracing::info!(provider = wish.provider.as_str(), code, "an administrator decided");
    let home = match &refusal {
        None => sent_home_approved(taken.home),
        Some(refusal) => sent_home_with(taken.home, refusal),
    };
    Ok(Decision { refusal, home })
}

/// Whether there is an administrator to ask for what `wish` wants.
pub(super) fn is_there<P: Ports>(app: &App<P>, wish: &Wish) -> Result<bool, Failure> {
    Ok(page(app, wish, "")?.is_some())
}

fn page<P: Ports>(app: &App<P>, wish: &Wish, state: &str) -> Result<Option<Url>, Failure> {
    let path = format!("/oauth/{}/admin-consent/callback", wish.provider.as_str());
    app.providers.get(wish.provider)?.oauth().admin_consent_url(&AdminConsentRequest {
        redirect_uri: &app.settings.public_base_url.join(&path),
        state,
        scopes: &wish.scopes,
        tenant: wish.tenant.as_deref(),
    })
}
