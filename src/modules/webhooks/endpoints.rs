//! What staff do with endpoints. Each act writes its audit entry in the same transaction; secrets are in none.

use std::sync::Arc;

use pawbase_engine::{Object, Tx};
use uuid::Uuid;

use super::model::{Delivery, DeliveryState, Endpoint, EndpointChange, EndpointState};
use super::rules::{self, Problems};
use super::signature::Secret;
use super::views::NewEndpoint;
use super::{CATCH_UP, CLEAR, fan_out, message, note, store, transact};
use crate::context::{Ctx, Role};
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::services::outbound::{Guard, refuses};
use crate::work::Registry;

/// Something done to an endpoint that changes its state or secret.
#[derive(Debug, Clone)]
pub enum Act {
    /// Events are held back from now on.
    Pause,
    /// What was held back is sent, then what is new.
    Resume,
    /// The same for one that was disabled.
    Enable,
    /// Another secret signs from now on.
    Rotate(Secret),
}

impl Act {
    /// What the trail calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::Pause => "webhook_endpoint.paused",
            Self::Resume => "webhook_endpoint.resumed",
            Self::Enable => "webhook_endpoint.enabled",
            Self::Rotate(_) => "webhook_endpoint.secret_rotated",
        }
    }
}

/// Makes an endpoint with a new secret. Fails with all bad fields, or with RULE_VIOLATED when there are too many.
pub async fn create(ctx: &Ctx, registry: &Arc<Registry>, input: NewEndpoint) -> Result<Endpoint> {
    ctx.require_role(&Role::ADMINS)?;
    let NewEndpoint { url, description, events } = input;
    check(ctx, Some(&url), Some(&events), description.as_deref())?;
    let now = floored(ctx.now());
    let endpoint = Endpoint {
        id: ctx.new_id(),
        url,
        description: description.filter(|text| !text.trim().is_empty()),
        events: distinct(events),
        state: EndpointState::Active,
        disabled_reason: None,
        failing_since: None,
        is_catching_up: false,
        secret: Secret::make()?,
        old_secret: None,
        created_at: now,
        updated_at: now,
    };
    let shared = Arc::new((endpoint.clone(), Arc::clone(registry)));
    transact(ctx, move |tx, ctx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (endpoint, registry) = &*shared;
            rules::check_room(store::count_endpoints(tx).await?)?;
            store::insert_endpoint(tx, endpoint, ctx.caller.user()).await?;
            patterns_change(tx, registry);
            let target = store::endpoint_record(endpoint.id);
            note(tx, ctx, "webhook_endpoint.created", target, None, Some(image(endpoint))).await
        })
    })
    .await?;
    Ok(endpoint)
}

/// Changes what is named of an endpoint. Fails with all bad fields, or NOT_FOUND.
pub async fn change(ctx: &Ctx, registry: &Arc<Registry>, id: &str, input: EndpointChange) -> Result<Endpoint> {
    ctx.require_role(&Role::ADMINS)?;
    let id = parsed(id)?;
    let EndpointChange { url, description, events } = input;
    check(ctx, url.as_deref(), events.as_deref(), description.as_ref().and_then(Option::as_deref))?;
    let wanted = Arc::new((url, description, events.map(distinct), Arc::clone(registry)));
    transact(ctx, move |tx, ctx| {
        let wanted = Arc::clone(&wanted);
        Box::pin(async move {
            let (url, description, events, registry) = &*wanted;
            let mut endpoint = store::endpoint_within(tx, id).await?.ok_or_else(Error::not_found)?;
            let before = image(&endpoint);
            endpoint.url = url.clone().unwrap_or(endpoint.url);
            endpoint.events = events.clone().unwrap_or(endpoint.events);
            endpoint.description = description.clone().unwrap_or(endpoint.description);
            endpoint.updated_at = floored(ctx.now());
            store::change_endpoint(tx, &endpoint).await?;
            patterns_change(tx, registry);
            let target = store::endpoint_record(id);
            note(tx, ctx, "webhook_endpoint.changed", target, Some(before), Some(image(&endpoint))).await?;
            Ok(endpoint)
        })
    })
    .await
}

/// Removes an endpoint, and then its log. Fails with NOT_FOUND.
pub async fn delete(ctx: &Ctx, registry: &Arc<Registry>, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    let (id, registry) = (parsed(id)?, Arc::clone(registry));
    transact(ctx, move |tx, ctx| {
        let registry = Arc::clone(&registry);
        Box::pin(async move {
            let endpoint = store::endpoint_within(tx, id).await?.ok_or_else(Error::not_found)?;
            store::delete_endpoint(tx, id).await?;
            fan_out::ask(tx, ctx, CLEAR, id).await?;
            patterns_change(tx, &registry);
            let target = store::endpoint_record(id);
            note(tx, ctx, "webhook_endpoint.deleted", target, Some(image(&endpoint)), None).await
        })
    })
    .await
}

