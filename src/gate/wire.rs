//! What is said to the gate's objects and what they say, as JSON. Objects and their callers may be of two versions while a
//! deployment spreads: members are added, with defaults, and never change their meaning.

use serde::{Deserialize, Serialize};

use super::{AdmissionRequest, CachedGrant, Release, TokenRequest, account::Health, lease::Consultation};
use crate::domain::{
    connector::ProviderKind,
    failure::Failure,
    ids::{AccountId, ConnectorId},
    secret::AccessToken,
    time::Timestamp,
};

/// Something asked of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// [`super::service::AccountGate::admit`].
    Admit {
        /// The wish.
        request: AdmissionRequest,
    },
    /// [`super::service::AccountGate::release`].
    Release {
        /// The permit and how its calls went.
        release: Release,
    },
    /// [`super::service::ConnectorGate::access_token`].
    AccessToken {
        /// Whose.
        connector: ConnectorId,
        /// The wish.
        request: TokenRequest,
    },
    /// [`super::service::ConnectorGate::forget`].
    Forget {
        /// Whose.
        connector: ConnectorId,
    },
    /// [`super::service::ProviderGate::consult`].
    Consult {
        /// Which provider.
        provider: ProviderKind,
        /// The question.
        consultation: Consultation,
    },
    /// [`super::service::ProviderGate::report`].
    Report {
        /// Which provider.
        provider: ProviderKind,
        /// Whose calls.
        account: AccountId,
        /// How they went.
        health: Health,
    },
}

impl Command {
    /// The name of the object it is for.
    pub fn object(&self) -> String {
        let account =
            |provider: ProviderKind, account: &AccountId| format!("account:{}:{account}", provider.as_str());
        match self {
            Self::Admit { request } => account(request.provider, &request.account),
            Self::Release { release } => account(release.provider, &release.account),
            Self::AccessToken { connector, .. } | Self::Forget { connector } => {
                format!("connector:{connector}")
            }
            Self::Consult { provider, .. } | Self::Report { provider, .. } => {
                format!("provider:{}", provider.as_str())
            }
        }
    }
}

/// An object's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply<T> {
    /// What was asked for.
    Done(T),
    /// Why not.
    Failed(Failure),
}

impl<T> From<Result<T, Failure>> for Reply<T> {
    fn from(result: Result<T, Failure>) -> Self {
        result.map_or_else(Self::Failed, Self::Done)
    }
}

impl<T> From<Reply<T>> for Result<T, Failure> {
    fn from(reply: Reply<T>) -> Self {
        match reply {
            Reply::Done(done) => Ok(done),
            Reply::Failed(failure) => Err(failure),
        }
    }
}

/// An access token on its way from its object to the isolate that needs it. The only form in which one is serialised
/// unsealed; it stays within the runtime's own connection between the two.
#[derive(Serialize, Deserialize)]
pub struct Grant {
    token: String,
    expires_at: Timestamp,
    fresh: bool,
}

impl From<CachedGrant> for Grant {
    fn from(grant: CachedGrant) -> Self {
        Self { token: grant.token.expose().to_owned(), expires_at: grant.expires_at, fresh: grant.fresh }
    }
}

impl From<Grant> for CachedGrant {
    fn from(mut grant: Grant) -> Self {
        Self {
            token: AccessToken::new(std::mem::take(&mut grant.token)),
            expires_at: grant.expires_at,
            fresh: grant.fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::gate::{Admission, CallOutcome, PermitId, TokenFingerprint, WaitReason};

    fn request() -> AdmissionRequest {
        AdmissionRequest {
            provider: ProviderKind::Google,
            account: AccountId::new("1234"),
            calls: 2,
            least: 2,
            width: 1,
            permit: None,
            unused: 0,
        }
    }

    #[test]
    fn commands_find_their_object_and_survive_the_journey() {
        let token = AccessToken::new("secret");
        let request_for_token = TokenRequest::new(3).instead_of(TokenFingerprint::of(&token));
        let release = Release {
            provider: ProviderKind::Google,
            account: AccountId::new("1234"),
            permit: PermitId("p1".to_owned()),
            unused: 1,
            outcome: CallOutcome::Throttled { retry_after: Some(TimeDelta::seconds(7)) },
        };
        let connector = ConnectorId::new("con-1");
        let provider = ProviderKind::Google;
        let consultation = Consultation { lease: None };
        for (command, object) in [
            (Command::Admit { request: request() }, "account:google:1234"),
            (Command::Release { release }, "account:google:1234"),
            (
                Command::AccessToken { connector: connector.clone(), request: request_for_token },
                "connector:con-1",
            ),
            (Command::Forget { connector }, "connector:con-1"),
            (Command::Consult { provider, consultation }, "provider:google"),
            (
                Command::Report { provider, account: AccountId::new("1234"), health: Health::Failing },
                "provider:google",
            ),
        ] {
            assert_eq!(command.object(), object);
            let sent = serde_json::to_value(&command).unwrap();
            let received: Command = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(serde_json::to_value(&received).unwrap(), sent);
            assert!(!sent.to_string().contains("secret"));
        }
    }

    #[test]
    fn answers_and_failures_survive_the_journey() {
        let wait = Admission::Wait { after: TimeDelta::milliseconds(1_500), reason: WaitReason::Budget };
        let sent = serde_json::to_string(&Reply::from(Ok(wait.clone()))).unwrap();
        assert_eq!(sent, json!({"done": {"wait": {"after": 1500, "reason": "budget"}}}).to_string());
        let received: Reply<Admission> = serde_json::from_str(&sent).unwrap();
        assert_eq!(Result::from(received), Ok(wait));

        let failure = Failure::retry("database_unavailable", "no", Some(TimeDelta::seconds(3)));
        let sent = serde_json::to_string(&Reply::<()>::Failed(failure.clone())).unwrap();
        let received: Reply<()> = serde_json::from_str(&sent).unwrap();
        assert_eq!(Result::from(received), Err(failure));
    }

    #[test]
    fn a_grant_survives_the_journey() {
        let grant = CachedGrant {
            token: AccessToken::new("secret"),
            expires_at: Timestamp::from_seconds(1_772_442_000),
            fresh: true,
        };
        let sent = serde_json::to_string(&Grant::from(grant)).unwrap();
        let received = CachedGrant::from(serde_json::from_str::<Grant>(&sent).unwrap());
        assert_eq!(received.token.expose(), "secret");
        assert_eq!(received.expires_at.as_seconds(), 1_772_442_000);
        assert!(received.fresh);
    }
}
