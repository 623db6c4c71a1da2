//! The Google provider and the simulated Google.

use chrono::TimeDelta;
use huddle_calendar_sync::{
    domain::{
        busy::FreeBusyQuery,
        connector::ProviderKind,
        event::{
            Attendee, CreationKey, Event, EventDraft, EventPatch, EventStatus, EventTimes, Marker,
            Transparency, Visibility,
        },
        failure::{Action, Blame, Failure},
        ids::{CalendarId, ETag, EventId, HoldId},
        secret::{AccessToken, AuthorizationCode, CodeVerifier},
        time::Interval,
        zone::Zone,
    },
    providers::{
        AccountProfile, AuthorizationRequest, CalendarProvider, CodeExchange, Deletion, Google,
        OAuthProvider, Refresh, TokenGrant,
    },
};
use simulator::google as simulated;

use crate::world::{self, CHALLENGE, VERIFIER, at, connector, parameter, settings};

const ORIGIN: &str = "http://127.0.0.1:8790";
const CALLBACK: &str = "http://127.0.0.1:8787/oauth/google/callback";
const ADA: &str = "berlin@example.com";

type World = world::World<Google, simulated::Google>;

impl World {
    /// With the simulator's accounts.
    fn new() -> Self {
        let settings = settings(&[
            ("GOOGLE_CLIENT_ID", simulated::oauth::clients::DEFAULT_CLIENT_ID),
            ("GOOGLE_CLIENT_SECRET", simulated::oauth::clients::DEFAULT_CLIENT_SECRET),
            ("GOOGLE_AUTH_URL", &format!("{ORIGIN}/o/oauth2/v2/auth")),
            ("GOOGLE_TOKEN_URL", &format!("{ORIGIN}/token")),
            ("GOOGLE_REVOKE_URL", &format!("{ORIGIN}/revoke")),
            ("GOOGLE_API_URL", ORIGIN),
        ]);
        Self::of(Google::new(&settings.google.unwrap()), simulated::Google::seeded())
    }

    /// Consents as `account` to `scopes` and comes back with a code.
    fn consent(&self, account: &str, scopes: &[String]) -> AuthorizationCode {
        let mut page = self
            .provider
            .authorization_url(&AuthorizationRequest {
                redirect_uri: CALLBACK,
                state: "state-1",
                code_challenge: CHALLENGE,
                scopes,
                login_hint: Some(account),
                tenant: None,
                force_consent: true,
                claims: None,
            })
            .unwrap();
        page.query_pairs_mut().append_pair("auto", "approve").append_pair("account", account);
        let back = self.visit(&page);
        assert_eq!(parameter(&back, "state").as_deref(), Some("state-1"));
        AuthorizationCode::new(parameter(&back, "code").unwrap())
    }

    fn exchange(&self, code: &AuthorizationCode, verifier: &str) -> Result<TokenGrant, Failure> {
        let verifier = CodeVerifier::new(verifier);
        let exchange =
            CodeExchange { code, verifier: &verifier, redirect_uri: CALLBACK, tenant: None, claims: None };
        self.drive(None, self.provider.exchange_code(exchange))
    }

    fn connect(&self, account: &str, scopes: &[String]) -> TokenGrant {
        self.exchange(&self.consent(account, scopes), VERIFIER).unwrap()
    }

    fn connected(&self) -> AccessToken {
        self.connect(ADA, &self.provider.default_scopes()).access_token
    }

    fn identify(&self, grant: &TokenGrant) -> Result<AccountProfile, Failure> {
        self.drive(Some(&grant.access_token), self.provider.identify(grant))
    }
}

fn key(task: &str) -> CreationKey {
    CreationKey::derive(&["con", task])
}

/// A slot far from the seeded events.
fn slot() -> Interval {
    Interval::new(at("2031-03-29T23:30:00Z"), at("2031-03-30T01:30:00Z")).unwrap()
}

fn draft(task: &str) -> EventDraft {
    EventDraft {
        calendar: CalendarId::primary(),
        marker: Marker { key: key(task), hold: Some(HoldId::new("hold-1")) },
        summary: "Review".to_owned(),
        description: Some("Numbers".to_owned()),
        location: None,
        times: EventTimes::Timed { interval: slot(), zone: Zone::named("Europe/Berlin").unwrap() },
        attendees: vec![],
        conference: true,
        recurrence: vec![],
        reminders: Some(vec![]),
        visibility: Visibility::Private,
        transparency: Transparency::Opaque,
        status: EventStatus::Tentative,
    }
}

