//! Errors of the identity platform: OAuth's code, the AADSTS number, and what they look like in JSON and in a redirect.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::control::faults::ScriptedAnswer;
use crate::control::provider::Response;
use crate::microsoft::errors::uuid;
use crate::microsoft::wire;

/// The claims that a challenge for a second factor asks for.
pub const MFA_CLAIMS: &str =
    r#"{"access_token":{"capolids":{"essential":true,"values":["7b4a8f1c-0d5e-4c3b-9a77-2f6d1e0b9c55"]}}}"#;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    /// HTTP status, where it is not a redirect.
    pub status: u16,
    /// OAuth's code.
    pub error: &'static str,
    /// The AADSTS number.
    pub code: u32,
    /// What the number means, without the number.
    pub message: String,
    /// A finer code.
    pub suberror: Option<&'static str>,
    /// Claims to send back with the next request.
    pub claims: Option<&'static str>,
}

impl AuthError {
    /// Any error.
    pub fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        let status = if error == "invalid_client" { 401 } else { 400 };
        Self { status, error, code, message: message.into(), suberror: None, claims: None }
    }

    /// A parameter is missing.
    pub fn missing(parameter: &str) -> Self {
        Self::new(
            "invalid_request",
            900_144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    /// The error with an AADSTS number, as the token endpoint sends it; unknown numbers are `invalid_grant`.
    pub fn by_code(code: u32) -> Self {
        let (error, message) = match code {
            50_076 => (
                "interaction_required",
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
            ),
            50_079 => (
                "interaction_required",
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
            ),
            50_158 => (
                "interaction_required",
                "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.",
            ),
            53_000 => {
                ("interaction_required", "Your device is required to be managed to access this resource.")
            }
            53_003 => (
                "interaction_required",
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            ),
            65_001 => (
                "invalid_grant",
                "The user or administrator has not consented to use the application with ID 'sim-microsoft-client' named 'Calendar Sync (development)'. Send an interactive authorization request for this user and resource.",
            ),
            65_004 => ("access_denied", "User declined to consent to access the app."),
            90_094 => (
                "access_denied",
                "An administrator has set a policy that prevents you from granting the application the permissions it is requesting. Contact an administrator who can grant permissions to this application on your behalf.",
            ),
            50_173 => (
                "invalid_grant",
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
            ),
            70_008 => (
                "invalid_grant",
                "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
            ),
            700_082 => (
                "invalid_grant",
                "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
            ),
            70_043 => (
                "invalid_grant",
                "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
            ),
            70_000 => ("invalid_grant", "Provided grant is invalid or malformed."),
            54_005 => (
                "invalid_grant",
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
            ),
            501_481 => (
                "invalid_grant",
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            ),
            50_148 => (
                "invalid_grant",
                "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
            ),
            50_057 => ("invalid_grant", "The user account is disabled."),
            50_034 => ("invalid_grant", "The user account does not exist in the directory."),
            50_194 => (
                "invalid_request",
                "The application is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
            ),
            50_196 => (
                "invalid_grant",
                "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
            ),
            50_020 => (
                "invalid_grant",
                "The user account does not exist in the tenant and cannot access the application in that tenant. The account needs to be added as an external user in the tenant first.",
            ),
            90_002 => (
                "invalid_request",
                "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
            ),
            90_033 => ("temporarily_unavailable", "A transient error has occurred. Please try again."),
            700_016 => (
                "unauthorized_client",
                "Application was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
            ),
            7_000_215 => (
                "invalid_client",
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to the app.",
            ),
            7_000_222 => ("invalid_client", "The provided client secret keys are expired."),
            _ => ("invalid_grant", "The grant cannot be used."),
        };
        let mut refusal = Self::new(error, code, message);
        match code {
            50_076 | 50_079 | 50_158 => {
                refusal.suberror = Some("basic_action");
                refusal.claims = Some(MFA_CLAIMS);
            }
            53_000 | 53_003 => {
                refusal.suberror = Some("message_only");
                refusal.claims = Some(MFA_CLAIMS);
            }
            65_001 => refusal.suberror = Some("consent_required"),
            50_173 | 700_082 | 70_043 => refusal.suberror = Some("bad_token"),
            90_033 => refusal.status = 503,
            _ => {}
        }
        refusal
    }

    /// The error a fault asks for: `reason` is an AADSTS number or an OAuth code.
    pub fn scripted(answer: &ScriptedAnswer) -> Self {
        let reason = answer.reason.as_deref().unwrap_or("");
        let number = reason.trim_start_matches("AADSTS").parse::<u32>().ok();
        let mut refusal = match (number, reason) {
            (Some(code), _) => Self::by_code(code),
            (None, "invalid_grant") => Self::by_code(700_082),
            (None, "interaction_required") => Self::by_code(50_076),
            (None, "invalid_client") => Self::by_code(7_000_215),
            (None, "consent_required") => Self::by_code(65_001),
            (None, "temporarily_unavailable") => Self::by_code(90_033),
            (None, _) => match answer.status {
                Some(429) => Self::new(
                    "temporarily_unavailable",
                    90_055,
                    "The server is terminating an operation because it has received too many requests.",
                ),
                Some(500..) => Self::by_code(90_033),
                Some(401) => Self::by_code(7_000_215),
                _ => Self::by_code(700_082),
            },
        };
        if let Some(status) = answer.status {
            refusal.status = status;
        }
        if let Some(message) = &answer.message {
            refusal.message.clone_from(message);
        }
        refusal
    }

    /// `AADSTS…` with its trace, as `error_description` has it.
    pub fn description(&self, trace: &Trace) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code, self.message, trace.id, trace.correlation, trace.at
        )
    }

    /// The token endpoint's answer.
    pub fn into_response(self, now: Timestamp) -> Response {
        let trace = Trace::new(now);
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(&trace),
            "error_codes": [self.code],
            "timestamp": trace.at,
            "trace_id": trace.id,
            "correlation_id": trace.correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = self.claims {
            body["claims"] = Value::from(claims);
        }
        wire::json(StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST), &body)
    }
}

