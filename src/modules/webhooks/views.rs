//! What the operations take and give. What holds a secret has no Debug on purpose.

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;

use super::message::moment;
use super::model::{Endpoint, EndpointChange, Received, Source};

/// An address that is to be told of events.
#[derive(Object)]
#[oai(rename = "NewWebhookEndpoint", deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where events are sent to, by POST.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events: their names, `domain.*` or `*`.
    pub events: Vec<String>,
}

/// What is to be changed of an endpoint.
#[derive(Object)]
#[oai(rename = "ChangeWebhookEndpoint", deny_unknown_fields)]
pub struct ChangeEndpoint {
    /// Where events are sent to, by POST.
    pub url: Option<String>,
    /// What it is for; null for nothing.
    pub description: MaybeUndefined<String>,
    /// Which events: their names, `domain.*` or `*`.
    pub events: Option<Vec<String>>,
}

impl From<ChangeEndpoint> for EndpointChange {
    fn from(change: ChangeEndpoint) -> Self {
        let description = match change.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => Some(Some(text)),
        };
        Self { url: change.url, description, events: change.events }
    }
}

/// An address that is told of events.
#[derive(Object)]
#[oai(rename = "WebhookEndpoint")]
pub struct EndpointView {
    /// Key of the endpoint.
    pub id: String,
    /// Where events are sent to.
    pub url: String,
    /// What it is for.
    #[oai(skip_serializing_if_is_none)]
    pub description: Option<String>,
    /// Which events.
    pub events: Vec<String>,
    /// Whether it is told: active, paused (events are held back) or disabled (it failed for too long).
    pub state: String,
    /// Why it was disabled.
    #[oai(skip_serializing_if_is_none)]
    pub disabled_reason: Option<String>,
    /// Since when every attempt has failed.
    #[oai(skip_serializing_if_is_none)]
    pub failing_since: Option<String>,
    /// Until when the secret before the last rotation signs as well.
    #[oai(skip_serializing_if_is_none)]
    pub old_secret_until: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// Last change by staff.
    pub updated_at: String,
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url,
            description: endpoint.description,
            events: endpoint.events,
            state: endpoint.state.as_str().to_owned(),
            disabled_reason: endpoint.disabled_reason,
            failing_since: endpoint.failing_since.map(moment),
            old_secret_until: endpoint.old_secret.map(|(_, until)| moment(until)),
            created_at: moment(endpoint.created_at),
            updated_at: moment(endpoint.updated_at),
        }
    }
}

/// A new endpoint with its secret, which is not shown again.
#[derive(Object)]
#[oai(rename = "WebhookEndpointMade")]
pub struct EndpointMade {
    /// The endpoint.
    pub endpoint: EndpointView,
    /// Signs what is sent to it.
    pub secret: String,
}

impl From<Endpoint> for EndpointMade {
    fn from(endpoint: Endpoint) -> Self {
        Self { secret: endpoint.secret.reveal().to_owned(), endpoint: endpoint.into() }
    }
}

/// A new secret, which is not shown again.
#[derive(Object)]
#[oai(rename = "WebhookSecret")]
pub struct SecretMade {
    /// Signs what is sent from now on.
    pub secret: String,
    /// Until when the secret before signs as well.
    #[oai(skip_serializing_if_is_none)]
    pub old_secret_until: Option<String>,
}

impl From<Endpoint> for SecretMade {
    fn from(endpoint: Endpoint) -> Self {
        let old_secret_until = endpoint.old_secret.map(|(_, until)| moment(until));
        Self { secret: endpoint.secret.reveal().to_owned(), old_secret_until }
    }
}

/// A test on its way.
#[derive(Object)]
#[oai(rename = "WebhookTest")]
pub struct TestBegun {
    /// Key of the delivery: look there for what comes of it.
    pub delivery: String,
}

/// Since when to send again.
#[derive(Object)]
#[oai(rename = "ReplayWebhooks", deny_unknown_fields)]
pub struct ReplaySince {
    /// Deliveries made at this time or later.
    pub since: String,
}

/// How much is sent again.
#[derive(Object)]
#[oai(rename = "WebhookReplay")]
pub struct ReplayBegun {
    /// Deliveries that had failed or were dropped.
    pub deliveries: u64,
}

/// Somebody who is to send us webhooks.
#[derive(Object)]
#[oai(rename = "NewWebhookSource", deny_unknown_fields)]
pub struct NewSource {
    /// Key: the last part of the address to which webhooks are sent.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// How it signs: `standard` (Standard Webhooks).
    pub scheme: String,
    /// The secret that it signs with, if it has given us one; else it is given one.
    pub secret: Option<String>,
}

/// What is to be changed of a source.
#[derive(Object)]
#[oai(rename = "ChangeWebhookSource", deny_unknown_fields)]
pub struct ChangeSource {
    /// What it is called.
    pub name: Option<String>,
    /// The secret that it signs with from now on.
    pub secret: Option<String>,
}

/// Somebody who sends us webhooks.
#[derive(Object)]
#[oai(rename = "WebhookSource")]
pub struct SourceView {
    /// Key: the last part of the address to which webhooks are sent.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// How it signs.
    pub scheme: String,
    /// When it was made.
    pub created_at: String,
    /// Last change.
    pub updated_at: String,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        let (created_at, updated_at) = (moment(source.created_at), moment(source.updated_at));
        Self { id: source.id, name: source.name, scheme: source.scheme, created_at, updated_at }
    }
}

/// A new source with its secret, which is not shown again.
#[derive(Object)]
#[oai(rename = "WebhookSourceMade")]
pub struct SourceMade {
    /// The source.
    pub source: SourceView,
    /// What it signs with.
    pub secret: String,
}

impl From<Source> for SourceMade {
    fn from(source: Source) -> Self {
        Self { secret: source.secret.reveal().to_owned(), source: source.into() }
    }
}

/// A webhook that was taken.
#[derive(Object)]
#[oai(rename = "WebhookTaken")]
pub struct Taken {
    /// Our key of it.
    pub id: String,
    /// When it came first.
    pub received_at: String,
}

impl From<Received> for Taken {
    fn from(received: Received) -> Self {
        Self { id: received.id.to_string(), received_at: moment(received.received_at) }
    }
}
