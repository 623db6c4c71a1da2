//! Connect links: what a backend gives a person to click. Signed, good for fifteen minutes, and kept nowhere.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::redirect;
use crate::{
    app::App,
    domain::{
        connector::ProviderKind,
        failure::Failure,
        ids::{UserId, WorkspaceId},
    },
    ports::{Clock, Ports},
    signing::{Purpose, Signer, Unverified},
    store::oauth_state::Wish,
};

/// How long a link can be clicked.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// How long an administrator has: a mail may lie there over a weekend.
const ADMINISTRATORS_LIFETIME: TimeDelta = TimeDelta::days(7);

/// The longest id, hint, tenant or scope accepted.
const LONGEST: usize = 255;
/// The most scopes accepted.
const MOST_SCOPES: usize = 50;

/// What `POST /v1/connect-links` takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConnectLinkRequest {
    /// The product's id of the person who connects.
    pub user_id: String,
    /// The product's id of the workspace it is for.
    pub workspace_id: Option<String>,
    /// The provider, such as `google`.
    pub provider: String,
    /// Where the browser goes in the end; must be on the operator's list.
    pub redirect_uri: String,
    /// Provider scopes to ask for instead of the default ones.
    pub scopes: Option<Vec<String>>,
    /// The address of the account the person probably means.
    pub login_hint: Option<String>,
    /// The provider's tenant to sign in at, for providers that have tenants.
    pub tenant: Option<String>,
}

/// A link for a person to click.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConnectLink {
    /// The link.
    pub url: String,
    /// Until when it can be clicked, RFC 3339 in UTC.
    pub expires_at: String,
}

/// What a link carries. Names are short because they travel in a URL.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "u")]
    user: UserId,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    workspace: Option<WorkspaceId>,
    #[serde(rename = "p")]
    provider: ProviderKind,
    #[serde(rename = "r")]
    redirect_uri: String,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    login_hint: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
}

/// Makes a link. Refuses what could not work, naming the field.
pub fn create<P: Ports>(app: &App<P>, request: ConnectLinkRequest) -> Result<ConnectLink, Failure> {
    let provider = provider_named(&request.provider)?;
    let oauth = app.providers.get(provider)?.oauth();
    redirect::check_for(&app.settings, &request.redirect_uri)?;
    check_text(&request.user_id, "userId")?;
    for (value, field) in [
        (&request.workspace_id, "workspaceId"),
        (&request.login_hint, "loginHint"),
        (&request.tenant, "tenant"),
    ] {
        value.as_deref().map_or(Ok(()), |value| check_text(value, field))?;
    }
    if let Some(tenant) = &request.tenant {
        oauth.check_tenant(tenant)?;
    }
    if let Some(scopes) = &request.scopes {
        check_scopes(scopes)?;
        let missing = oauth.missing_scopes(scopes);
        if !missing.is_empty() {
            return Err(Failure::rejected(
                "scopes_insufficient",
                "scopes",
                format!("a calendar cannot be served without {}", missing.join(" ")),
            ));
        }
    }
    let claims = Claims {
        user: UserId::new(request.user_id),
        workspace: request.workspace_id.map(WorkspaceId::new),
        provider,
        redirect_uri: request.redirect_uri,
        scopes: request.scopes,
        login_hint: request.login_hint,
        tenant: request.tenant,
    };
    let expires_at = app.clock.now().plus(LIFETIME);
    let token = signer(app, Purpose::ConnectLink).sign(&claims, expires_at);
    let url = app.settings.public_base_url.join(&format!("/oauth/{}/start?link={token}", provider.as_str()));
    Ok(ConnectLink { url, expires_at: expires_at.to_rfc3339() })
}

/// A link for the same person to try once more what `wish` asks for.
pub(super) fn again<P: Ports>(app: &App<P>, wish: &Wish) -> String {
    link_for(app, wish, Purpose::ConnectLink, "start", LIFETIME)
}

/// A link for an administrator to consent with to what `wish` asks for. It works in any browser, and for nothing else.
pub(super) fn for_administrator<P: Ports>(app: &App<P>, wish: &Wish) -> String {
    link_for(app, wish, Purpose::AdminConsentLink, "admin-consent", ADMINISTRATORS_LIFETIME)
}

fn link_for<P: Ports>(
    app: &App<P>,
    wish: &Wish,
    purpose: Purpose,
    page: &str,
    lifetime: TimeDelta,
) -> String {
    let claims = Claims {
        user: wish.user.clone(),
        workspace: wish.workspace.clone(),
        provider: wish.provider,
        redirect_uri: wish.redirect_uri.clone(),
        scopes: Some(wish.scopes.clone()),
        login_hint: None,
        tenant: wish.tenant.clone(),
    };
    let token = signer(app, purpose).sign(&claims, app.clock.now().plus(lifetime));
    app.settings.public_base_url.join(&format!("/oauth/{}/{page}?link={token}", wish.provider.as_str()))
}

