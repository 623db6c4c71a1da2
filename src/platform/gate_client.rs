//! The gate's objects behind the `Gate` port, reached through the `GATE` binding.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use worker::{Method, ObjectNamespace, Request, RequestInit};

use super::cost::Cost;
use crate::{
    domain::{
        connector::ProviderKind,
        failure::Failure,
        ids::{AccountId, ConnectorId},
    },
    gate::{
        Admission, AdmissionRequest, CachedGrant, Release, TokenRequest,
        account::Health,
        lease::{Answer, Consultation},
        service::ProviderLink,
        wire::{Command, Grant, Reply},
    },
    ports::Gate,
};

/// The `GATE` binding.
#[derive(Clone)]
pub struct GateClient {
    objects: ObjectNamespace,
    cost: Rc<Cost>,
}

impl GateClient {
    pub(super) fn new(objects: ObjectNamespace, cost: Rc<Cost>) -> Self {
        Self { objects, cost }
    }

    async fn ask<T: DeserializeOwned>(&self, command: &Command) -> Result<T, Failure> {
        let text = self.exchange(command).await.map_err(|error| {
            Failure::retry("gate_unavailable", format!("the gate did not answer: {error}"), None)
        })?;
        let reply: Reply<T> = serde_json::from_slice(text.as_bytes()).map_err(|error| {
            // The text may hold a token, the error's place in it does not.
            Failure::retry(
                "gate_unavailable",
                format!("the gate's answer does not fit, line {} column {}", error.line(), error.column()),
                None,
            )
        })?;
        reply.into()
    }

    async fn exchange(&self, command: &Command) -> worker::Result<String> {
        self.cost.gate();
        let body = serde_json::to_string(command)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(body.into()));
        // Objects are reached by name; the host in the URL is never looked up.
        let request = Request::new_with_init("https://gate.internal/", &init)?;
        let stub = self.objects.get_by_name(&command.object())?;
        stub.fetch_with_request(request).await?.text().await
    }
}

impl Gate for GateClient {
    async fn admit(&self, _: &ConnectorId, request: AdmissionRequest) -> Result<Admission, Failure> {
        self.ask(&Command::Admit { request }).await
    }

    async fn release(&self, _: &ConnectorId, release: Release) -> Result<(), Failure> {
        self.ask(&Command::Release { release }).await
    }

    async fn access_token(
        &self,
        connector: &ConnectorId,
        request: TokenRequest,
    ) -> Result<CachedGrant, Failure> {
        let command = Command::AccessToken { connector: connector.clone(), request };
        self.ask::<Grant>(&command).await.map(Into::into)
    }

    async fn forget(&self, connector: &ConnectorId) -> Result<(), Failure> {
        self.ask(&Command::Forget { connector: connector.clone() }).await
    }
}

impl ProviderLink for GateClient {
    async fn consult(
        &self,
        provider: ProviderKind,
        _: &AccountId,
        consultation: Consultation,
    ) -> Result<Answer, Failure> {
        self.ask(&Command::Consult { provider, consultation }).await
    }

    async fn report(
        &self,
        provider: ProviderKind,
        account: &AccountId,
        health: Health,
    ) -> Result<(), Failure> {
        self.ask(&Command::Report { provider, account: account.clone(), health }).await
    }
}