/// What support asks for.
#[derive(Debug)]
pub struct Trace {
    /// The request's id.
    pub id: String,
    /// The flow's id.
    pub correlation: String,
    /// When.
    pub at: String,
}

impl Trace {
    /// A new one.
    pub fn new(now: Timestamp) -> Self {
        Self { id: uuid(), correlation: uuid(), at: now.strftime("%Y-%m-%d %H:%M:%SZ").to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripted(value: Value) -> Value {
        let answer: ScriptedAnswer = serde_json::from_value(value).unwrap();
        let response = AuthError::scripted(&answer).into_response(Timestamp::UNIX_EPOCH);
        let mut body: Value = serde_json::from_slice(response.body()).unwrap();
        body["status"] = response.status().as_u16().into();
        body
    }

    #[test]
    fn every_number_comes_with_its_oauth_code() {
        for (code, error, suberror, claims) in [
            (65_001, "invalid_grant", json!("consent_required"), false),
            (65_004, "access_denied", Value::Null, false),
            (50_076, "interaction_required", json!("basic_action"), true),
            (53_003, "interaction_required", json!("message_only"), true),
            (50_173, "invalid_grant", json!("bad_token"), false),
            (70_008, "invalid_grant", Value::Null, false),
            (700_082, "invalid_grant", json!("bad_token"), false),
            (70_043, "invalid_grant", json!("bad_token"), false),
            (54_005, "invalid_grant", Value::Null, false),
            (501_481, "invalid_grant", Value::Null, false),
            (50_194, "invalid_request", Value::Null, false),
            (50_196, "invalid_grant", Value::Null, false),
            (7_000_215, "invalid_client", Value::Null, false),
        ] {
            let body = scripted(json!({"reason": code.to_string()}));
            assert_eq!((&body["error"], &body["error_codes"]), (&json!(error), &json!([code])));
            assert_eq!((&body["suberror"], body["claims"].is_string()), (&suberror, claims), "{code}");
            assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{code}: ")));
        }
    }

    #[test]
    fn a_fault_can_name_a_status_alone() {
        assert_eq!(scripted(json!({"status": 503}))["error"], "temporarily_unavailable");
        assert_eq!(scripted(json!({"status": 400}))["error"], "invalid_grant");
        let refused = scripted(json!({"status": 401, "reason": "invalid_client"}));
        assert_eq!((&refused["error"], &refused["status"]), (&json!("invalid_client"), &json!(401)));
    }
}
