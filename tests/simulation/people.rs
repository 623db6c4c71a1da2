//! People with browsers: they connect accounts, and some of them cheat.

use std::rc::Rc;

use huddle_calendar_sync::{
    domain::secret::AuthorizationCode,
    oauth::{
        self, BrowserKey, Departure, Onward, Return,
        connect_link::{self, ConnectLinkRequest},
    },
};
use url::Url;

use crate::{
    providers::{grants::Consent, parameter},
    world::{Callback, World},
};

/// Where the browser is to end.
const HOME: &str = "https://app.example/done";
/// How often a person tries something that does not work.
const PATIENCE: usize = 8;

/// Somebody who connects an account.
#[derive(Debug, Clone)]
pub struct Person {
    /// The product's id of them.
    pub user: String,
    /// In which workspace.
    pub workspace: Option<String>,
    /// With which account at the provider.
    pub account: String,
}

/// How somebody goes about connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As intended.
    Plain,
    /// Says no at the provider.
    Denies,
    /// Leaves out a scope.
    Unticks,
    /// Comes back after more than ten minutes.
    Dawdles,
    /// Comes back twice with the same code.
    Replays,
    /// Consents twice to the same attempt and comes back with both codes at once.
    Races,
    /// Has somebody else's browser finish.
    Lends,
    /// Makes up a state.
    Forges,
}

/// Connects an account; tries again while the worker or the provider fails. Returns the connector.
pub async fn connect(world: &Rc<World>, person: &Person, manner: Manner) -> Option<String> {
    for _ in 0..PATIENCE {
        if let Some(connector) = attempt(world, person, manner).await {
            return Some(connector);
        }
        if manner != Manner::Plain {
            return None;
        }
        world.kernel.sleep(3_000).await;
    }
    None
}

async fn attempt(world: &Rc<World>, person: &Person, manner: Manner) -> Option<String> {
    let provider = world.providers.account(&person.account).provider;
    let request = ConnectLinkRequest {
        user_id: person.user.clone(),
        workspace_id: person.workspace.clone(),
        provider: provider.as_str().to_owned(),
        redirect_uri: HOME.to_owned(),
        scopes: None,
        login_hint: Some(person.account.clone()),
        tenant: None,
    };
    let link = connect_link::create(&world.worker, request).unwrap();
    let link = link.url.split_once("?link=").unwrap().1.to_owned();
    let start = async move |worker: Rc<crate::ports::Worker>| {
        oauth::start(&worker, provider.as_str(), Some(&link), None).await
    };
    let departure = match world.invoke("start", start).await.1? {
        Ok(departure) => departure,
        Err(failure) => {
            world.witness.told.borrow_mut().push(failure.to_string());
            return None;
        }
    };
    world.kernel.sleep(world.sky.dice().between(500, 20_000)).await;
    match manner {
        Manner::Plain => go_on(world, person, departure, Consent::Granted).await,
        Manner::Denies => go_on(world, person, departure, Consent::Denied).await,
        Manner::Unticks => go_on(world, person, departure, Consent::Unticked).await,
        Manner::Dawdles => {
            let back = consent(world, person, &departure.url, Consent::Granted);
            world.kernel.sleep(601_000).await;
            come_back(world, person, back, Some(departure.browser), Some("expired")).await;
            None
        }
        Manner::Replays => {
            let back = consent(world, person, &departure.url, Consent::Granted);
            come_back(world, person, back.clone(), Some(departure.browser.clone()), None).await;
            come_back(world, person, back, Some(departure.browser), None).await;
            None
        }
        Manner::Races => {
            let [one, other] = [0, 1].map(|_| consent(world, person, &departure.url, Consent::Granted));
            let browser = || Some(departure.browser.clone());
            futures_util::join!(
                come_back(world, person, one, browser(), None),
                come_back(world, person, other.clone(), browser(), None)
            );
            come_back(world, person, other, browser(), None).await;
            None
        }
        Manner::Lends => {
            let back = consent(world, person, &departure.url, Consent::Granted);
            let stranger = BrowserKey::from_cookie(&"x".repeat(43));
            come_back(world, person, back.clone(), stranger, Some("another browser")).await;
            come_back(world, person, back, None, Some("no browser")).await;
            None
        }
        Manner::Forges => {
            let mut back = consent(world, person, &departure.url, Consent::Granted);
            back[0].1 = "f".repeat(43);
            come_back(world, person, back, Some(departure.browser), Some("forged")).await;
            None
        }
    }
}

/// The consent page, as often as it takes.
async fn go_on(
    world: &Rc<World>,
    person: &Person,
    mut departure: Departure,
    answer: Consent,
) -> Option<String> {
    for _ in 0..3 {
        let back = consent(world, person, &departure.url, answer);
        match come_back(world, person, back, Some(departure.browser), None).await? {
            Onward::Home(url) => return parameter(&url, "connector_id"),
            Onward::Again(again) => departure = *again,
            Onward::NeedsApproval(_) => panic!("nobody was to ask an administrator"),
        }
    }
    panic!("sent round in circles")
}

fn consent(world: &World, person: &Person, url: &Url, answer: Consent) -> Vec<(String, String)> {
    world.kernel.note(|| format!("{} answers {answer:?}", person.account));
    world.providers.consent(url, &person.account, answer)
}

/// The browser comes back with what the provider gave it.
async fn come_back(
    world: &Rc<World>,
    person: &Person,
    back: Vec<(String, String)>,
    browser: Option<BrowserKey>,
    bad: Option<&'static str>,
) -> Option<Onward> {
    let get = |name: &str| back.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let returned = Return {
        state: get("state"),
        code: get("code").map(AuthorizationCode::new),
        error: get("error"),
        error_description: get("error_description"),
        error_subcode: get("error_subcode"),
        browser,
    };
    let state = get("state").unwrap_or_default();
    let provider = world.providers.account(&person.account).provider;
    let finish = async move |worker: Rc<crate::ports::Worker>| {
        oauth::finish(&worker, provider.as_str(), returned).await
    };
    let (isolate, outcome) = world.invoke("callback", finish).await;
    world.callbacks.borrow_mut().push(Callback { isolate, state, bad });
    match outcome? {
        Ok(onward) => {
            if let Onward::Home(url) = &onward {
                world.kernel.note(|| format!("home {url}"));
                world.witness.told.borrow_mut().push(url.to_string());
            }
            Some(onward)
        }
        Err(failure) => {
            world.kernel.note(|| format!("callback {failure}"));
            world.witness.told.borrow_mut().push(failure.to_string());
            None
        }
    }
}
