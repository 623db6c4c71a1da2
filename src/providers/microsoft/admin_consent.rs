//! Where an administrator consents for everybody in an organisation.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-admin-consent>

use url::Url;

use super::{scopes, tenant};
use crate::{config::MicrosoftSettings, domain::failure::Failure, providers::AdminConsentRequest};

/// The page; `None` for personal accounts, which have no administrator.
pub(super) fn url(
    settings: &MicrosoftSettings,
    request: &AdminConsentRequest<'_>,
) -> Result<Option<Url>, Failure> {
    // Not `common`: an administrator is one of an organisation.
    let organisation = match request.tenant.unwrap_or(tenant::ANY) {
        tenant::PERSONAL => return Ok(None),
        tenant::ANY => tenant::ORGANISATIONS,
        named => named,
    };
    let mut url = tenant::endpoint(settings, organisation, "v2.0/adminconsent")?;
    url.query_pairs_mut()
        .append_pair("client_id", &settings.client_id)
        .append_pair("scope", &scopes::asked(request.scopes))
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("state", request.state);
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::microsoft::fixtures::settings;

    fn page(tenant: Option<&str>) -> Option<String> {
        let request = AdminConsentRequest {
            redirect_uri: "https://calendar.example/oauth/microsoft/admin-consent/callback",
            state: "st&te",
            scopes: &scopes::defaults(),
            tenant,
        };
        url(&settings(), &request).unwrap().map(String::from)
    }

    #[test]
    fn the_administrator_is_asked_for_the_scopes_people_are_asked_for() {
        insta::assert_snapshot!(page(Some("contoso.example")).unwrap().replace('&', "\n&"), @r"
        https://login.microsoftonline.com/contoso.example/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555
        &scope=openid+profile+email+offline_access+User.Read+Calendars.ReadWrite+MailboxSettings.Read
        &redirect_uri=https%3A%2F%2Fcalendar.example%2Foauth%2Fmicrosoft%2Fadmin-consent%2Fcallback
        &state=st%26te
        ");
    }

    #[test]
    fn an_organisation_nobody_named_is_whichever_the_administrator_is_of() {
        for (tenant, segment) in [
            (None, Some("organizations")),
            (Some("common"), Some("organizations")),
            (Some("organizations"), Some("organizations")),
            (Some("contoso.example"), Some("contoso.example")),
            (Some("consumers"), None),
        ] {
            let segment = segment
                .map(|segment| format!("https://login.microsoftonline.com/{segment}/v2.0/adminconsent"));
            let page = page(tenant);
            assert_eq!(
                page.as_deref().and_then(|page| page.split('?').next()),
                segment.as_deref(),
                "{tenant:?}"
            );
        }
    }
}
