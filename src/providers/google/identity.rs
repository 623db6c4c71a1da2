//! Finding out whose account was connected, and in which zone its owner lives.
//!
//! The id token that came with the code says who it is. Without a usable one userinfo is asked, and then the primary
//! calendar, whose id is the account's address. The zone is nice to have: no answer about it fails the connection.

use http::{Method, StatusCode};
use serde_json::Value;
use std::collections::VecDeque;
use url::Url;

use super::{
    errors::{Operation, classify, read},
    scopes,
    wire::{CalendarResource, Setting},
};
use crate::{
    config::GoogleSettings,
    domain::{failure::Failure, ids::AccountId, zone::Zone},
    ports::{HttpRequest, HttpResponse},
    providers::{
        AccountProfile, Exchange, Pending, Step, TokenGrant, id_token, out_of_step, requests::ApiCall,
    },
};

const PRIMARY_CALENDAR: &str = "/calendar/v3/calendars/primary";

/// Finds out who granted `grant`; driven with its access token.
pub(super) fn identify(settings: &GoogleSettings, grant: &TokenGrant) -> Pending<AccountProfile> {
    let account = grant.id_token.as_ref().and_then(|token| claimed(token.expose(), settings));
    // An answer that does not list the scopes granted all that were asked for: then nothing is ruled out.
    let allowed = |wanted: &[&str]| grant.scopes.is_empty() || scopes::any(&grant.scopes, wanted);
    let mut questions = VecDeque::new();
    if account.is_none() {
        if allowed(&["openid", "email", "profile", "userinfo.email", "userinfo.profile"]) {
            questions.push_back(Question::Userinfo);
        }
        questions.push_back(Question::PrimaryCalendar);
    }
    if allowed(&["calendar.settings.readonly", "calendar.readonly", "calendar"]) && !grant.scopes.is_empty() {
        questions.push_back(Question::ZoneSetting);
    }
    if allowed(&["calendar.calendarlist.readonly", "calendar.calendarlist", "calendar.readonly", "calendar"])
    {
        questions.push_back(Question::PrimaryListEntry);
    }
    if allowed(&["calendar.calendars.readonly", "calendar.calendars"]) && !grant.scopes.is_empty() {
        questions.push_back(Question::PrimaryCalendarZone);
    }
    Box::new(Identify {
        settings: settings.clone(),
        account,
        zone: None,
        questions,
        asked: None,
        refusal: None,
    })
}

/// Something to ask Google about the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// OpenID Connect userinfo: who it is.
    Userinfo,
    /// The primary calendar: its id is the account's address, and it has a zone.
    PrimaryCalendar,
    /// The same, asked for its zone alone.
    PrimaryCalendarZone,
    /// The account's own setting of its zone.
    ZoneSetting,
    /// The primary calendar's entry in the calendar list, which has its zone.
    PrimaryListEntry,
}

struct Account {
    id: AccountId,
    email: Option<String>,
}

struct Identify {
    settings: GoogleSettings,
    account: Option<Account>,
    zone: Option<Zone>,
    questions: VecDeque<Question>,
    asked: Option<Question>,
    /// Why the account could not be told, for the case that nothing tells it.
    refusal: Option<Failure>,
}

impl Identify {
    fn request(&self, question: Question) -> Result<HttpRequest, Failure> {
        let path = match question {
            Question::Userinfo => "/oauth2/v3/userinfo",
            Question::PrimaryCalendar | Question::PrimaryCalendarZone => PRIMARY_CALENDAR,
            Question::ZoneSetting => "/calendar/v3/users/me/settings/timezone",
            Question::PrimaryListEntry => "/calendar/v3/users/me/calendarList/primary",
        };
        ApiCall::new(Method::GET, &self.settings.api_url, path).build()
    }

    /// Takes an answer in. Only who the account is matters enough to fail.
    fn learn(&mut self, question: Question, answer: &HttpResponse) -> Result<(), Failure> {
        match question {
            Question::Userinfo if refused(answer) => {
                self.refusal = Some(classify(Operation::Identify, answer))
            }
            Question::Userinfo => {
                self.account = account(&read::<Value>(Operation::Identify, answer)?);
            }
            Question::PrimaryCalendar | Question::PrimaryCalendarZone | Question::PrimaryListEntry => {
                match read::<CalendarResource>(Operation::Identify, answer) {
                    Ok(calendar) => {
                        self.zone = self.zone.take().or(calendar.time_zone.as_deref().and_then(Zone::named));
                        if self.account.is_none() {
                            self.account = calendar
                                .id
                                .filter(|id| id.contains('@'))
                                .map(|id| Account { id: AccountId::new(id.as_str()), email: Some(id) });
                        }
                    }
                    Err(failure) if self.account.is_none() => {
                        if failure.is_retryable() {
                            return Err(failure);
                        }
                        self.refusal.get_or_insert(failure);
                    }
                    Err(_) => {}
                }
            }
            Question::ZoneSetting => {
                let setting = read::<Setting>(Operation::Identify, answer).ok();
                self.zone = setting.and_then(|setting| setting.value).as_deref().and_then(Zone::named);
            }
        }
        Ok(())
    }