fn query(calendars: &[&str], window: Interval) -> FreeBusyQuery {
    FreeBusyQuery {
        connector: connector(ProviderKind::Google, ADA),
        calendars: calendars.iter().map(|id| CalendarId::new(*id)).collect(),
        primary: None,
        window,
    }
}

#[test]
fn an_account_is_connected_identified_refreshed_and_let_go() {
    let world = World::new();
    let grant = world.connect(ADA, &world.provider.default_scopes());
    assert!(world.provider.missing_scopes(&grant.scopes).is_empty(), "{:?}", grant.scopes);
    let refresh_token = grant.refresh_token.clone().unwrap();

    let profile = world.identify(&grant).unwrap();
    assert_eq!(profile.email.as_deref(), Some(ADA));
    assert_eq!(profile.zone, Zone::named("Europe/Berlin"));
    // Userinfo says the same where there is no id token.
    let without = TokenGrant { id_token: None, ..grant.clone() };
    assert_eq!(world.identify(&without), Ok(profile));

    let refresh = || {
        let refresh = Refresh { token: &refresh_token, tenant: None, scopes: &grant.scopes, claims: None };
        world.drive(None, world.provider.refresh(refresh))
    };
    let refreshed = refresh().unwrap();
    assert_ne!(refreshed.access_token.expose(), grant.access_token.expose());

    let revoke = || world.drive(None, world.provider.revoke(&refresh_token).unwrap());
    assert_eq!(revoke(), Ok(()));
    assert_eq!(revoke(), Ok(()), "a grant that is dead already");
    let failure = refresh().unwrap_err();
    assert_eq!((failure.action, failure.code.as_ref()), (Action::Reauthorize, "grant_revoked"));
}

#[test]
fn a_code_that_was_used_or_comes_with_another_verifier_is_rejected() {
    let world = World::new();
    let scopes = world.provider.default_scopes();
    let rejected = |code: &AuthorizationCode, verifier: &str| {
        let failure = world.exchange(code, verifier).unwrap_err();
        assert_eq!(
            (failure.action, failure.code.as_ref()),
            (Action::Rejected(Blame::Request), "code_rejected")
        );
    };
    let used = world.consent(ADA, &scopes);
    world.exchange(&used, VERIFIER).unwrap();
    rejected(&used, VERIFIER);
    rejected(&world.consent(ADA, &scopes), "another-verifier-that-is-long-enough-to-be-one-0123");
    rejected(&AuthorizationCode::new("never-issued"), VERIFIER);
}

#[test]
fn calendars_are_listed_with_what_the_account_may_do() {
    let world = World::new();
    let token = world.connected();
    let calendars = world.drive(Some(&token), world.provider.list_calendars()).unwrap();
    let primary: Vec<_> = calendars.iter().filter(|calendar| calendar.primary).collect();
    assert_eq!(primary.len(), 1);
    assert_eq!((primary[0].id.as_str(), primary[0].zone.clone()), (ADA, Zone::named("Europe/Berlin")));
    assert!(calendars.iter().any(|calendar| calendar.id.as_str() == "team@group.calendar.google.com"));

    let many = world.connect("many-calendars@example.com", &world.provider.default_scopes()).access_token;
    assert!(world.drive(Some(&many), world.provider.list_calendars()).unwrap().len() > 60);
}

#[test]
fn an_event_is_created_once_and_found_by_its_key_to_the_end() {
    let world = World::new();
    let token = world.connected();
    let google = &world.provider;
    let primary = CalendarId::primary();
    let created: Event = world.drive(Some(&token), google.create_event(draft("task-1"))).unwrap();
    assert_eq!(created.times, Some(draft("task-1").times));
    assert_eq!(created.marker, Some(draft("task-1").marker));
    assert_eq!(created.status, EventStatus::Tentative);
    // Again, as after an answer that was lost.
    let again = world.drive(Some(&token), google.create_event(draft("task-1"))).unwrap();
    assert_eq!(again.id, created.id);
    let found = world.drive(Some(&token), google.find_event(&primary, &key("task-1"))).unwrap();
    assert_eq!(found.map(|event| event.id), Some(created.id.clone()));
    assert_eq!(world.drive(Some(&token), google.find_event(&primary, &key("task-2"))), Ok(None));

    let delete = || world.drive(Some(&token), google.delete_event(&primary, &created.id, None));
    assert_eq!(delete(), Ok(Deletion::Deleted));
    assert_eq!(delete(), Ok(Deletion::AlreadyGone));
    let gone = world.drive(Some(&token), google.get_event(&primary, &created.id)).unwrap_err();
    assert_eq!(gone.action, Action::NotFound);
    let found = world.drive(Some(&token), google.find_event(&primary, &key("task-1"))).unwrap();
    assert_eq!(found.map(|event| event.status), Some(EventStatus::Cancelled));
    let again = world.drive(Some(&token), google.create_event(draft("task-1"))).unwrap();
    assert_eq!(again.status, EventStatus::Cancelled);
}

