//! The page at `/`: who lives here, and where the controls are.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::Sim;
use crate::control::provider::Provider as _;

#[derive(Template)]
#[template(path = "google_home.html")]
struct Home {
    now: String,
    accounts: Vec<Row>,
}

struct Row {
    email: String,
    time_zone: String,
    calendars: usize,
    events: usize,
}

/// `GET /`
pub async fn page(State(google): Sim) -> Html<String> {
    let world = google.world();
    let accounts = world
        .accounts
        .values()
        .map(|account| {
            let calendars = account.list.keys().filter_map(|id| world.calendars.get(id));
            Row {
                email: account.email.clone(),
                time_zone: account.time_zone.clone(),
                calendars: account.list.values().filter(|entry| !entry.deleted).count(),
                events: calendars.map(|calendar| calendar.events.len()).sum(),
            }
        })
        .collect();
    let now = google.control().clock.now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let page = Home { now, accounts };
    Html(page.render().unwrap_or_else(|error| error.to_string()))
}