    /// The next question whose answer is still wanted.
    fn next(&mut self) -> Option<Question> {
        while let Some(question) = self.questions.pop_front() {
            let wanted = match question {
                Question::Userinfo | Question::PrimaryCalendar => self.account.is_none(),
                Question::ZoneSetting | Question::PrimaryCalendarZone => self.zone.is_none(),
                Question::PrimaryListEntry => self.account.is_none() || self.zone.is_none(),
            };
            if wanted {
                return Some(question);
            }
        }
        None
    }
}

impl Exchange for Identify {
    type Output = AccountProfile;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<AccountProfile>, Failure> {
        match (self.asked.take(), answer) {
            (None, None) => {}
            (Some(question), Some(answer)) => self.learn(question, &answer)?,
            _ => return Err(out_of_step()),
        }
        if let Some(question) = self.next() {
            self.asked = Some(question);
            return self.request(question).map(Step::Send);
        }
        let Some(account) = self.account.take() else {
            let why =
                self.refusal.take().map_or_else(|| "it did not say".to_owned(), |failure| failure.message);
            return Err(Failure::refused(
                "account_unknown",
                format!(
                    "Google does not tell whose account this is; allow the scopes openid and email ({why})"
                ),
            ));
        };
        Ok(Step::Done(AccountProfile {
            account: account.id,
            email: account.email,
            tenant: None,
            zone: self.zone.take(),
        }))
    }
}

/// Whether an answer says that this is not ours to ask, or not there: another way is tried then.
fn refused(answer: &HttpResponse) -> bool {
    matches!(
        answer.status(),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
    )
}

/// Who the claims of an id token or of userinfo are about.
fn account(claims: &Value) -> Option<Account> {
    Some(Account {
        id: AccountId::new(id_token::text(claims, "sub")?),
        email: id_token::text(claims, "email").map(str::to_owned),
    })
}

/// Who an id token says it is about, if it was issued by Google and to us.
fn claimed(id_token: &str, settings: &GoogleSettings) -> Option<Account> {
    let claims = id_token::claims_for(&settings.client_id, id_token)?;
    is_issuer(id_token::text(&claims, "iss")?, settings).then(|| account(&claims)).flatten()
}

