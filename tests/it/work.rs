//! Events and jobs: nothing lost, nothing twice, in order, in time, whoever dies.

mod admin;
mod catalogue;
mod crash;
mod events;
mod jobs;
mod lanes;
mod outside;
mod schedules;
mod stage;
mod workers;
