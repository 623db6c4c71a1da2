//! A provider that nobody runs: each operation is one POST of JSON to `https://provider.example/<operation>`, answered
//! by [`granted`] or [`refused`]. Shows that oauth, tasks and routes need to know no provider by name.

use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use crate::{
    domain::{
        busy::{CalendarBusy, CalendarUnknown, FreeBusy, FreeBusyQuery},
        calendar::{Calendar, CalendarAccess},
        claims::Claims,
        connector::ProviderKind,
        event::{CreationKey, Event, EventDraft, EventPatch, EventStatus, EventTimes, Marker},
        failure::Failure,
        ids::{AccountId, CalendarId, ETag, EventId, HoldId},
        meeting::{MeetingTimes, MeetingTimesQuery},
        secret::{AccessToken, RefreshToken},
        time::{Interval, Timestamp},
        zone::Zone,
    },
    ports::{HttpRequest, HttpResponse},
    providers::{
        AccountProfile, AdminConsentRequest, AuthorizationRefusal, AuthorizationRequest, CalendarProvider,
        CodeExchange, Deletion, Exchange, Limits, OAuthProvider, Pending, Provider, Refresh, Step,
        TokenGrant,
    },
    testing::json_response,
};

/// What the operation gave.
pub fn granted(result: Value) -> HttpResponse {
    json_response(200, &json!({ "ok": result }))
}

/// How the operation failed.
pub fn refused(failure: &Failure) -> HttpResponse {
    json_response(400, &json!({ "failure": failure }))
}

/// The same, for want of these claims.
pub fn challenged(status: u16, failure: &Failure, claims: &str) -> HttpResponse {
    json_response(status, &json!({ "failure": failure, "claims": claims }))
}

/// See the module.
pub struct FakeProvider;

/// The scope nothing works without.
const NEEDED: &str = "calendar";

struct Call<T> {
    request: Option<HttpRequest>,
    read: fn(&Value) -> T,
}

impl<T> Exchange for Call<T> {
    type Output = T;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<T>, Failure> {
        let Some(answer) = answer else { return Ok(Step::Send(self.request.take().unwrap())) };
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if let Some(result) = body.get("ok") {
            return Ok(Step::Done((self.read)(result)));
        }
        Err(serde_json::from_value(body["failure"].clone()).unwrap_or_else(|_| {
            let status = answer.status();
            match status.as_u16() {
                401 => Failure::reauthorize("token_refused", "the provider refused the token"),
                429 | 500.. => Failure::retry("provider_unavailable", status, None),
                _ => Failure::fatal("unexpected_answer", status),
            }
        }))
    }
}

