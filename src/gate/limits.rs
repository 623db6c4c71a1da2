//! The budgets in force: each provider's own, with what the operator changed (`GATE_LIMITS`).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::{
    app::App,
    domain::{connector::ProviderKind, failure::Failure},
    ports::Ports,
    providers::Limits,
};

/// What the operator changed, by provider: `{"google": {"requests": 300, "windowSeconds": 60, "daily": 10000, "inFlight": 4}}`,
/// each member optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitOverrides(BTreeMap<ProviderKind, Override>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Override {
    requests: Option<u32>,
    window_seconds: Option<u32>,
    daily: Option<u32>,
    in_flight: Option<u32>,
}

impl LimitOverrides {
    /// Reads the JSON form; the error says what is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        let overrides: BTreeMap<ProviderKind, Override> =
            serde_json::from_slice(json.as_bytes()).map_err(|error| error.to_string())?;
        for (provider, changed) in &overrides {
            let members = [
                ("requests", changed.requests),
                ("windowSeconds", changed.window_seconds),
                ("daily", changed.daily),
                ("inFlight", changed.in_flight),
            ];
            if let Some((name, _)) = members.iter().find(|(_, value)| *value == Some(0)) {
                return Err(format!("{}.{name} must be at least 1", provider.as_str()));
            }
        }
        Ok(Self(overrides))
    }

    /// The budgets of a provider whose own are `limits`.
    pub fn apply(&self, provider: ProviderKind, limits: Limits) -> Limits {
        let Some(changed) = self.0.get(&provider) else { return limits };
        Limits {
            requests: changed.requests.unwrap_or(limits.requests),
            window: changed
                .window_seconds
                .map_or(limits.window, |seconds| TimeDelta::seconds(i64::from(seconds))),
            daily: changed.daily.or(limits.daily),
            in_flight: changed.in_flight.unwrap_or(limits.in_flight),
        }
    }
}

/// The budgets in force at a provider.
pub fn limits<P: Ports>(app: &App<P>, provider: ProviderKind) -> Result<Limits, Failure> {
    Ok(app.settings.gate_limits.apply(provider, app.providers.get(provider)?.limits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOGLE: Limits =
        Limits { requests: 500, window: TimeDelta::seconds(100), daily: Some(50_000), in_flight: 10 };

    #[test]
    fn only_what_is_named_changes() {
        let overrides = LimitOverrides::parse(r#"{"google": {"requests": 3, "inFlight": 1}}"#).unwrap();
        let expected = Limits { requests: 3, in_flight: 1, ..GOOGLE };
        assert_eq!(overrides.apply(ProviderKind::Google, GOOGLE), expected);
        assert_eq!(LimitOverrides::default().apply(ProviderKind::Google, GOOGLE), GOOGLE);
        let overrides = LimitOverrides::parse(r#"{"google": {"windowSeconds": 7, "daily": 9}}"#).unwrap();
        let expected = Limits { window: TimeDelta::seconds(7), daily: Some(9), ..GOOGLE };
        assert_eq!(overrides.apply(ProviderKind::Google, GOOGLE), expected);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (json, expected) in [
            (r#"{"google": {"requests": 0}}"#, "google.requests must be at least 1"),
            (r#"{"google": {"perDay": 1}}"#, "unknown field `perDay`"),
            (r#"{"gogle": {}}"#, "unknown variant `gogle`"),
            (r#"{"google": {"daily": -1}}"#, "invalid value"),
            ("500", "invalid type"),
        ] {
            let error = LimitOverrides::parse(json).unwrap_err();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