#[test]
fn an_event_is_changed_in_the_version_that_was_meant() {
    let world = World::new();
    let token = world.connected();
    let google = &world.provider;
    let primary = CalendarId::primary();
    let update = |event: &EventId, patch: EventPatch, etag: Option<&ETag>| {
        world.drive(Some(&token), google.update_event(&primary, event, patch, etag))
    };
    let created = world.drive(Some(&token), google.create_event(draft("task-1"))).unwrap();
    let people =
        vec![Attendee { email: "kolkata@example.com".to_owned(), display_name: None, optional: false }];
    let patch = EventPatch {
        summary: Some("Decision".to_owned()),
        attendees: Some(people),
        status: Some(EventStatus::Confirmed),
        applied_by: Some(key("task-2")),
        ..EventPatch::default()
    };
    let changed = update(&created.id, patch.clone(), created.etag.as_ref()).unwrap();
    assert_eq!(changed.summary.as_deref(), Some("Decision"));
    assert_eq!(changed.status, EventStatus::Confirmed);
    assert!(changed.attendees.iter().any(|attendee| attendee.email == "kolkata@example.com"));
    assert_eq!(changed.marker, created.marker, "a change keeps the marker");

    // The same change again is recognised, also after another one.
    let again = update(&created.id, patch.clone(), created.etag.as_ref()).unwrap();
    assert_eq!(again.etag, changed.etag);
    let other = EventPatch { applied_by: Some(key("task-3")), ..patch.clone() };
    let other = update(&created.id, other, None).unwrap();
    assert_ne!(other.etag, changed.etag);
    assert_eq!(update(&created.id, patch.clone(), None).unwrap().etag, other.etag);

    let patch = EventPatch { applied_by: Some(key("task-4")), ..patch };
    let failure = update(&created.id, patch, created.etag.as_ref()).unwrap_err();
    assert_eq!((failure.action, failure.code.as_ref()), (Action::Conflict, "event_changed"));
    let day = |text: &str| text.parse().unwrap();
    let times = EventTimes::AllDay { start: day("2031-03-30"), end: day("2031-03-31"), zone: Zone::utc() };
    let patch = EventPatch { times: Some(times.clone()), ..EventPatch::default() };
    assert_eq!(update(&created.id, patch, None).unwrap().times, Some(times));
    let missing = update(&"nosuchevent".into(), EventPatch::default(), None).unwrap_err();
    assert_eq!(missing.action, Action::NotFound);
}

#[test]
fn busy_time_is_known_for_some_calendars_and_unknown_for_others() {
    let world = World::new();
    let token = world.connected();
    world.drive(Some(&token), world.provider.create_event(draft("task-1"))).unwrap();
    let window = Interval::new(slot().start(), slot().start().plus(TimeDelta::days(100))).unwrap();
    let free_busy = world
        .drive(Some(&token), world.provider.free_busy(query(&["primary", "nobody@example.com"], window)))
        .unwrap();
    // Recurring seeded events may lie in the window too: the first is ours.
    let busy = free_busy.calendars[0].busy.clone().unwrap();
    assert!(busy.first().is_some_and(|first| first.intersection(slot()) == Some(slot())), "{busy:?}");
    assert_eq!(free_busy.calendars[1].busy.clone().unwrap_err().code, "notFound");
}

#[test]
fn an_unticked_scope_is_named_when_it_is_missed() {
    let world = World::new();
    let scopes = ["openid", "email", "https://www.googleapis.com/auth/calendar.events"].map(str::to_owned);
    let grant = world.connect("kolkata@example.com", &scopes);
    assert_eq!(world.provider.missing_scopes(&grant.scopes).len(), 2);
    let token = Some(&grant.access_token);
    let failure = world.drive(token, world.provider.free_busy(query(&["primary"], slot()))).unwrap_err();
    assert_eq!(failure.code, "scope_missing");
    assert!(failure.message.contains("auth/calendar.freebusy"), "{failure}");
    let failure = world.drive(token, world.provider.list_calendars()).unwrap_err();
    assert!(failure.message.contains("auth/calendar.calendarlist.readonly"), "{failure}");
}

#[test]
fn a_token_nobody_issued_is_refused() {
    let world = World::new();
    let failure =
        world.drive(Some(&AccessToken::new("forged")), world.provider.list_calendars()).unwrap_err();
    assert_eq!(failure.action, Action::Reauthorize);
}
