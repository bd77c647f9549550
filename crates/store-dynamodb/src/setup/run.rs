//! Setting a table up, beside others who do the same.
//!
//! The table is looked at before each step, so what another process did meanwhile is not done again,
//! and a step that fails because another is under way is taken again.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use store_core::{Error, ErrorKind};

use super::existing::{ExistingTable, find};
use super::steps::{create, take};
use super::wait::{looks, until_ready};
use super::{
    Difference, Plan, Progress, Repair, Report, SetupError, SetupOptions, Step, TableSpec,
};
use crate::ops::AdaptiveDelayCalculator;

/// How long whoever created the table has to finish it before it counts as finished: its last wait for
/// the table, and a request that is sent a few times.
const GRACE: Duration = Duration::from_secs(15);

pub(super) async fn run(
    client: &Client,
    spec: &TableSpec,
    options: &SetupOptions,
) -> Result<Report, SetupError> {
    let mut setup = Setup {
        client,
        spec,
        options,
        begun: options.clock.monotonic(),
        looks: looks(),
        told: Vec::new(),
        done: Vec::new(),
    };
    // Whoever sees a table in the making finishes it: its creator may have ended.
    let mut is_new = false;
    loop {
        let Some(found) = find(client, spec).await? else {
            is_new = true;
            setup.create().await?;
            continue;
        };
        is_new |= found.is_new;
        if found.unready.is_some() {
            until_ready(client, &spec.table, options).await?;
            continue;
        }
        let plan = Plan::new(spec, Some(&found));
        let may_change = is_new || options.repair == Repair::InPlace;
        if plan.is_sufficient() && !may_change && setup.may_be_finished(&found, &plan) {
            setup.wait("not finished yet").await;
            continue;
        }
        // A step that was taken may not be seen yet.
        let mut steps = plan.steps.iter().copied();
        let next = steps.find(|step| !setup.done.contains(step));
        match next {
            _ if !plan.is_sufficient() => return Err(mismatch(plan)),
            Some(_) if !may_change => return Err(mismatch(plan)),
            Some(step) => setup.step(step).await?,
            None => {
                return Ok(Report {
                    table: spec.table.clone(),
                    done: setup.done,
                });
            }
        }
    }
}

fn mismatch(plan: Plan) -> SetupError {
    SetupError::Mismatch {
        table: plan.table,
        differences: plan.differences,
    }
}

/// What one set-up has done so far.
struct Setup<'a> {
    client: &'a Client,
    spec: &'a TableSpec,
    options: &'a SetupOptions,
    /// When it began, by the monotonic clock.
    begun: Duration,
    looks: AdaptiveDelayCalculator,
    told: Vec<Step>,
    done: Vec<Step>,
}

impl Setup<'_> {
    async fn create(&mut self) -> Result<(), SetupError> {
        self.tell(Step::CreateTable);
        if create(self.client, self.spec).await? {
            self.done.push(Step::CreateTable);
        }
        until_ready(self.client, &self.spec.table, self.options).await
    }

    /// Takes a step. If others stand in its way it is not done yet; if they have taken it, it need
    /// not be.
    async fn step(&mut self, step: Step) -> Result<(), SetupError> {
        self.tell(step);
        match take(step, self.client, self.spec).await {
            Ok(()) => {
                self.done.push(step);
                until_ready(self.client, &self.spec.table, self.options).await
            }
            Err(error) if is_in_the_way(&error) && self.waited() < self.options.ready_timeout => {
                self.wait("busy").await;
                Ok(())
            }
            Err(error) => {
                let found = find(self.client, self.spec).await?;
                let plan = Plan::new(self.spec, found.as_ref());
                if plan.steps.contains(&step) {
                    return Err(error.into());
                }
                Ok(())
            }
        }
    }

    /// Whether all that is missing is what whoever created the table does last, and may be about to.
    fn may_be_finished(&self, found: &ExistingTable, plan: &Plan) -> bool {
        let comes_last = |it: &Difference| {
            matches!(
                it.repaired_by,
                Some(Step::EnableTimeToLive | Step::EnablePointInTimeRecovery)
            )
        };
        let is_young = found.created_at.is_some_and(|created_at| {
            let age = self.options.clock.now().since(created_at);
            age < self.options.ready_timeout + GRACE
        });
        let is_half_made = !plan.steps.is_empty() && plan.differences.iter().all(comes_last);
        is_half_made && is_young && self.waited() < GRACE
    }

    fn waited(&self) -> Duration {
        self.options.clock.monotonic().saturating_sub(self.begun)
    }

    async fn wait(&mut self, status: &str) {
        self.options.notify(&Progress::Waiting {
            status: status.to_owned(),
            waited: self.waited(),
        });
        self.options.clock.sleep(self.looks.lengthened()).await;
    }

    fn tell(&mut self, step: Step) {
        if !self.told.contains(&step) {
            self.told.push(step);
            self.options.notify(&Progress::Started(step));
        }
    }
}

/// Whether a step is refused only for now: the table is being changed, or too much is asked.
fn is_in_the_way(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Busy | ErrorKind::Throttled)
}
