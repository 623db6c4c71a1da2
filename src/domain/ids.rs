//! Identifiers. Each is its own type, so that a calendar's id can never be passed where an event's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
        pub struct $name(String);

        impl $name {
            /// Wraps an identifier as it is; the provider's or producer's spelling is kept to the letter.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    };
}

id!(
    /// One person's account at one provider, connected for one user (and workspace). Made by us.
    ConnectorId
);
id!(
    /// The product's own id of a person.
    UserId
);
id!(
    /// The product's own id of a workspace (a tenant of the product).
    WorkspaceId
);
id!(
    /// The provider's stable id of an account (Google `sub`, Microsoft `tid.oid`): never an e-mail address.
    AccountId
);
id!(
    /// The provider's id of a calendar.
    CalendarId
);
id!(
    /// The provider's id of an event in a calendar.
    EventId
);
id!(
    /// The producer's id of a hold; unique per connector.
    HoldId
);
id!(
    /// The idempotency key of a task; unique per connector.
    TaskId
);
id!(
    /// A producer's own reference, echoed in the result.
    CorrelationId
);
id!(
    /// The id of a notification, the same on every redelivery.
    NotificationId
);
id!(
    /// The provider's version of an event (RFC 9110 section 8.8.3), opaque and compared as text.
    ETag
);

impl CalendarId {
    /// What every provider understands as the account's main calendar.
    pub fn primary() -> Self {
        Self("primary".to_owned())
    }
}
