//! Finding out whose account was connected, and in which zone its owner lives.
//!
//! An account is named by its tenant and its object in it, as the id token has them; never by an address, which can be given
//! to somebody else, and never by anything that came in a query. Without a usable id token Graph is asked. The address, which
//! the id token has only where `profile` or `email` was asked for, and the zone are nice to have: no answer about them fails
//! the connection.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference>

use http::Method;
use serde_json::Value;

use super::{
    errors::{Operation, read},
    requests::graph,
    tenant,
};
use crate::{
    config::MicrosoftSettings,
    domain::{failure::Failure, ids::AccountId, zone::Zone},
    ports::{HttpRequest, HttpResponse},
    providers::{AccountProfile, Exchange, Pending, Step, TokenGrant, id_token, out_of_step},
};

/// Where Microsoft's id tokens come from, wherever the operator signs people in.
const ISSUER: &str = "https://login.microsoftonline.com";

/// Finds out who granted `grant`; driven with its access token.
pub(super) fn identify(settings: &MicrosoftSettings, grant: &TokenGrant) -> Pending<AccountProfile> {
    let claimed = grant.id_token.as_ref().and_then(|token| claimed(settings, token.expose()));
    Box::new(Identify { settings: settings.clone(), account: claimed.unwrap_or_default(), asked: None })
}

/// Something to ask Graph about the account, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Its object's id and its address.
    Me,
    /// Its address alone.
    Address,
    /// The id of its tenant.
    Organisation,
    /// Its zone.
    MailboxSettings,
}

/// What is known so far.
#[derive(Debug, Default)]
struct Account {
    tenant: Option<String>,
    object: Option<String>,
    email: Option<String>,
}

struct Identify {
    settings: MicrosoftSettings,
    account: Account,
    asked: Option<Question>,
}

impl Identify {
    fn ask(&mut self, question: Question) -> Result<Step<AccountProfile>, Failure> {
        self.asked = Some(question);
        let call = |path| graph(Method::GET, &self.settings.api_url, path);
        let request: HttpRequest = match question {
            Question::Me => call("/me").query("$select", "id,mail,userPrincipalName"),
            Question::Address => call("/me").query("$select", "mail,userPrincipalName"),
            Question::Organisation => call("/organization").query("$select", "id"),
            Question::MailboxSettings => call("/me/mailboxSettings"),
        }
        .build()?;
        Ok(Step::Send(request))
    }

    /// Takes an answer in. Only who the account is matters enough to fail.
    fn learn(&mut self, question: Question, answer: &HttpResponse) -> Result<Option<Zone>, Failure> {
        match question {
            Question::Me => {
                let me: Value = read(Operation::Identify, answer)?;
                let id = id_token::text(&me, "id").map(str::to_ascii_lowercase);
                self.account = match id {
                    // Of a personal account Graph shows the last 16 digits alone.
                    Some(id) if id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                        Account {
                            tenant: Some(tenant::PERSONAL_ID.to_owned()),
                            object: Some(format!("00000000-0000-0000-{}-{}", &id[..4], &id[4..])),
                            email: None,
                        }
                    }
                    object => Account { tenant: None, object, email: None },
                };
                self.account.email = address(&me);
                Ok(None)
            }
            Question::Address => {
                self.account.email = address(&read(Operation::Identify, answer).unwrap_or_default());
                Ok(None)
            }
            Question::Organisation => {
                let organisations: Value = read(Operation::Identify, answer)?;
                let id = organisations
                    .pointer("/value/0")
                    .and_then(|organisation| id_token::text(organisation, "id"));
                self.account.tenant = id.map(str::to_ascii_lowercase);
                Ok(None)
            }
            Question::MailboxSettings => {
                let settings: Value = read(Operation::MailboxSettings, answer).unwrap_or_default();
                Ok(id_token::text(&settings, "timeZone").and_then(Zone::named))
            }
        }
    }

    fn done(&mut self, zone: Option<Zone>) -> Result<Step<AccountProfile>, Failure> {
        let Account { tenant: Some(tenant), object: Some(object), email } = std::mem::take(&mut self.account)
        else {
            return Err(Failure::refused(
                "account_unknown",
                "Microsoft does not tell whose account this is; connect it again",
            ));
        };
        let account = AccountId::new(format!("{tenant}.{object}"));
        Ok(Step::Done(AccountProfile { account, email, tenant: Some(tenant), zone }))
    }
}