/// Pauses, resumes or enables an endpoint. Fails with NOT_FOUND, or CONFLICT when it is in another state.
pub async fn act(ctx: &Ctx, registry: &Arc<Registry>, id: &str, act: Act) -> Result<Endpoint> {
    ctx.require_role(&Role::ADMINS)?;
    let (id, shared) = (parsed(id)?, Arc::new((act, Arc::clone(registry))));
    transact(ctx, move |tx, ctx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (act, registry) = &*shared;
            let mut endpoint = store::hold_endpoint(tx, id).await?.ok_or_else(Error::not_found)?;
            let before = image(&endpoint);
            perform(tx, ctx, &mut endpoint, act).await?;
            endpoint.updated_at = floored(ctx.now());
            store::change_endpoint(tx, &endpoint).await?;
            patterns_change(tx, registry);
            note(tx, ctx, act.name(), store::endpoint_record(id), Some(before), Some(image(&endpoint))).await?;
            Ok(endpoint)
        })
    })
    .await
}

/// Gives an endpoint a new secret; the old one signs as well for a while. Fails with NOT_FOUND.
pub async fn rotate(ctx: &Ctx, registry: &Arc<Registry>, id: &str) -> Result<Endpoint> {
    ctx.require_role(&Role::ADMINS)?;
    act(ctx, registry, id, Act::Rotate(Secret::make()?)).await
}

async fn perform(tx: &Tx, ctx: &Ctx, endpoint: &mut Endpoint, act: &Act) -> Result<()> {
    match act {
        Act::Pause => {
            rules::require_state(endpoint, EndpointState::Active, "an active endpoint is paused")?;
            endpoint.state = EndpointState::Paused;
            endpoint.is_catching_up = false;
            return Ok(());
        }
        Act::Resume => rules::require_state(endpoint, EndpointState::Paused, "a paused endpoint is resumed")?,
        Act::Enable => {
            rules::require_state(endpoint, EndpointState::Disabled, "a disabled endpoint is enabled")?;
            endpoint.disabled_reason = None;
            endpoint.failing_since = None;
        }
        Act::Rotate(secret) => {
            let old = std::mem::replace(&mut endpoint.secret, secret.clone());
            endpoint.old_secret = Some((old, floored(ctx.now()) + rules::ROTATION));
            return Ok(());
        }
    }
    endpoint.state = EndpointState::Active;
    endpoint.is_catching_up = true;
    fan_out::ask(tx, ctx, CATCH_UP, endpoint.id).await
}

/// Sends a test to an endpoint, whatever its state; answers the key of the delivery. Fails with NOT_FOUND.
pub async fn test(ctx: &Ctx, id: &str) -> Result<Uuid> {
    ctx.require_role(&Role::ADMINS)?;
    let (id, delivery) = (parsed(id)?, ctx.new_id());
    transact(ctx, move |tx, ctx| {
        Box::pin(async move {
            store::endpoint_within(tx, id).await?.ok_or_else(Error::not_found)?;
            let (about, now) = (store::endpoint_record(id), floored(ctx.now()));
            let mut test = Delivery {
                id: delivery,
                endpoint: id,
                event: None,
                name: message::TEST.to_owned(),
                about: Some(about.clone()),
                message: delivery.to_string(),
                body: message::of_test(delivery, now, ctx.caller.user(), &about)?,
                state: DeliveryState::Waiting,
                attempts: 0,
                job: None,
            };
            test.job = fan_out::send(tx, ctx, &test).await?;
            store::insert_delivery(tx, &test, now).await?;
            note(tx, ctx, "webhook_endpoint.tested", about, None, None).await
        })
    })
    .await?;
    Ok(delivery)
}

/// The key in a path.
pub fn parsed(id: &str) -> Result<Uuid> {
    Uuid::try_parse(id).map_err(|_| Error::not_found())
}

fn check(ctx: &Ctx, url: Option<&str>, events: Option<&[String]>, description: Option<&str>) -> Result<()> {
    let settings = &ctx.platform.config.webhooks;
    let guard = Guard::new(&settings.allow_private);
    let mut problems = Problems::default();
    if let Some(url) = url {
        problems.check_url(url, |url| refuses(&guard, settings.allow_http, url));
    }
    if let Some(events) = events {
        problems.check_events(events);
    }
    if let Some(description) = description {
        problems.check_description(description);
    }
    problems.finish()
}

/// Each pattern once, in the order in which they came.
fn distinct(patterns: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        if !kept.contains(&pattern) {
            kept.push(pattern);
        }
    }
    kept
}

/// Once `tx` is committed, the relay learns which events are wanted now.
fn patterns_change(tx: &Tx, registry: &Arc<Registry>) {
    let registry = Arc::clone(registry);
    tx.after_commit(move || registry.patterns_changed());
}

/// An endpoint as the trail keeps it.
fn image(endpoint: &Endpoint) -> Object {
    let mut image = Object::new();
    image.insert("url", endpoint.url.clone());
    image.insert("events", endpoint.events.clone());
    image.insert("state", endpoint.state.as_str().to_owned());
    if let Some(description) = &endpoint.description {
        image.insert("description", description.clone());
    }
    image
}
