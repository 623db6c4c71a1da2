//! The page at `/`: who lives here, and where the controls are.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::Sim;
use crate::control::provider::Provider as _;

#[derive(Template)]
#[template(path = "microsoft_home.html")]
struct Home {
    now: String,
    accounts: Vec<Row>,
}

struct Row {
    email: String,
    organisation: String,
    calendars: usize,
    events: usize,
}

/// `GET /`
pub async fn page(State(microsoft): Sim) -> Html<String> {
    let world = microsoft.world();
    let accounts = world
        .accounts
        .values()
        .map(|account| {
            let tenant = world.tenants.get(&account.tenant);
            let calendars = &account.mailbox.calendars;
            Row {
                email: account.email.clone(),
                organisation: tenant.map_or("personal", |tenant| &tenant.name).to_owned(),
                calendars: calendars.len(),
                events: calendars.values().map(|calendar| calendar.events.len()).sum(),
            }
        })
        .collect();
    let now = microsoft.control().clock.now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let page = Home { now, accounts };
    Html(page.render().unwrap_or_else(|error| error.to_string()))
}
