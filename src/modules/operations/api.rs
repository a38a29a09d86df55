//! The operations on events, jobs and schedules, below `/api/admin`.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi, Tags};

use super::commands;
use super::views::{ScheduleView, WorkOverview};
use crate::context::Ctx;
use crate::work::Worker;

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Events and jobs: what the workers are doing.
    Work,
}

/// It was done; there is nothing to say.
#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// The operations on events, jobs and schedules.
#[derive(Debug)]
pub struct OperationsApi {
    /// What is done about events and jobs, and how the outside services are doing.
    pub worker: Arc<Worker>,
}

#[OpenApi(tag = "Tag::Work")]
impl OperationsApi {
    /// See the work at a glance
    ///
    /// Events that wait, jobs by kind and state, how long the oldest have been waiting, outside services that fail (as this process sees
    /// them) and all schedules.
    #[oai(path = "/work", method = "get", operation_id = "get_work")]
    async fn overview(&self, ctx: Data<&Ctx>) -> poem::Result<Json<WorkOverview>> {
        Ok(Json(commands::overview(&ctx, &self.worker).await?.into()))
    }

    /// Begin a dead or dropped job anew
    ///
    /// At once, with all its attempts. 409 when it is in another state. Administrators only (403).
    #[oai(path = "/jobs/:id/retry", method = "post", operation_id = "retry_job")]
    async fn retry_job(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the job.
        id: Path<String>,
    ) -> poem::Result<Done> {
        commands::retry_job(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }

    /// Decide against a job
    ///
    /// It is not done, and those that wait for it go on. 409 when it runs or is over. Administrators only (403).
    #[oai(path = "/jobs/:id/drop", method = "post", operation_id = "drop_job")]
    async fn drop_job(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the job.
        id: Path<String>,
    ) -> poem::Result<Done> {
        commands::drop_job(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }

    /// Run a waiting job now
    ///
    /// Instead of at its time. 409 when it is in another state. Administrators only (403).
    #[oai(path = "/jobs/:id/run", method = "post", operation_id = "run_job")]
    async fn run_job(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the job.
        id: Path<String>,
    ) -> poem::Result<Done> {
        commands::run_job(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }

    /// Run the job of a schedule now
    ///
    /// Beside its ticks, also when it is paused. While such a job is open there is no second one. Administrators only (403).
    #[oai(path = "/schedules/:id/run", method = "post", operation_id = "run_schedule")]
    async fn run_schedule(
        &self,
        ctx: Data<&Ctx>,
        /// Name of the schedule.
        id: Path<String>,
    ) -> poem::Result<Json<ScheduleView>> {
        Ok(Json(commands::run_schedule(&ctx, &self.worker, &id.0).await?.into()))
    }

    /// Pause a schedule
    ///
    /// Its ticks pass without a job until it is resumed. Administrators only (403).
    #[oai(path = "/schedules/:id/pause", method = "post", operation_id = "pause_schedule")]
    async fn pause(
        &self,
        ctx: Data<&Ctx>,
        /// Name of the schedule.
        id: Path<String>,
    ) -> poem::Result<Json<ScheduleView>> {
        Ok(Json(commands::pause_schedule(&ctx, &id.0, true).await?.into()))
    }

    /// Resume a schedule
    ///
    /// It goes on with its next tick; those that have passed are not made up for. Administrators only (403).
    #[oai(path = "/schedules/:id/resume", method = "post", operation_id = "resume_schedule")]
    async fn resume(
        &self,
        ctx: Data<&Ctx>,
        /// Name of the schedule.
        id: Path<String>,
    ) -> poem::Result<Json<ScheduleView>> {
        Ok(Json(commands::pause_schedule(&ctx, &id.0, false).await?.into()))
    }
}