/// What a link that was clicked asks for, and the account the person probably means.
pub(super) fn open<P: Ports>(
    app: &App<P>,
    provider: ProviderKind,
    link: Option<&str>,
) -> Result<(Wish, Option<String>), Failure> {
    let claims = verified(app, link, &[Purpose::ConnectLink])?;
    wish(app, provider, claims)
}

/// The same for an administrator, who may also hold the link a person was to click.
pub(super) fn open_as_administrator<P: Ports>(
    app: &App<P>,
    provider: ProviderKind,
    link: Option<&str>,
) -> Result<Wish, Failure> {
    let claims = verified(app, link, &[Purpose::AdminConsentLink, Purpose::ConnectLink])?;
    Ok(wish(app, provider, claims)?.0)
}

/// The claims of a link made for one of `purposes`.
fn verified<P: Ports>(app: &App<P>, link: Option<&str>, purposes: &[Purpose]) -> Result<Claims, Failure> {
    let invalid = |why: &str| Failure::rejected("connect_link_invalid", "link", why);
    let link = link.ok_or_else(|| invalid("the address lacks its connect link; ask for a new one"))?;
    for purpose in purposes {
        match signer(app, *purpose).verify(link, app.clock.now()) {
            Ok(claims) => return Ok(claims),
            Err(Unverified::Expired) => {
                return Err(Failure::rejected(
                    "connect_link_expired",
                    "link",
                    "this link is too old: connect links last for 15 minutes, an administrator's for 7 days; ask for a new one",
                ));
            }
            Err(Unverified::Forged) => {}
        }
    }
    Err(invalid("this connect link was not made here, or only a part of it arrived"))
}

fn wish<P: Ports>(
    app: &App<P>,
    provider: ProviderKind,
    claims: Claims,
) -> Result<(Wish, Option<String>), Failure> {
    if claims.provider != provider {
        return Err(Failure::rejected(
            "connect_link_invalid",
            "link",
            "this connect link is for another provider",
        ));
    }
    // The list may have become shorter since the link was made.
    redirect::check_for(&app.settings, &claims.redirect_uri)?;
    let scopes = match claims.scopes {
        Some(scopes) => scopes,
        None => app.providers.get(provider)?.oauth().default_scopes(),
    };
    let wish = Wish {
        user: claims.user,
        workspace: claims.workspace,
        provider,
        tenant: claims.tenant,
        redirect_uri: claims.redirect_uri,
        scopes,
    };
    Ok((wish, claims.login_hint))
}

/// The provider of that name.
pub(super) fn provider_named(name: &str) -> Result<ProviderKind, Failure> {
    ProviderKind::parse(name).ok_or_else(|| {
        let known: Vec<_> = ProviderKind::ALL.into_iter().map(ProviderKind::as_str).collect();
        Failure::rejected("unknown_provider", "provider", format!("expected one of: {}", known.join(", ")))
    })
}

fn signer<P: Ports>(app: &App<P>, purpose: Purpose) -> Signer {
    Signer::new(&app.settings.webhook_secret, purpose)
}

fn check_text(value: &str, field: &str) -> Result<(), Failure> {
    if value.trim().is_empty() || value.len() > LONGEST || value.chars().any(char::is_control) {
        return Err(Failure::rejected(
            "bad_value",
            field,
            format!("expected 1 to {LONGEST} printable characters"),
        ));
    }
    Ok(())
}