/// Google's two names for itself, or the origin of the authorization or token endpoint the operator set.
fn is_issuer(issuer: &str, settings: &GoogleSettings) -> bool {
    let origin = |url: &str| Url::parse(url).map(|url| url.origin()).ok().filter(url::Origin::is_tuple);
    matches!(issuer, "https://accounts.google.com" | "accounts.google.com")
        || origin(issuer).is_some_and(|issuer| {
            [&settings.auth_url, &settings.token_url]
                .into_iter()
                .any(|endpoint| origin(endpoint.as_str()).as_ref() == Some(&issuer))
        })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::{
        domain::secret::AccessToken,
        providers::google::fixtures::{answer, drive, json, settings, stored},
    };

    const CLIENT: &str = "client-1.apps.googleusercontent.com";

    fn grant(scopes: &[&str], claims: Option<Value>) -> TokenGrant {
        TokenGrant {
            access_token: AccessToken::new("ya29.a"),
            lifetime: TimeDelta::hours(1),
            refresh_token: None,
            scopes: scopes
                .iter()
                .map(|scope| match *scope {
                    "openid" | "email" => (*scope).to_owned(),
                    scope => format!("https://www.googleapis.com/auth/{scope}"),
                })
                .collect(),
            id_token: claims.map(|claims| AccessToken::new(id_token::unsigned(&claims))),
        }
    }

    fn good_claims() -> Value {
        json!({"iss": "https://accounts.google.com", "aud": CLIENT, "sub": "1049", "email": "ada@example.com"})
    }

    fn asked(
        grant: &TokenGrant,
        answers: impl IntoIterator<Item = HttpResponse>,
    ) -> (Vec<String>, Result<AccountProfile, Failure>) {
        let (requests, profile) = drive(identify(&settings(), grant), answers);
        (requests.iter().map(|request| request.uri().path().to_owned()).collect(), profile)
    }

    fn profile(account: &str, email: Option<&str>, zone: Option<&str>) -> AccountProfile {
        AccountProfile {
            account: AccountId::new(account),
            email: email.map(str::to_owned),
            tenant: None,
            zone: zone.and_then(Zone::named),
        }
    }

    const DEFAULTS: [&str; 5] =
        ["openid", "email", "calendar.events", "calendar.calendarlist.readonly", "calendar.freebusy"];

    #[test]
    fn the_id_token_says_who_it_is_and_the_calendar_list_where() {
        let (paths, found) = asked(
            &grant(&DEFAULTS, Some(good_claims())),
            [json(json!({"id": "ada@example.com", "timeZone": "Europe/Berlin"}))],
        );
        assert_eq!(paths, ["/calendar/v3/users/me/calendarList/primary"]);
        assert_eq!(found, Ok(profile("1049", Some("ada@example.com"), Some("Europe/Berlin"))));
    }

    #[test]
    fn a_zone_that_cannot_be_had_does_not_matter() {
        for failing in
            ["403_insufficient_permissions", "404_not_found", "503_unavailable_retry_after", "403_html"]
        {
            let answers = [stored(&format!("errors/{failing}.http"))];
            let (_, found) = asked(&grant(&DEFAULTS, Some(good_claims())), answers);
            assert_eq!(found, Ok(profile("1049", Some("ada@example.com"), None)), "{failing}");
        }
        let (paths, found) = asked(&grant(&["openid", "calendar.events"], Some(good_claims())), []);
        assert!(paths.is_empty());
        assert!(found.is_ok());
    }

    #[test]
    fn the_accounts_own_setting_of_its_zone_comes_first_where_it_may_be_read() {
        let (paths, found) = asked(
            &grant(&["openid", "calendar"], Some(good_claims())),
            [json(json!({"kind": "calendar#setting", "id": "timezone", "value": "America/New_York"}))],
        );
        assert_eq!(paths, ["/calendar/v3/users/me/settings/timezone"]);
        assert_eq!(found.unwrap().zone, Zone::named("America/New_York"));
    }

    #[test]
    fn an_id_token_not_issued_by_google_to_us_is_not_believed() {
        for (name, value) in [
            ("aud", json!("somebody-else")),
            ("aud", json!([])),
            ("iss", json!("https://evil.example")),
            ("iss", json!("https://accounts.google.com.evil.example")),
            ("sub", json!("")),
        ] {
            let mut claims = good_claims();
            claims[name] = value.clone();
            let (paths, found) = asked(
                &grant(&["openid", "email"], Some(claims)),
                [json(json!({"sub": "2050", "email": "bob@example.com"}))],
            );
            assert_eq!(paths, ["/oauth2/v3/userinfo"], "{name} {value}");
            assert_eq!(found, Ok(profile("2050", Some("bob@example.com"), None)), "{name} {value}");
        }
    }

    #[test]
    fn an_issuer_at_the_endpoints_the_operator_set_is_believed() {
        let settings = settings();
        for (issuer, believed) in [
            ("accounts.google.com", true),
            ("https://accounts.google.com", true),
            ("https://oauth2.googleapis.com", true),
            ("https://oauth2.googleapis.com:444", false),
            ("http://accounts.google.com", false),
            ("data:x", false),
            ("", false),
        ] {
            assert_eq!(is_issuer(issuer, &settings), believed, "{issuer}");
        }
    }

    #[test]
    fn without_openid_the_primary_calendar_tells_the_address() {
        let calendar = || json(json!({"id": "ada@example.com", "timeZone": "Asia/Kolkata"}));
        let expected = Ok(profile("ada@example.com", Some("ada@example.com"), Some("Asia/Kolkata")));
        let (paths, found) = asked(&grant(&["calendar"], None), [calendar()]);
        assert_eq!(paths, [PRIMARY_CALENDAR]);
        assert_eq!(found, expected);
        for refusal in [stored("errors/401_auth_error.http"), answer(404, "")] {
            let (paths, found) = asked(&grant(&[], None), [refusal, calendar()]);
            assert_eq!(paths, ["/oauth2/v3/userinfo", PRIMARY_CALENDAR]);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_account_nobody_names_is_not_connected() {
        let refused = || stored("errors/403_insufficient_permissions.http");
        let (_, found) = asked(&grant(&["calendar.events"], None), [refused()]);
        let failure = found.unwrap_err();
        assert_eq!(failure.code, "account_unknown");
        assert!(failure.message.contains("openid"), "{failure}");
        let (_, found) = asked(&grant(&DEFAULTS, None), [stored("errors/500_backend_error.http")]);
        assert!(found.unwrap_err().is_retryable());
    }
}