impl Exchange for Identify {
    type Output = AccountProfile;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<AccountProfile>, Failure> {
        let (asked, zone) = match (self.asked.take(), answer) {
            (None, None) => (None, None),
            (Some(question), Some(answer)) => (Some(question), self.learn(question, &answer)?),
            _ => return Err(out_of_step()),
        };
        match asked {
            None if self.account.object.is_none() => self.ask(Question::Me),
            None if self.account.email.is_none() => self.ask(Question::Address),
            Some(Question::Me) if self.account.tenant.is_none() => self.ask(Question::Organisation),
            Some(Question::MailboxSettings) => self.done(zone),
            _ => self.ask(Question::MailboxSettings),
        }
    }
}

/// The address of `/me`.
fn address(me: &Value) -> Option<String> {
    id_token::text(me, "mail").or_else(|| id_token::text(me, "userPrincipalName")).map(str::to_owned)
}

/// Whom an id token is about, if Microsoft issued it to us for an account of the tenant it names.
fn claimed(settings: &MicrosoftSettings, token: &str) -> Option<Account> {
    let claims = id_token::claims_for(&settings.client_id, token)?;
    let id = |name| id_token::text(&claims, name).map(str::to_ascii_lowercase).filter(|id| tenant::is_id(id));
    let (tenant, object) = (id("tid")?, id("oid")?);
    let issuer = id_token::text(&claims, "iss")?;
    let ours =
        [settings.login_url.as_str(), ISSUER].iter().any(|base| issuer == format!("{base}/{tenant}/v2.0"));
    // `email` is what the person entered somewhere; the name they sign in with is closer to the mailbox's address.
    let email = id_token::text(&claims, "preferred_username")
        .filter(|name| name.contains('@'))
        .or_else(|| id_token::text(&claims, "email"))
        .map(str::to_owned);
    ours.then_some(Account { tenant: Some(tenant), object: Some(object), email })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        domain::secret::AccessToken,
        providers::microsoft::fixtures::{answer, drive, json, settings, stored},
    };

    const CONTOSO: &str = "c0a7050a-1111-4000-8000-0000000000c0";
    const ADA: &str = "ada00000-1111-4000-8000-000000000001";

    fn good_claims() -> Value {
        json!({
            "iss": format!("https://login.microsoftonline.com/{CONTOSO}/v2.0"),
            "aud": settings().client_id,
            "tid": CONTOSO,
            "oid": ADA,
            "sub": "pairwise",
            "preferred_username": "ada@contoso.example",
        })
    }

    fn asked(
        claims: Option<&Value>,
        answers: impl IntoIterator<Item = HttpResponse>,
    ) -> (Vec<String>, Result<AccountProfile, Failure>) {
        let grant = TokenGrant {
            access_token: AccessToken::new("eyJ0.a"),
            lifetime: TimeDelta::hours(1),
            refresh_token: None,
            scopes: vec![],
            id_token: claims.map(|claims| AccessToken::new(id_token::unsigned(claims))),
        };
        let (requests, profile) = drive(identify(&settings(), &grant), answers);
        (requests.iter().map(|request| request.uri().path().to_owned()).collect(), profile)
    }

    fn profile(tenant: &str, object: &str, email: &str, zone: Option<&str>) -> AccountProfile {
        AccountProfile {
            account: AccountId::new(format!("{tenant}.{object}")),
            email: Some(email.to_owned()),
            tenant: Some(tenant.to_owned()),
            zone: zone.and_then(Zone::named),
        }
    }

    fn mailbox(zone: &str) -> HttpResponse {
        json(json!({"timeZone": zone, "workingHours": {}}))
    }

    #[test]
    fn the_id_token_says_who_it_is_and_the_mailbox_where() {
        for (zone, iana) in
            [("W. Europe Standard Time", "Europe/Berlin"), ("America/New_York", "America/New_York")]
        {
            let (paths, found) = asked(Some(&good_claims()), [mailbox(zone)]);
            assert_eq!(paths, ["/v1.0/me/mailboxSettings"]);
            assert_eq!(found, Ok(profile(CONTOSO, ADA, "ada@contoso.example", Some(iana))));
        }
    }

    #[test]
    fn a_zone_that_cannot_be_had_does_not_matter() {
        for refusal in
            [answer(403, ""), answer(503, ""), mailbox("Nowhere"), stored("errors/401_claims_challenge.http")]
        {
            let (_, found) = asked(Some(&good_claims()), [refusal]);
            assert_eq!(found, Ok(profile(CONTOSO, ADA, "ada@contoso.example", None)));
        }
    }

    #[test]
    fn an_address_the_id_token_lacks_is_asked_for() {
        let mut claims = good_claims();
        claims["preferred_username"] = Value::Null;
        let me = json(json!({"mail": "ada@contoso.example", "userPrincipalName": "a.l@contoso.example"}));
        let (paths, found) = asked(Some(&claims), [me, mailbox("UTC")]);
        assert_eq!(paths, ["/v1.0/me", "/v1.0/me/mailboxSettings"]);
        assert_eq!(found, Ok(profile(CONTOSO, ADA, "ada@contoso.example", Some("UTC"))));
        let (_, found) = asked(Some(&claims), [answer(403, ""), mailbox("UTC")]);
        assert_eq!(found.map(|profile| profile.email), Ok(None));
    }

    #[test]
    fn ids_are_kept_in_lower_case() {
        let mut claims = good_claims();
        claims["oid"] = ADA.to_uppercase().into();
        let (_, found) = asked(Some(&claims), [mailbox("UTC")]);
        assert_eq!(found.unwrap().account.as_str(), format!("{CONTOSO}.{ADA}"));
    }

    #[test]
    fn an_id_token_not_issued_by_microsoft_to_us_is_not_believed() {
        for (name, value) in [
            ("aud", json!("somebody-else")),
            ("iss", json!("https://evil.example/v2.0")),
            ("iss", json!(format!("https://login.microsoftonline.com.evil.example/{CONTOSO}/v2.0"))),
            ("iss", json!("https://login.microsoftonline.com/fab21ca0-2222-4000-8000-0000000000fa/v2.0")),
            ("tid", json!("contoso.example")),
            ("oid", json!("")),
        ] {
            let mut claims = good_claims();
            claims[name] = value.clone();
            let (paths, found) = asked(
                Some(&claims),
                [
                    json(
                        json!({"id": "b0b00000-1111-4000-8000-000000000002", "mail": null, "userPrincipalName": "bob@contoso.example"}),
                    ),
                    json(json!({"value": [{"id": CONTOSO}]})),
                    mailbox("UTC"),
                ],
            );
            assert_eq!(
                paths,
                ["/v1.0/me", "/v1.0/organization", "/v1.0/me/mailboxSettings"],
                "{name} {value}"
            );
            let bob =
                profile(CONTOSO, "b0b00000-1111-4000-8000-000000000002", "bob@contoso.example", Some("UTC"));
            assert_eq!(found, Ok(bob), "{name} {value}");
        }
    }

    #[test]
    fn a_personal_account_is_named_alike_by_its_id_token_and_by_graph() {
        let object = "00000000-0000-0000-48d3-1887fad3a94c";
        let mut claims = good_claims();
        claims["iss"] = format!("https://login.microsoftonline.com/{}/v2.0", tenant::PERSONAL_ID).into();
        claims["tid"] = tenant::PERSONAL_ID.into();
        claims["oid"] = object.into();
        claims["preferred_username"] = "ada@outlook.example".into();
        let (_, by_token) = asked(Some(&claims), [mailbox("UTC")]);
        let (paths, by_graph) = asked(
            None,
            [json(json!({"id": "48D31887FAD3A94C", "mail": "ada@outlook.example"})), mailbox("UTC")],
        );
        assert_eq!(paths, ["/v1.0/me", "/v1.0/me/mailboxSettings"], "it has no organisation");
        assert_eq!(by_token, by_graph);
        assert_eq!(by_token, Ok(profile(tenant::PERSONAL_ID, object, "ada@outlook.example", Some("UTC"))));
    }

    #[test]
    fn an_account_nobody_names_is_not_connected() {
        let (_, found) = asked(None, [json(json!({})), json(json!({"value": []})), mailbox("UTC")]);
        assert_eq!(found.unwrap_err().code, "account_unknown");
        let (_, found) = asked(None, [answer(503, "")]);
        assert!(found.unwrap_err().is_retryable());
    }

    proptest! {
        #[test]
        fn whatever_graph_says_of_me_is_read_or_refused(id in ".{0,20}") {
            let answers = [json(json!({"id": id})), json(json!({"value": []})), mailbox("UTC")];
            let mut exchange = identify(&settings(), &TokenGrant {
                access_token: AccessToken::new("a"),
                lifetime: TimeDelta::hours(1),
                refresh_token: None,
                scopes: vec![],
                id_token: None,
            });
            let mut answer = None;
            for next in answers {
                match exchange.step(answer.take()) {
                    Ok(Step::Send(_)) => answer = Some(next),
                    _ => break,
                }
            }
        }
    }
}