fn check_scopes(scopes: &[String]) -> Result<(), Failure> {
    if scopes.len() > MOST_SCOPES {
        return Err(Failure::rejected(
            "bad_value",
            "scopes",
            format!("expected at most {MOST_SCOPES} scopes"),
        ));
    }
    for (index, scope) in scopes.iter().enumerate() {
        // RFC 6749 section 3.3: printable, no space, quote or backslash.
        let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if scope.is_empty() || scope.len() > LONGEST || !scope.bytes().all(allowed) {
            return Err(Failure::rejected(
                "bad_value",
                format!("scopes[{index}]"),
                "expected one OAuth scope",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestApp, app};

    fn request() -> ConnectLinkRequest {
        ConnectLinkRequest {
            user_id: "ada".to_owned(),
            workspace_id: Some("math".to_owned()),
            provider: "google".to_owned(),
            redirect_uri: "https://app.example/done".to_owned(),
            scopes: None,
            login_hint: Some("ada@example.com".to_owned()),
            tenant: None,
        }
    }

    fn token(app: &TestApp, request: ConnectLinkRequest) -> String {
        create(app, request).unwrap().url.split_once("?link=").unwrap().1.to_owned()
    }

    #[test]
    fn a_link_leads_to_the_start_and_carries_what_was_asked_for() {
        let app = app();
        let link = create(&app, request()).unwrap();
        assert!(link.url.starts_with("https://calendar.example/oauth/google/start?link="));
        assert_eq!(link.expires_at, "2026-03-02T09:15:00Z");
        let (wish, hint) = open(&app, ProviderKind::Google, Some(&token(&app, request()))).unwrap();
        assert_eq!((wish.user.as_str(), wish.redirect_uri.as_str()), ("ada", "https://app.example/done"));
        assert_eq!(wish.workspace, Some("math".into()));
        assert_eq!(wish.scopes, ["openid", "calendar"]);
        assert_eq!(hint.as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn a_link_works_for_fifteen_minutes() {
        let app = app();
        let token = token(&app, request());
        app.clock.advance(LIFETIME - TimeDelta::seconds(1));
        open(&app, ProviderKind::Google, Some(&token)).unwrap();
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(open(&app, ProviderKind::Google, Some(&token)).unwrap_err().code, "connect_link_expired");
    }

    #[test]
    fn an_administrators_link_works_for_a_week_and_for_nothing_else() {
        let app = app();
        let connect = token(&app, request());
        let (wish, _) = open(&app, ProviderKind::Google, Some(&connect)).unwrap();
        let link = for_administrator(&app, &wish);
        let administrators =
            link.strip_prefix("https://calendar.example/oauth/google/admin-consent?link=").unwrap();
        assert_eq!(open_as_administrator(&app, ProviderKind::Google, Some(administrators)), Ok(wish.clone()));
        assert_eq!(open_as_administrator(&app, ProviderKind::Google, Some(&connect)), Ok(wish));
        let refusal = open(&app, ProviderKind::Google, Some(administrators)).unwrap_err();
        assert_eq!(refusal.code, "connect_link_invalid", "nobody connects an account with it");

        app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
        open_as_administrator(&app, ProviderKind::Google, Some(administrators)).unwrap();
        app.clock.advance(TimeDelta::seconds(1));
        let refusal = open_as_administrator(&app, ProviderKind::Google, Some(administrators)).unwrap_err();
        assert_eq!(refusal.code, "connect_link_expired");
    }

    #[test]
    fn a_forged_link_is_refused() {
        let app = app();
        let genuine = token(&app, request());
        for forged in ["", "x", "a.b", &genuine[1..], &genuine[..genuine.len() - 1], &format!("{genuine}A")] {
            assert_eq!(
                open(&app, ProviderKind::Google, Some(forged)).unwrap_err().code,
                "connect_link_invalid"
            );
        }
    }

    #[test]
    fn a_provider_that_is_not_set_up_here_connects_nobody() {
        let refusal = create(&app(), ConnectLinkRequest { provider: "microsoft".to_owned(), ..request() });
        assert_eq!(refusal.unwrap_err().code, "provider_not_set_up");
    }

    #[test]
    fn a_bad_request_is_refused_with_its_field() {
        type Change = fn(&mut ConnectLinkRequest);
        let cases: [(Change, &str, &str); 10] = [
            (|r| r.provider = "gogle".to_owned(), "unknown_provider", "provider"),
            (
                |r| r.redirect_uri = "https://evil.example/done".to_owned(),
                "redirect_uri_not_allowed",
                "redirectUri",
            ),
            (|r| r.user_id = " ".to_owned(), "bad_value", "userId"),
            (|r| r.workspace_id = Some(String::new()), "bad_value", "workspaceId"),
            (|r| r.login_hint = Some("a".repeat(256)), "bad_value", "loginHint"),
            (|r| r.tenant = Some("a\nb".to_owned()), "bad_value", "tenant"),
            (|r| r.tenant = Some("contoso.example".to_owned()), "tenant_not_supported", "tenant"),
            (
                |r| r.scopes = Some(vec!["calendar".to_owned(), "two words".to_owned()]),
                "bad_value",
                "scopes[1]",
            ),
            (|r| r.scopes = Some(vec!["a".to_owned(); 51]), "bad_value", "scopes"),
            (|r| r.scopes = Some(vec!["openid".to_owned()]), "scopes_insufficient", "scopes"),
        ];
        for (change, code, field) in cases {
            let mut request = request();
            change(&mut request);
            let refusal = create(&app(), request).unwrap_err();
            assert_eq!((refusal.code.as_ref(), refusal.field()), (code, Some(field)));
        }
    }
}
