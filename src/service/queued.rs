//! A job about to be queued.

use super::problem::Problem;
use super::requests::{JobRequest, kept};
use crate::storage::datasets::Dataset;
use crate::storage::jobs::{At, Job, JobState};
use uuid::Uuid;

/// A job on a dataset that costs nothing and names nothing else yet.
pub fn queued<T: JobRequest>(dataset: &Dataset, request: &T, now: i64) -> Result<Job, Problem> {
    Ok(Job {
        id: Uuid::now_v7(),
        tenant_id: dataset.tenant_id,
        population_id: dataset.population_id,
        dataset_id: dataset.id,
        kind: T::KIND,
        state: JobState::Queued,
        request: kept(request)?,
        rho: 0,
        delta: 0,
        charged: None,
        stage: At(None),
        percent: 0,
        attempt: 0,
        failures: 0,
        lease_until: None,
        cancel_requested: false,
        noise_half: None,
        measuring_started_at: None,
        build: None,
        measuring: None,
        problem: None,
        memory: None,
        model_id: None,
        release_id: None,
        created_at: now,
        finished_at: None,
    })
}
