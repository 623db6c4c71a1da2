//! The way back: the provider returned the browser with a code or an error. The attempt is used up first, whatever comes of
//! it; from then on the browser can be sent home to the product, with `connector_id` or with `error` in OAuth's terms.

use url::Url;

use super::{
    admin_consent,
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
    providers::AuthorizationRefusal,
    store::oauth_state::{self, Attempt, Purpose},
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
    /// And a finer word, at some providers.
    pub error_subcode: Option<String>,
    /// The cookie of the browser.
    pub browser: Option<BrowserKey>,
}

impl Return {
    /// The error, if there is one.
    pub(super) fn refusal(&self) -> Option<AuthorizationRefusal<'_>> {
        let error = self.error.as_deref().filter(|error| !error.is_empty())?;
        Some(AuthorizationRefusal {
            error,
            description: self.error_description.as_deref(),
            subcode: self.error_subcode.as_deref(),
        })
    }
}

/// Where the browser goes now.
#[derive(Debug, Clone)]
pub enum Onward {
    /// Home to the product.
    Home(Url),
    /// To the provider once more.
    Again(Box<Departure>),
    /// Nowhere yet: an administrator has to consent first, or may have to.
    NeedsApproval(Approval),
}

/// What a person is shown whose organisation lets only an administrator consent, or may do so.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The link for the administrator.
    pub link: String,
    /// The link to try once more, where the person may as well have said no.
    pub again: Option<String>,
    /// Back to the product, with the error.
    pub home: Url,
}

/// An attempt that was just used up by the browser that began it.
pub(super) struct Taken {
    pub attempt: Attempt,
    pub state_hash: String,
    pub browser: BrowserKey,
    /// Where the browser goes in the end.
    pub home: Url,
    /// The attempt, unless it was too late.
    pub in_time: Result<(), Failure>,
}

/// Ends an attempt. A failure is for a page: there is nowhere safe to send the browser.
pub async fn finish<P: Ports>(app: &App<P>, provider: &str, mut returned: Return) -> Result<Onward, Failure> {
    let browser = returned.browser.take();
    let taken = take(app, provider, Purpose::Connect, returned.state.as_deref(), browser).await?;
    let Taken { attempt, state_hash, browser, home, in_time } = taken;
    let result = match in_time {
        Ok(()) => answer(app, &attempt, &state_hash, &returned, browser).await,
        Err(late) => Err(late),
    };
    match result {
        Ok(Connected::As(connector)) => Ok(Onward::Home(sent_home_connected(home, &connector))),
        Ok(Connected::AfterAnotherVisit(departure)) => Ok(Onward::Again(departure)),
        Err(failure) => {
            let provider = attempt.wish.provider;
            tracing::warn!(provider = provider.as_str(), code = %failure.code, "an account was not connected");
            let home = sent_home_with(home, &failure);
            // Whether somebody else than the person has to consent.
            let (needed, unclear) = match failure.code.as_ref() {
                "admin_consent_required" | "consent_required" => (true, false),
                "consent_cancelled" => (true, true),
                _ => (false, false),
            };
            if needed && admin_consent::is_there(app, &attempt.wish)? {
                let link = connect_link::for_administrator(app, &attempt.wish);
                let again = unclear.then(|| connect_link::again(app, &attempt.wish));
                return Ok(Onward::NeedsApproval(Approval { link, again, home }));
            }
            Ok(Onward::Home(home))
        }
    }
}

/// Uses an attempt up, if it is this browser's to use and of that kind.
pub(super) async fn take<P: Ports>(
    app: &App<P>,
    provider: &str,
    purpose: Purpose,
    state: Option<&str>,
    browser: Option<BrowserKey>,
) -> Result<Taken, Failure> {
    let refuse = |code: &'static str, why: &str| Failure::rejected(code, "state", why);
    let provider = connect_link::provider_named(provider)?;
    let state = state.filter(|state| !state.is_empty()).ok_or_else(|| {
        refuse("state_missing", "the address lacks its state; start again from where you came")
    })?;
    let state_hash = fingerprint(state);
    let now = app.clock.now();
    let answers = app.db.batch(oauth_state::consume(&state_hash, now).into()).await?;
    let row = answers.first().and_then(|rows| rows.first()).ok_or_else(|| {
        refuse("state_unknown", "this attempt was not started here, or too long ago; start again")
    })?;
    let attempt = oauth_state::from_row(row)?;
    let browser = browser.filter(|browser| browser.is(&attempt.browser_hash)).ok_or_else(|| {
        refuse(
            "state_other_browser",
            "another browser started this, or this one keeps no cookies; start again in this browser",
        )
    })?;
    if attempt.wish.provider != provider {
        return Err(refuse("state_other_provider", "this attempt is for another provider"));
    }
    if attempt.purpose != purpose {
        return Err(refuse("state_other_purpose", "this attempt is for something else; start again"));
    }
    if answers.get(1).is_none_or(Vec::is_empty) {
        return Err(refuse(
            "state_reused",
            "this attempt was finished before; if the calendar is connected there is nothing left to do, else start again",
        ));
    }
    let home = redirect::check_for(&app.settings, &attempt.wish.redirect_uri)?;
    let in_time = if attempt.expires_at <= now {
        Err(refuse("state_expired", "the consent page was open for more than ten minutes; start again"))
    } else {
        Ok(())
    };
    Ok(Taken { attempt, state_hash, browser, home, in_time })
}

async fn answer<P: Ports>(
    app: &App<P>,
    attempt: &Attempt,
    state_hash: &str,
    returned: &Return,
    browser: BrowserKey,
) -> Result<Connected, Failure> {
    if let Some(refusal) = returned.refusal() {
        return Err(app.providers.get(attempt.wish.provider)?.oauth().authorization_error(refusal));
    }
    let code = returned.code.as_ref().filter(|code| !code.expose().is_empty()).ok_or_else(|| {
        Failure::rejected(
            "code_missing",
            "code",
            "the provider sent neither a code nor an error; start again",
        )
    })?;
    connect::connect(app, attempt, state_hash, code, browser).await
}