fn call<T: 'static>(operation: &str, body: Value, read: fn(&Value) -> T) -> Pending<T> {
    let request = http::Request::post(format!("https://provider.example/{operation}"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    Box::new(Call { request: Some(request), read })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn words(value: &Value) -> Vec<String> {
    value.as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn grant(value: &Value) -> TokenGrant {
    TokenGrant {
        access_token: AccessToken::new(value["access_token"].as_str().unwrap()),
        lifetime: TimeDelta::seconds(value["expires_in"].as_i64().unwrap_or(3600)),
        refresh_token: text(&value["refresh_token"]).map(RefreshToken::new),
        scopes: words(&value["scope"]),
        id_token: None,
    }
}

fn event(value: &Value) -> Event {
    let instant = |field: &str| value[field].as_str().and_then(Timestamp::parse_rfc3339);
    let interval = instant("start").zip(instant("end")).and_then(|(start, end)| Interval::new(start, end));
    Event {
        id: EventId::new(value["id"].as_str().unwrap()),
        calendar: CalendarId::new(value["calendar"].as_str().unwrap_or("primary")),
        etag: text(&value["etag"]).map(ETag::new),
        status: match value["status"].as_str() {
            Some("tentative") => EventStatus::Tentative,
            Some("cancelled") => EventStatus::Cancelled,
            _ => EventStatus::Confirmed,
        },
        times: interval.map(|interval| EventTimes::Timed { interval, zone: Zone::utc() }),
        summary: text(&value["summary"]),
        attendees: vec![],
        recurrence: serde_json::from_value(value["recurrence"].clone()).unwrap_or_default(),
        marker: value["key"]
            .as_str()
            .and_then(CreationKey::parse)
            .map(|key| Marker { key, hold: text(&value["hold"]).map(HoldId::new) }),
        html_link: None,
        conference_url: None,
        ical_uid: None,
    }
}

fn calendars(value: &Value) -> Vec<Calendar> {
    let list = value.as_array().unwrap();
    list.iter()
        .map(|calendar| Calendar {
            id: CalendarId::new(calendar["id"].as_str().unwrap()),
            name: text(&calendar["name"]).unwrap_or_default(),
            zone: calendar["zone"].as_str().and_then(Zone::named),
            primary: calendar["primary"].as_bool().unwrap_or(false),
            access: CalendarAccess::parse(calendar["access"].as_str().unwrap_or("own")).unwrap(),
            selected: calendar["selected"].as_bool().unwrap_or(true),
        })
        .collect()
}

/// `[start, end]`
fn interval(pair: &Value) -> Interval {
    let instant = |index: usize| Timestamp::parse_rfc3339(pair[index].as_str().unwrap()).unwrap();
    Interval::new(instant(0), instant(1)).unwrap()
}

/// `[[start, end], ...]`, or `null` when nothing is known.
fn meeting_times(value: &Value) -> MeetingTimes {
    let times = value.as_array().map(|pairs| pairs.iter().map(interval).collect());
    times.map_or(MeetingTimes::NotKnown, MeetingTimes::Known)
}

/// `{calendar: [[start, end], ...]}`, or `{calendar: "reason"}` for one whose busy time is not known.
fn free_busy(value: &Value) -> FreeBusy {
    let calendars = value.as_object().unwrap().iter().map(|(id, answer)| CalendarBusy {
        calendar: CalendarId::new(id),
        busy: match answer {
            Value::Array(pairs) => Ok(pairs.iter().map(interval).collect()),
            reason => Err(CalendarUnknown {
                code: text(reason).unwrap(),
                message: "the provider does not say".to_owned(),
            }),
        },
    });
    FreeBusy { calendars: calendars.collect(), working_week: None }
}

impl Provider for FakeProvider {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Google
    }

    fn limits(&self) -> Limits {
        Limits { requests: 500, window: TimeDelta::seconds(100), daily: None, in_flight: 10 }
    }

    fn oauth(&self) -> &dyn OAuthProvider {
        self
    }

    fn calendars(&self) -> &dyn CalendarProvider {
        self
    }
}

impl OAuthProvider for FakeProvider {
    fn default_scopes(&self) -> Vec<String> {
        vec!["openid".to_owned(), NEEDED.to_owned()]
    }

    fn missing_scopes(&self, granted: &[String]) -> Vec<String> {
        let missing = !granted.iter().any(|scope| scope == NEEDED);
        missing.then(|| NEEDED.to_owned()).into_iter().collect()
    }

    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, Failure> {
        let mut url = Url::parse("https://provider.example/authorize").unwrap();
        url.query_pairs_mut()
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("state", request.state)
            .append_pair("code_challenge", request.code_challenge)
            .append_pair("scope", &request.scopes.join(" "));
        for (name, value) in [
            ("login_hint", request.login_hint),
            ("tenant", request.tenant),
            ("prompt", request.force_consent.then_some("consent")),
            ("claims", request.claims.map(Claims::as_str)),
        ] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(url)
    }

    fn exchange_code(&self, code: CodeExchange<'_>) -> Pending<TokenGrant> {
        let body = json!({
            "code": code.code.expose(),
            "verifier": code.verifier.expose(),
            "redirect_uri": code.redirect_uri,
            "claims": code.claims,
        });
        call("token", body, grant)
    }

    fn refresh(&self, refresh: Refresh<'_>) -> Pending<TokenGrant> {
        call("refresh", json!({ "token": refresh.token.expose(), "claims": refresh.claims }), grant)
    }

    fn revoke(&self, token: &RefreshToken) -> Option<Pending<()>> {
        Some(call("revoke", json!({ "token": token.expose() }), |_| ()))
    }

    fn identify(&self, _: &TokenGrant) -> Pending<AccountProfile> {
        call("me", json!({}), |value| AccountProfile {
            account: AccountId::new(value["id"].as_str().unwrap()),
            email: text(&value["email"]),
            tenant: text(&value["tenant"]),
            zone: value["zone"].as_str().and_then(Zone::named),
        })
    }

    fn authorization_error(&self, refusal: AuthorizationRefusal<'_>) -> Failure {
        match refusal.error {
            "access_denied" if refusal.subcode == Some("cancel") => {
                Failure::refused("consent_cancelled", "consent was not given")
            }
            "access_denied" => Failure::refused("consent_denied", "consent was refused"),
            "ask_administrator" => {
                Failure::refused("admin_consent_required", "only an administrator may consent")
            }
            error => Failure::fatal("authorization_failed", refusal.description.unwrap_or(error)),
        }
    }

    fn check_account(&self, tenant: &str, profile: &AccountProfile) -> Result<(), Failure> {
        if profile.tenant.as_deref() == Some(tenant) {
            return Ok(());
        }
        Err(Failure::refused("wrong_organisation", "the account is of another tenant"))
    }

    fn challenge(&self, answer: &HttpResponse) -> Option<Claims> {
        let body: Value = serde_json::from_slice(answer.body()).ok()?;
        Claims::parse(body.get("claims")?.as_str()?)
    }

    /// As a part does whose failure is that code.
    fn refuses_token_in_part(&self, answer: &HttpResponse) -> bool {
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        body["failure"]["code"] == "part_refused"
    }

    /// Every tenant has an administrator but `nobodys`.
    fn admin_consent_url(&self, request: &AdminConsentRequest<'_>) -> Result<Option<Url>, Failure> {
        let mut url = Url::parse("https://provider.example/admin-consent").unwrap();
        url.query_pairs_mut()
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("state", request.state)
            .append_pair("scope", &request.scopes.join(" "));
        Ok((request.tenant != Some("nobodys")).then_some(url))
    }
}

impl CalendarProvider for FakeProvider {
    fn list_calendars(&self) -> Pending<Vec<Calendar>> {
        call("calendars", json!({}), calendars)
    }

    fn free_busy(&self, query: FreeBusyQuery) -> Pending<FreeBusy> {
        let body = json!({
            "calendars": query.calendars,
            "start": query.window.start().to_rfc3339(),
            "end": query.window.end().to_rfc3339(),
        });
        call("free-busy", body, free_busy)
    }

    fn meeting_times(&self, query: MeetingTimesQuery) -> Option<Pending<MeetingTimes>> {
        if query.step != TimeDelta::minutes(30) {
            return None;
        }
        let body = json!({
            "people": query.people,
            "start": query.window.start().to_rfc3339(),
            "end": query.window.end().to_rfc3339(),
            "minutes": query.duration.num_minutes(),
            "at_most": query.at_most,
            "at_any_hour": query.at_any_hour,
        });
        Some(call("meeting-times", body, meeting_times))
    }

    fn create_event(&self, draft: EventDraft) -> Pending<Event> {
        let body =
            json!({ "calendar": draft.calendar, "key": draft.marker.key.as_str(), "summary": draft.summary });
        call("create-event", body, event)
    }

    fn find_event(&self, calendar: &CalendarId, key: &CreationKey) -> Pending<Option<Event>> {
        let body = json!({ "calendar": calendar, "key": key.as_str() });
        call("find-event", body, |value| (!value.is_null()).then(|| event(value)))
    }

    fn get_event(&self, calendar: &CalendarId, id: &EventId) -> Pending<Event> {
        call("get-event", json!({ "calendar": calendar, "id": id }), event)
    }

    fn update_event(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        patch: EventPatch,
        if_match: Option<&ETag>,
    ) -> Pending<Event> {
        let change = patch.applied_by.as_ref().map(CreationKey::as_str);
        let body = json!({
            "calendar": calendar, "id": id, "summary": patch.summary, "change": change, "if_match": if_match,
        });
        call("update-event", body, event)
    }

    fn delete_event(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        if_match: Option<&ETag>,
    ) -> Pending<Deletion> {
        let body = json!({ "calendar": calendar, "id": id, "if_match": if_match });
        call(
            "delete-event",
            body,
            |value| {
                if value == "gone" { Deletion::AlreadyGone } else { Deletion::Deleted }
            },
        )
    }
}
