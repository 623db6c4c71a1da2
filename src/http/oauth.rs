//! The routes a person's browser takes: out to the provider and back.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{
    body::{Params, Segments},
    cookies::{self, Cookie, SameSite},
    pages::{Page, error_page, sentence},
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    app::App,
    domain::{
        failure::{Action, Failure},
        secret::AuthorizationCode,
    },
    oauth::{self, ATTEMPT_LIFETIME, Approval, BrowserKey, Departure, Onward, Return, admin_consent},
    ports::Ports,
};

/// The cookie that ties an attempt to the browser that started it.
const BROWSER_COOKIE: &str = "huddle-connect";

/// What browsers bring along on their way, in the address; each page looks at what is for it.
#[derive(Deserialize)]
pub(super) struct Brought {
    /// On the way out.
    link: Option<String>,
    /// On the way back.
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    error_subcode: Option<String>,
    /// Microsoft says so when an administrator decided, whatever the decision; we do, at the end of that way.
    admin_consent: Option<String>,
    /// At the end of the way: what is wrong in a word of ours, or nothing.
    error_code: Option<String>,
    connector_id: Option<String>,
}

impl Brought {
    fn returned(self, browser: Option<BrowserKey>) -> Return {
        Return {
            state: self.state,
            code: self.code.map(AuthorizationCode::new),
            error: self.error,
            error_description: self.error_description,
            error_subcode: self.error_subcode,
            browser,
        }
    }
}

/// `GET /oauth/{provider}/start`
pub(super) async fn start<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(provider): Segments<String>,
    Params(brought): Params<Brought>,
    headers: HeaderMap,
) -> Response {
    local(async move {
        let browser = browser_key(&app, &headers);
        depart(&app, oauth::start(&app, &provider, brought.link.as_deref(), browser).await)
    })
    .await
}

/// `GET /oauth/{provider}/callback`
pub(super) async fn callback<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(provider): Segments<String>,
    Params(brought): Params<Brought>,
    headers: HeaderMap,
) -> Response {
    local(async move {
        let returned = brought.returned(browser_key(&app, &headers));
        match oauth::finish(&app, &provider, returned).await {
            Ok(Onward::Home(url)) => see_other(url.as_str()),
            Ok(Onward::Again(departure)) => depart(&app, Ok(*departure)),
            Ok(Onward::NeedsApproval(Approval { link, again, home })) => {
                let page = ApprovalNeededPage { link: &link, again: again.as_deref(), home: home.as_str() };
                Page(StatusCode::OK, page).into_response()
            }
            Err(failure) => error_page(&as_page(failure)),
        }
    })
    .await
}

#[derive(askama::Template)]
#[template(path = "approval_needed.html")]
struct ApprovalNeededPage<'a> {
    /// For the administrator.
    link: &'a str,
    /// To try once more, where it is not known that only an administrator can help.
    again: Option<&'a str>,
    /// Back to the product.
    home: &'a str,
}

/// `GET /oauth/{provider}/admin-consent`
pub(super) async fn start_admin_consent<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(provider): Segments<String>,
    Params(brought): Params<Brought>,
    headers: HeaderMap,
) -> Response {
    local(async move {
        let browser = browser_key(&app, &headers);
        depart(&app, admin_consent::start(&app, &provider, brought.link.as_deref(), browser).await)
    })
    .await
}

#[derive(askama::Template)]
#[template(path = "admin_consent.html")]
struct AdminConsentPage<'a> {
    /// Why not, unless it was granted: code and text of ours.
    refusal: Option<(&'a str, String)>,
    /// On to the product.
    home: &'a str,
}

/// `GET /oauth/{provider}/admin-consent/callback`
pub(super) async fn finish_admin_consent<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(provider): Segments<String>,
    Params(brought): Params<Brought>,
    headers: HeaderMap,
) -> Response {
    local(async move {
        let granted = brought.admin_consent.as_deref().is_some_and(|said| said.eq_ignore_ascii_case("true"));
        let returned = brought.returned(browser_key(&app, &headers));
        match admin_consent::finish(&app, &provider, returned, granted).await {
            Ok(decision) => {
                let refusal = decision.refusal.as_ref();
                let refusal = refusal.map(|refusal| (refusal.code.as_ref(), sentence(&refusal.message)));
                Page(StatusCode::OK, AdminConsentPage { refusal, home: decision.home.as_str() })
                    .into_response()
            }
            Err(failure) => error_page(&as_page(failure)),
        }
    })
    .await
}

fn browser_key<P: Ports>(app: &App<P>, headers: &HeaderMap) -> Option<BrowserKey> {
    let secure = app.settings.public_base_url.is_https();
    cookies::find(headers, &cookies::name(BROWSER_COOKIE, secure)).and_then(BrowserKey::from_cookie)
}

fn depart<P: Ports>(app: &App<P>, departure: Result<Departure, Failure>) -> Response {
    let departure = match departure {
        Ok(departure) => departure,
        Err(failure) => return error_page(&as_page(failure)),
    };
    let cookie = Cookie {
        name: BROWSER_COOKIE,
        value: departure.browser.to_cookie(),
        secure: app.settings.public_base_url.is_https(),
        // Lax: the cookie must come along when the provider sends the browser back.
        same_site: SameSite::Lax,
        lifetime: ATTEMPT_LIFETIME,
    };
    let mut response = see_other(departure.url.as_str());
    if let Some(value) = cookie.to_header() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// 302 is what OAuth's own examples use, and what every browser follows with GET.
fn see_other(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => error_page(&Failure::fatal("bad_location", "this address cannot be redirected to").into()),
    }
}

/// A page's status: what is wrong with the request is 400, save for a provider nobody knows.
fn as_page(failure: Failure) -> Problem {
    match (&failure.action, failure.code.as_ref()) {
        (_, "unknown_provider") => Problem::with_status(StatusCode::NOT_FOUND, failure),
        (_, "connect_link_expired" | "state_expired") => Problem::with_status(StatusCode::GONE, failure),
        (Action::Rejected(_), _) => Problem::with_status(StatusCode::BAD_REQUEST, failure),
        _ => failure.into(),
    }
}

#[derive(askama::Template)]
#[template(path = "connected.html")]
struct ConnectedPage {
    connected: bool,
    /// Chosen by us from the error's name and code: a page of ours never shows text that came in an address.
    reason: &'static str,
    connector: Option<String>,
}

/// `GET /connected`: where a browser ends when the product has no page of its own.
pub(super) async fn connected(Params(brought): Params<Brought>) -> Response {
    let reason = match brought.error.as_deref() {
        None if brought.admin_consent.is_some() => {
            "Your organisation has approved: everybody in it can connect their calendar now."
        }
        None => "",
        Some(error) => oauth::explanation(error, brought.error_code.as_deref()),
    };
    let connected = brought.error.is_none() && brought.connector_id.is_some();
    let connector = brought.connector_id.filter(|id| {
        connected && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    Page(StatusCode::OK, ConnectedPage { connected, reason, connector }).into_response()
}
