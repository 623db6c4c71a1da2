//! Tenants: the organisations of Microsoft Entra, and what stands for many of them in an address.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols#endpoints>

use url::Url;

use crate::{config::MicrosoftSettings, domain::failure::Failure, providers::AccountProfile};

/// Every account, of any organisation and personal ones.
pub(super) const ANY: &str = "common";
/// Accounts of any organisation.
pub(super) const ORGANISATIONS: &str = "organizations";
/// Personal accounts.
pub(super) const PERSONAL: &str = "consumers";
/// The tenant all personal accounts are in.
pub(super) const PERSONAL_ID: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The longest domain name, in characters.
const LONGEST_DOMAIN: usize = 253;

/// Refuses what is no tenant: neither one of the three names, nor an id, nor a domain.
pub(super) fn check(tenant: &str) -> Result<(), Failure> {
    let known = matches!(tenant, ANY | ORGANISATIONS | PERSONAL) || is_id(tenant) || is_domain(tenant);
    if known {
        return Ok(());
    }
    Err(Failure::rejected(
        "bad_tenant",
        "tenant",
        "expected common, organizations, consumers, a tenant's id (a GUID) or one of its domains",
    ))
}

/// Refuses an account that is not of `wished`. Which tenant a domain belongs to only Microsoft knows, which lets nobody else
/// in there; that no personal account is of it is known here too.
pub(super) fn check_account(wished: &str, profile: &AccountProfile) -> Result<(), Failure> {
    let signed_in = profile.tenant.as_deref().unwrap_or_default();
    let is_personal = signed_in == PERSONAL_ID;
    let fits = match wished {
        ANY => true,
        PERSONAL => is_personal,
        id if is_id(id) => signed_in.eq_ignore_ascii_case(id),
        _ => !is_personal,
    };
    if fits {
        return Ok(());
    }
    Err(Failure::refused(
        "wrong_organisation",
        match wished {
            PERSONAL => "this link is for personal Microsoft accounts; start again and choose one",
            _ => {
                "this link is for another organisation than that of the account; start again and choose an account of it"
            }
        },
    ))
}

/// An address of the identity platform, as `tenant` sees it.
pub(super) fn endpoint(settings: &MicrosoftSettings, tenant: &str, path: &str) -> Result<Url, Failure> {
    check(tenant)?;
    Url::parse(&settings.login_url.join(&format!("/{tenant}/{path}")))
        .map_err(|_| Failure::fatal("bad_settings", "MICROSOFT_LOGIN_URL is no URL"))
}

/// Whether this is a GUID as Entra writes them.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= LONGEST_DOMAIN && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{domain::ids::AccountId, providers::microsoft::fixtures::settings};

    const CONTOSO: &str = "c0a7050a-1111-4000-8000-0000000000c0";

    #[test]
    fn a_tenant_is_a_name_of_many_an_id_or_a_domain() {
        for tenant in
            ["common", "organizations", "consumers", CONTOSO, "contoso.example", "contoso.onmicrosoft.com"]
        {
            assert_eq!(check(tenant), Ok(()), "{tenant}");
        }
        for no_tenant in [
            "",
            "contoso",
            "Common",
            "..",
            "a..b",
            "contoso.example/",
            "a b.c",
            "-a.b",
            "contoso.example?x=1",
            "%2e.x",
        ] {
            assert_eq!(check(no_tenant).unwrap_err().field(), Some("tenant"), "{no_tenant}");
        }
    }

    #[test]
    fn an_account_of_another_tenant_than_the_links_is_refused() {
        for (wished, signed_in, admitted) in [
            ("common", CONTOSO, true),
            ("common", PERSONAL_ID, true),
            ("organizations", CONTOSO, true),
            ("organizations", PERSONAL_ID, false),
            ("consumers", PERSONAL_ID, true),
            ("consumers", CONTOSO, false),
            (CONTOSO, CONTOSO, true),
            ("C0A7050A-1111-4000-8000-0000000000C0", CONTOSO, true),
            (CONTOSO, "fab21ca0-2222-4000-8000-0000000000fa", false),
            (CONTOSO, PERSONAL_ID, false),
            ("contoso.example", CONTOSO, true),
            ("contoso.example", PERSONAL_ID, false),
        ] {
            let profile = AccountProfile {
                account: AccountId::new("x"),
                email: None,
                tenant: Some(signed_in.to_owned()),
                zone: None,
            };
            let code = check_account(wished, &profile).err().map(|failure| failure.code.into_owned());
            assert_eq!(code.as_deref(), (!admitted).then_some("wrong_organisation"), "{wished} {signed_in}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_stays_one_segment_of_a_path(tenant in "[a-z0-9./?#%@:-]{1,40}") {
            if let Ok(url) = endpoint(&settings(), &tenant, "oauth2/v2.0/token") {
                let expected = format!("/{tenant}/oauth2/v2.0/token");
                prop_assert_eq!((url.host_str(), url.path()), (Some("login.microsoftonline.com"), expected.as_str()));
            }
        }
    }
}
