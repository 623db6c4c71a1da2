//! Being signed in: a signed cookie that holds nothing but its end, and the token that every form of the session carries.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::home_page::{SignInPage, sign_in_page};
use crate::{
    app::App,
    domain::failure::Failure,
    http::{
        body::FormBody,
        cookies::{self, Cookie, SameSite},
        guard,
        pages::{Page, error_page},
        problem::Problem,
        state::{Shared, local},
    },
    ports::{Clock, Ports, Random},
    signing::{Purpose, Signer},
};

/// How long one stays signed in.
const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// The cookie's name.
const COOKIE: &str = "huddle-session";
/// The form field of the token.
pub(super) const FORM_TOKEN: &str = "form_token";

/// What the cookie says: nothing. The nonce makes two sessions differ.
#[derive(Serialize, Deserialize)]
struct SessionClaims {
    #[serde(rename = "n")]
    nonce: String,
}

/// What a form's token says: to which session it belongs.
#[derive(Serialize, Deserialize)]
struct FormClaims {
    #[serde(rename = "s")]
    session: String,
}

/// Somebody who is signed in. Those who are not are sent to the sign-in page.
pub(super) struct Session {
    /// The token for this session's forms.
    pub form_token: String,
}

impl Session {
    /// The session whose cookie a request carries, if it still holds.
    pub(super) fn of<P: Ports>(app: &App<P>, headers: &HeaderMap) -> Option<Self> {
        let cookie = cookie_of(app, headers)?;
        let now = app.clock.now();
        session_signer(app).verify::<SessionClaims>(cookie, now).ok()?;
        let claims = FormClaims { session: fingerprint(cookie) };
        Some(Self { form_token: form_signer(app).sign(&claims, now.plus(LIFETIME)) })
    }
}

impl<P: Ports> FromRequestParts<Shared<P>> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Shared<P>) -> Result<Self, Response> {
        Self::of(app, &parts.headers).ok_or_else(|| Redirect::to("/").into_response())
    }
}

/// A form sent from one of this session's own pages.
pub(super) struct SignedForm {
    /// The session.
    pub session: Session,
    /// What was filled in.
    pub fields: FormBody,
}

impl<P: Ports> FromRequest<Shared<P>> for SignedForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Shared<P>) -> Result<Self, Response> {
        let headers = request.headers().clone();
        let session = Session::of(app, &headers).ok_or_else(|| Redirect::to("/").into_response())?;
        let fields = FormBody::from_request(request, app).await.map_err(|problem| error_page(&problem))?;
        let token = fields.get(FORM_TOKEN).unwrap_or_default();
        let claims = form_signer(app).verify::<FormClaims>(token, app.clock.now()).ok();
        let own = claims
            .zip(cookie_of(app, &headers))
            .is_some_and(|(claims, cookie)| claims.session == fingerprint(cookie));
        if own && !from_another_site(&headers) {
            return Ok(Self { session, fields });
        }
        let failure = Failure::refused(
            "form_not_ours",
            "this form is not from this session; go back, reload the page and send it again",
        );
        Err(error_page(&Problem::with_status(StatusCode::FORBIDDEN, failure)))
    }
}

/// `POST /dashboard/sign-in`
pub(super) async fn sign_in<P: Ports>(
    State(app): State<Shared<P>>,
    headers: HeaderMap,
    form: FormBody,
) -> Result<Response, Response> {
    if from_another_site(&headers) {
        let failure = Failure::refused("form_not_ours", "sign in on the page of this service");
        return Err(error_page(&Problem::with_status(StatusCode::FORBIDDEN, failure)));
    }
    // Guessing is limited per address, apart from the pages' own limit.
    guard::limit(&app, format!("sign-in:{}", guard::address(&headers)))
        .await
        .map_err(|problem| error_page(&problem))?;
    let without_key = form.get("without_key").is_some() && may_go_without_key(&app, &headers);
    let key_fits = form.get("key").is_some_and(|key| app.settings.api_key.matches(key));
    if !without_key && !key_fits {
        tracing::warn!("somebody tried to sign in with a wrong key");
        let page = SignInPage { wrong_key: true, ..sign_in_page(&app, &headers) };
        return Err(Page(StatusCode::UNAUTHORIZED, page).into_response());
    }
    local(async move {
        let mut nonce = [0u8; 16];
        app.random.fill(&mut nonce).map_err(|failure| error_page(&failure.into()))?;
        let claims = SessionClaims { nonce: URL_SAFE_NO_PAD.encode(nonce) };
        let value = session_signer(&app).sign(&claims, app.clock.now().plus(LIFETIME));
        Ok(with_cookie(&app, &value, LIFETIME))
    })
    .await
}

/// `POST /dashboard/sign-out`
pub(super) async fn sign_out<P: Ports>(State(app): State<Shared<P>>, _: SignedForm) -> Response {
    with_cookie(&app, "", TimeDelta::zero())
}

/// In development, on the developer's own machine, the key need not be typed. The name in the address is checked too, so
/// that a page elsewhere whose name was made to lead here gets nowhere.
pub(super) fn may_go_without_key<P: Ports>(app: &App<P>, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    app.settings.development && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether the browser says that another site caused this request.
fn from_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

fn with_cookie<P: Ports>(app: &App<P>, value: &str, lifetime: TimeDelta) -> Response {
    let secure = app.settings.public_base_url.is_https();
    let cookie = Cookie { name: COOKIE, value, secure, same_site: SameSite::Strict, lifetime };
    let mut response = Redirect::to("/").into_response();
    if let Some(value) = cookie.to_header() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn cookie_of<'a, P: Ports>(app: &App<P>, headers: &'a HeaderMap) -> Option<&'a str> {
    cookies::find(headers, &cookies::name(COOKIE, app.settings.public_base_url.is_https()))
}

fn session_signer<P: Ports>(app: &App<P>) -> Signer {
    // Under the key one signs in with: a new API key ends every session.
    Signer::new(&app.settings.api_key, Purpose::Session)
}

fn form_signer<P: Ports>(app: &App<P>) -> Signer {
    Signer::new(&app.settings.api_key, Purpose::Form)
}

fn fingerprint(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(cookie.as_bytes()))
}
