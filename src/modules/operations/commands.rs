//! What the operations do: who may, then the work itself.

use uuid::Uuid;

use crate::context::{Ctx, Role};
use crate::kernel::{Error, Result};
use crate::work::{self, Overview, StoredSchedule, Worker};

/// The work at a glance, for staff.
pub async fn overview(ctx: &Ctx, worker: &Worker) -> Result<Overview> {
    ctx.require_role(&Role::STAFF)?;
    worker.overview().await
}

/// Begins a dead or dropped job anew.
pub async fn retry_job(ctx: &Ctx, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    work::retry_job(ctx, parsed(id)?).await
}

/// Decides against a job.
pub async fn drop_job(ctx: &Ctx, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    work::drop_job(ctx, parsed(id)?).await
}

/// Runs a waiting job now.
pub async fn run_job(ctx: &Ctx, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    work::run_job(ctx, parsed(id)?).await
}

/// Runs the job of a schedule now.
pub async fn run_schedule(ctx: &Ctx, worker: &Worker, name: &str) -> Result<StoredSchedule> {
    ctx.require_role(&Role::ADMINS)?;
    work::run_schedule(ctx, &worker.registry(), name).await
}

/// Pauses or resumes a schedule.
pub async fn pause_schedule(ctx: &Ctx, name: &str, is_paused: bool) -> Result<StoredSchedule> {
    ctx.require_role(&Role::ADMINS)?;
    work::pause_schedule(ctx, name, is_paused).await
}

fn parsed(id: &str) -> Result<Uuid> {
    Uuid::try_parse(id).map_err(|_| Error::not_found())
}
