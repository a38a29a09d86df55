//! The operations of the console beside records and accounts, on the admin listener.

use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

use super::description;
use super::overview;
use super::views::{Overview, SchemaDescription};
use crate::context::{Ctx, Role};

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// The installation as a whole.
    Console,
}

/// The operations of the console.
#[derive(Debug)]
pub struct ConsoleApi;

#[OpenApi(tag = "Tag::Console")]
impl ConsoleApi {
    /// Read the overview
    ///
    /// Version, uptime, size of the database, rows per table, and the latest records. Only tables that staff may read. 401
    /// without a sign-in.
    #[oai(path = "/overview", method = "get", operation_id = "get_overview")]
    async fn overview(&self, ctx: Data<&Ctx>) -> poem::Result<Json<Overview>> {
        ctx.require_role(&Role::STAFF)?;
        Ok(Json(overview::read(&ctx).await?))
    }

    /// Describe the tables
    ///
    /// Tables, fields, indexes and permissions as they are in force, for those who show or edit records. What nobody may read
    /// is left out. 401 without a sign-in.
    #[oai(path = "/schema", method = "get", operation_id = "get_schema")]
    async fn schema(&self, ctx: Data<&Ctx>) -> poem::Result<Json<SchemaDescription>> {
        let principal = ctx.require_role(&Role::STAFF)?;
        let may_write = principal.roles.iter().any(|role| Role::ADMINS.contains(role));
        Ok(Json(description::describe(&ctx.platform.schema, may_write)))
    }
}
