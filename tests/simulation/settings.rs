//! How the worker is set up.

use huddle_calendar_sync::{config::Settings, testing};

use crate::{dice::Dice, providers::grants::SECRET_MARK};

/// The settings with those `GATE_LIMITS`; `None` leaves the providers' own.
pub fn settings(gate_limits: Option<String>) -> Settings {
    let mut environment = testing::environment();
    environment.insert("GOOGLE_CLIENT_SECRET", format!("client-{SECRET_MARK}"));
    environment.insert("MICROSOFT_CLIENT_ID", "11111111-2222-3333-4444-555555555555".to_owned());
    environment.insert("MICROSOFT_CLIENT_SECRET", format!("client-{SECRET_MARK}"));
    environment.insert("API_KEY", format!("operator-{SECRET_MARK}-key"));
    environment.insert("WEBHOOK_SECRET", format!("webhook-{SECRET_MARK}-secret"));
    if let Some(limits) = gate_limits {
        environment.insert("GATE_LIMITS", limits);
    }
    testing::parse(&environment)
}

/// Limits so small that a few tasks reach them, and yet have room for the largest.
pub fn small_limits(dice: &Dice) -> String {
    let limits = |daily: &str| {
        let (requests, window, in_flight) = (dice.between(8, 24), dice.between(5, 100), dice.between(1, 4));
        format!(r#"{{"requests": {requests}, "windowSeconds": {window}, {daily} "inFlight": {in_flight}}}"#)
    };
    let google = limits(&format!(r#""daily": {},"#, dice.between(60, 2_000)));
    format!(r#"{{"google": {google}, "microsoft": {}}}"#, limits(""))
}
