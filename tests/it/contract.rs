//! Our own OpenAPI documents against the running server: what they declare is answered, as they say, and nothing else is.

mod asyncapi;
mod commands;
mod document;
mod files;
mod forms;
mod inputs;
mod links;
mod messaging;
mod methods;
mod records;
mod requests;
mod shape;
mod stage;
mod statuses;
mod tools;
mod tools_document;
mod webhooks;
