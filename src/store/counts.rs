//! The tables `task_counts` and `connector_counts`: how many rows of each kind there are, kept by triggers of the tables counted
//! (`migrations/0007_counts.sql`), because counting those takes the longer the more is in them.

use super::Statement;

/// How many tasks there are of each type and state, as `tasks`; 0 where there were some.
pub fn tasks() -> Statement {
    Statement::new("counts.tasks", "SELECT type, state, tasks FROM task_counts ORDER BY type, state")
}

/// How many connectors there are of each provider and status, as `connectors`; 0 where there were some.
pub fn connectors() -> Statement {
    Statement::new(
        "counts.connectors",
        "SELECT provider, status, connectors FROM connector_counts ORDER BY provider, status",
    )
}

/// Drops the counts of types that no task is of any more: a type is whatever a message had.
pub fn prune() -> Statement {
    Statement::new(
        "counts.prune",
        "DELETE FROM task_counts WHERE type IN (SELECT type FROM task_counts GROUP BY type HAVING max(tasks) = 0)",
    )
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{
        domain::{
            ids::{ConnectorId, TaskId},
            time::Timestamp,
        },
        ports::{Clock, Db},
        store::{
            connectors,
            outbox::Owner,
            tasks::{self, Asked, TaskState},
        },
        testing::{TestApp, app, block_on, connect},
    };

    fn asked(task: &str) -> Asked {
        Asked {
            connector: ConnectorId::new("con-a"),
            task: TaskId::new(task),
            kind: "refresh-token".to_owned(),
            payload: json!({}),
            correlation: None,
        }
    }

    /// Runs the statement; what is counted then, without zeros, has to be what there is.
    fn run(app: &TestApp, statement: Statement) -> (Vec<Json>, Vec<Json>) {
        block_on(app.db.query(statement)).unwrap();
        let counted = (
            app.db.read("SELECT * FROM task_counts WHERE tasks <> 0"),
            app.db.read("SELECT * FROM connector_counts WHERE connectors <> 0"),
        );
        let tasks = "SELECT type, state, count(*) AS tasks FROM tasks GROUP BY type, state";
        let connectors =
            "SELECT provider, status, count(*) AS connectors FROM connectors GROUP BY provider, status";
        assert_eq!(counted, (app.db.read(tasks), app.db.read(connectors)));
        counted
    }

    fn of(state: &str) -> Json {
        json!({"type": "refresh-token", "state": state, "tasks": 1})
    }

    #[test]
    fn a_task_is_counted_where_it_stands_until_it_is_dropped() {
        let app = app();
        let now = app.clock.now();
        let claim = |name: &str, until| tasks::claim(&asked("t"), name, until, 5, now);
        let soon = now.plus(TimeDelta::minutes(2));
        let error = json!({});
        let steps: [(Statement, Option<&str>); 12] = [
            (tasks::enter(&asked("t"), &Owner::default(), now), Some("queued")),
            (tasks::enter(&asked("t"), &Owner::default(), now), Some("queued")),
            (claim("one", now), Some("running")),
            (claim("two", soon), Some("running")),
            (tasks::requeue(&asked("t"), "two", &error, now, true, now), Some("queued")),
            (tasks::take_overdue(now, soon, 1), Some("queued")),
            (tasks::bury(&asked("t"), 1, &error, now), Some("dead")),
            (tasks::replay(&asked("t").connector, &asked("t").task, now), Some("queued")),
            (claim("three", soon), Some("running")),
            (claim("four", soon), Some("running")),
            (tasks::finish(&asked("t"), "three", TaskState::Succeeded, None, None, now), Some("succeeded")),
            (tasks::prune(now.plus(TimeDelta::days(1))), None),
        ];
        for (statement, state) in steps {
            let name = statement.name;
            assert_eq!(run(&app, statement).0, state.map(of).into_iter().collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn a_connector_is_counted_by_what_became_of_it_and_its_tasks_until_it_is_purged() {
        let app = app();
        let now = app.clock.now();
        let connector = connect(&app, "a");
        let (id, generation) = (&connector.id, connector.generation);
        let is = |status: &str| vec![json!({"provider": "google", "status": status, "connectors": 1})];
        assert_eq!(run(&app, connectors::used(id, now)).1, is("active"));
        assert_eq!(run(&app, connectors::set_paused(id, true, now)).1, is("paused"));
        assert_eq!(
            run(&app, connectors::require_reauthorization(id, generation, None, now)).1,
            is("reauth_required")
        );
        assert_eq!(run(&app, connectors::set_paused(id, true, now)).1, is("reauth_required"));
        let generation = connect(&app, "a").generation;
        assert_eq!(
            run(&app, tasks::claim(&asked("t"), "claim", now, 5, now)),
            (vec![of("running")], is("active"))
        );
        run(&app, tasks::finish(&asked("t"), "claim", TaskState::Failed, None, None, now));
        let purged = run(&app, tasks::purge(id, generation, &TaskId::new("another")));
        assert_eq!(purged, (vec![], is("active")));
        assert_eq!(run(&app, connectors::delete(id, generation)), (vec![], vec![]));
    }

    #[test]
    fn types_that_no_task_is_of_any_more_are_forgotten() {
        let app = app();
        let entered = |kind: &str, at| {
            let asked = Asked { kind: kind.to_owned(), ..asked(kind) };
            tasks::enter(&asked, &Owner::default(), at)
        };
        let (then, now) = (Timestamp::from_millis(1), app.clock.now());
        for (kind, at) in [("odd", then), ("good", then), ("good again", now)] {
            run(&app, entered(kind, at));
        }
        app.db.execute("UPDATE tasks SET state = 'failed', type = replace(type, ' again', '')");
        run(&app, tasks::prune(now));
        let counted = || app.db.read("SELECT * FROM task_counts");
        assert_eq!(counted().len(), 5);
        run(&app, prune());
        assert_eq!(
            counted(),
            [
                json!({"type": "good", "state": "failed", "tasks": 1}),
                json!({"type": "good", "state": "queued", "tasks": 0}),
            ]
        );
    }
}
