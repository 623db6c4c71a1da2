//! `/metrics`: what an operator's Prometheus scrapes, computed from the system of record when asked.

use std::fmt::Write;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;

use super::{
    auth::Operator,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    domain::{failure::Failure, time::Timestamp},
    ports::{Clock, Db, Ports},
    store::{Row, counts, outbox, tasks, unreadable},
};

/// The Prometheus text format, version 0.0.4.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`
pub(super) async fn get_metrics<P: Ports>(
    State(app): State<Shared<P>>,
    _: Operator,
) -> Result<Response, Problem> {
    local(async move {
        let answers = app
            .db
            .batch(vec![
                counts::tasks(),
                tasks::oldest_waiting(),
                counts::connectors(),
                outbox::count_unsent(),
            ])
            .await?;
        let text = write(&answers, app.clock.now())?;
        Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
    })
    .await
}

fn write(answers: &[Vec<Row>], now: Timestamp) -> Result<String, Failure> {
    let [task_rows, waiting, connector_rows, unsent] = answers else {
        return Err(Failure::fatal("database_answer_incomplete", "four statements, not four answers"));
    };
    let mut page = Page::default();
    page.family("huddle_tasks", "Tasks in the ledger by type and state.");
    for row in task_rows {
        page.counted(row, ["type", "state"], "tasks")?;
    }
    page.family("huddle_oldest_queued_task_age_seconds", "Age of the task that waits longest.");
    page.sample("", age_s(waiting.first(), now)?);
    page.family("huddle_connectors", "Connected accounts by provider and status.");
    for row in connector_rows {
        page.counted(row, ["provider", "status"], "connectors")?;
    }
    page.family("huddle_outbox_unsent", "Notifications that the queue has not taken yet.");
    let count = unsent.first().map_or(Ok(0), |row| row.integer("unsent")).map_err(unreadable)?;
    page.sample("", count);
    page.family("huddle_outbox_oldest_unsent_age_seconds", "Age of the oldest of them.");
    page.sample("", age_s(unsent.first(), now)?);
    Ok(page.text)
}

/// Whole seconds since the row's `oldest`; 0 when there is none.
fn age_s(row: Option<&Row>, now: Timestamp) -> Result<i64, Failure> {
    let oldest = row.map_or(Ok(None), |row| row.optional_timestamp("oldest")).map_err(unreadable)?;
    Ok(oldest.map_or(0, |oldest| now.since(oldest).num_seconds().max(0)))
}

#[derive(Default)]
struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    fn family(&mut self, name: &'static str, help: &str) {
        self.name = name;
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, labels: &str, value: i64) {
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }

    fn counted(&mut self, row: &Row, labels: [&str; 2], value: &str) -> Result<(), Failure> {
        let label = |name: &str| Ok(format!("{name}=\"{}\"", escaped(row.text(name)?)));
        let labels = labels.map(label).into_iter().collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        let value = row.integer(value).map_err(unreadable)?;
        self.sample(&format!("{{{}}}", labels.join(",")), value);
        Ok(())
    }
}

/// A label's value: types of tasks are whatever a message had.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
