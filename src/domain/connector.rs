//! A connector: one person's account at one provider, connected for one user of the product.

use serde::{Deserialize, Serialize};

use super::{
    ids::{AccountId, CalendarId, ConnectorId, UserId, WorkspaceId},
    time::Timestamp,
    working_hours::WorkingHours,
    zone::Zone,
};

/// Which provider serves a connector. Only the registry in `providers` branches on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum ProviderKind {
    /// Google Calendar.
    Google,
    /// Outlook and Microsoft 365, through Graph.
    Microsoft,
}

impl ProviderKind {
    /// Every provider there is.
    pub const ALL: [Self; 2] = [Self::Google, Self::Microsoft];

    /// The name used in routes, messages and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Microsoft => "Microsoft",
        }
    }

    /// The inverse of [`ProviderKind::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Whether work may be done for a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum ConnectorStatus {
    /// Connected and working.
    Active,
    /// An operator or the person said wait; tasks are refused until it is resumed.
    Paused,
    /// The grant is gone (G8); the person must connect again.
    ReauthRequired,
}

impl ConnectorStatus {
    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::ReauthRequired => "reauth_required",
        }
    }

    /// The inverse of [`ConnectorStatus::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::ReauthRequired].into_iter().find(|status| status.as_str() == name)
    }
}

/// What the person or the product prefers for a connector; changed by `PATCH /v1/connectors/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Preferences {
    /// The calendars that count for availability; none given: those the person shows at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_calendars: Option<Vec<CalendarId>>,
    /// Where events and holds are written; none given: the primary calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_calendar: Option<CalendarId>,
    /// The week's working hours in `time_zone`; none given: the answer carries none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_hours: Option<Vec<WorkingHours>>,
    /// IANA name of the zone the working hours are local to; none given: the account's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What an update does when the event was changed by somebody else meanwhile.
    pub on_conflict: ConflictStrategy,
}

impl Preferences {
    /// What holds until somebody says otherwise: everything as at the provider, and an office week where the provider
    /// tells nothing of working hours.
    pub fn of_a_new_connector(provider_tells_working_hours: bool) -> Self {
        let working_hours = (!provider_tells_working_hours).then(WorkingHours::office_week);
        Self { working_hours, ..Self::default() }
    }
}

/// What an update does on a 412: the event changed since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum ConflictStrategy {
    /// Report the conflict and change nothing.
    #[default]
    Report,
    /// Read the event again and apply the same change on top of it.
    Reapply,
}

/// A connector as the system of record holds it, less its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Our id.
    pub id: ConnectorId,
    /// Whose it is.
    pub user: UserId,
    /// In which workspace, where the product has them.
    pub workspace: Option<WorkspaceId>,
    /// Who serves it.
    pub provider: ProviderKind,
    /// The provider's tenant the account signs in at, where the provider has tenants.
    pub tenant: Option<String>,
    /// The provider's id of the account.
    pub account: AccountId,
    /// The account's address, for people to recognise it.
    pub email: Option<String>,
    /// Whether work may be done.
    pub status: ConnectorStatus,
    /// The scopes the person granted.
    pub scopes: Vec<String>,
    /// The account's own zone.
    pub zone: Zone,
    /// What is preferred.
    pub preferences: Preferences,
    /// Tells the connections of this account apart, and grows with each: a message about an older grant cannot touch a
    /// newer one, not even across a disconnection.
    pub generation: i64,
    /// When it was first connected.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
}
