//! The progress of a job: an event whenever it changes, and a last one at its end.

use super::app::{App, Caller};
use super::jobs::{self, JobView};
use super::keys;
use super::problem::Problem;
use crate::storage::jobs::JobState;
use futures_util::Stream;
use futures_util::stream::unfold;
use std::time::Duration;
use uuid::Uuid;

/// Interval of polling a job: that at which its worker reports progress.
const LOOK: Duration = Duration::from_millis(500);

/// Event of a job.
#[derive(Debug)]
pub enum Event {
    /// It stands elsewhere than before.
    Progress(Box<JobView>),
    /// It ended so.
    End(Box<JobView>),
}

/// Progress of a job.
fn place(job: &JobView) -> (JobState, &'static str, i64, i64) {
    (job.state, job.stage.name(), job.percent, job.attempt)
}

fn event(job: JobView) -> Event {
    match job.state {
        JobState::Queued | JobState::Running => Event::Progress(Box::new(job)),
        JobState::Succeeded | JobState::Failed | JobState::Cancelled => Event::End(Box::new(job)),
    }
}

/// What becomes of a job, from where it stands now to its end. Whoever may not see it is refused at once; a key that is revoked meanwhile hears no more.
pub async fn events(
    app: &App,
    caller: &Caller,
    id: Uuid,
) -> Result<impl Stream<Item = Event> + use<>, Problem> {
    let first = jobs::find(app, caller, id).await?;
    let (app, caller) = (app.clone(), caller.clone());
    let before = place(&first);
    Ok(unfold((Some(first), before, false), move |(first, before, ended)| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            if ended {
                return None;
            }
            let job = match first {
                Some(job) => job,
                None => changed(&app, &caller, id, before).await?,
            };
            let now = place(&job);
            let event = event(job);
            let ended = matches!(event, Event::End(_));
            Some((event, (None, now, ended)))
        }
    }))
}

/// The job once it stands elsewhere; none where it can no longer be seen.
async fn changed(
    app: &App,
    caller: &Caller,
    id: Uuid,
    before: (JobState, &'static str, i64, i64),
) -> Option<JobView> {
    loop {
        tokio::time::sleep(LOOK).await;
        let looked = async {
            keys::check_still(app, caller).await?;
            jobs::find(app, caller, id).await
        };
        match looked.await {
            Ok(job) if place(&job) != before => return Some(job),
            // A database that is away for a while ends nothing.
            Ok(_) => {}
            Err(problem) if problem.status == 503 => {}
            Err(_) => return None,
        }
    }
}
