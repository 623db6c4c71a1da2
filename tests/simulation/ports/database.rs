//! D1: the real statements on SQLite. A call may fail before or after it took effect, all calls may for minutes; a batch takes
//! effect as a whole.

use std::rc::Rc;

use futures_util::FutureExt;
use huddle_calendar_sync::{
    ports::{Db, DbError},
    store::{Row, Statement, Value},
    testing::SqliteDb,
};
use serde_json::Value as Json;

use crate::{
    breakage::Breakage,
    kernel::Kernel,
    sabotage,
    weather::{Fate, Sky},
    witness::{Promise, Witness},
};

/// The database.
pub struct Database {
    kernel: Kernel,
    sky: Rc<Sky>,
    witness: Rc<Witness>,
    breakage: Breakage,
    sqlite: Rc<SqliteDb>,
}

impl Database {
    /// An empty database.
    pub fn new(kernel: &Kernel, sky: &Rc<Sky>, witness: &Rc<Witness>, breakage: Breakage) -> Self {
        Self {
            kernel: kernel.clone(),
            sky: Rc::clone(sky),
            witness: Rc::clone(witness),
            breakage,
            sqlite: Rc::new(SqliteDb::new(kernel.clock())),
        }
    }

    /// What is in it, for those who judge: works in any weather and takes no time.
    pub fn sqlite(&self) -> &SqliteDb {
        &self.sqlite
    }

    /// The same, to be kept.
    pub fn shared(&self) -> &Rc<SqliteDb> {
        &self.sqlite
    }

    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError> {
        let name = statements.first().map_or("nothing", |statement| statement.name);
        let dark = self.sky.is_dark(self.kernel.now().as_millis());
        let fate = if dark { Fate::FailsBefore } else { self.sky.fate(self.sky.weather().database) };
        self.kernel.note(|| {
            let names: Vec<_> = statements.iter().map(|statement| statement.name).collect();
            format!("db {} {fate:?}", names.join(", "))
        });
        let outcome = self.sky.call(&self.kernel, fate, || self.execute(statements)).await;
        outcome.ok_or_else(|| DbError { statement: name, message: "no answer".to_owned() })
    }

    fn execute(&self, statements: Vec<Statement>) -> Vec<Vec<Row>> {
        let statements = sabotage::statements(self.breakage, statements, &self.kernel, &self.sqlite);
        // Nothing the worker does may be refused by the database itself.
        let answers = now(self.sqlite.batch(statements.clone())).unwrap_or_else(|error| panic!("{error}"));
        for (statement, rows) in statements.iter().zip(&answers) {
            self.observe(statement, rows);
        }
        answers
    }

    /// Takes note of what changed hands.
    fn observe(&self, statement: &Statement, rows: &[Row]) {
        let (isolate, now) = (self.kernel.current(), self.kernel.now());
        let connector = || text(statement, 0);
        match statement.name {
            "tasks.claim" => {
                self.witness.claims.borrow_mut().insert((isolate, connector()), now);
            }
            "tasks.finish" if !rows.is_empty() => self.ended(&connector(), &text(statement, 1)),
            "connectors.connect" => {
                let row = &rows[0];
                let id = row.text("id").unwrap().to_owned();
                let generation = row.integer("generation").unwrap();
                let grant = self.witness.exchanged.borrow().get(&isolate).copied();
                *self.witness.connections.borrow_mut().entry(isolate).or_default() += 1;
                self.kernel.note(|| format!("connected {id} generation {generation} by grant {grant:?}"));
                self.witness.life(&id, |life| {
                    life.generation = generation;
                    life.marked_at = None;
                    life.purged_at = None;
                    if statement.values[7] == Value::Null
                        && let Some((_, kept)) = life.grants.iter_mut().next_back()
                    {
                        *kept = generation;
                    }
                    life.grants.extend(grant.map(|grant| (grant, generation)));
                });
            }
            "connectors.require_reauthorization" if !rows.is_empty() => {
                self.kernel.note(|| format!("grant of {} marked as gone", connector()));
                self.witness.life(&connector(), |life| {
                    life.marked_at = Some(now);
                    life.marked.insert(life.generation);
                });
            }
            "connectors.delete" => self.witness.life(&connector(), |life| {
                life.purged_at = Some(now);
                life.purges += 1;
            }),
            _ => {}
        }
    }

    fn ended(&self, connector: &str, task: &str) {
        let run = self.read_task(connector, task, "run").and_then(|run| run.as_i64()).unwrap_or_default();
        let mut ends = self.witness.ends.borrow_mut();
        let times = ends.entry((connector.to_owned(), task.to_owned(), run)).or_default();
        *times += 1;
        let times = *times;
        self.kernel.note(|| format!("run {run} of {task} of {connector} ended"));
        // A task that was purged with its connector and asked for again is another task of the same name.
        let purged = self.witness.life(connector, |life| life.purges > 0);
        self.witness.expect(times == 1 || purged, Promise::G10, || {
            format!("run {run} of task {task} of {connector} was ended {times} times")
        });
    }

    fn read_task(&self, connector: &str, task: &str, column: &str) -> Option<Json> {
        let quote = |text: &str| text.replace('\'', "''");
        let sql = format!(
            "SELECT {column} AS it FROM tasks WHERE connector_id = '{}' AND task_id = '{}'",
            quote(connector),
            quote(task)
        );
        self.sqlite.read(&sql).first().map(|row| row["it"].clone())
    }
}

impl Db for Database {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, DbError> {
        Ok(self.run(vec![statement]).await?.pop().unwrap_or_default())
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError> {
        self.run(statements).await
    }
}

/// A bound value that is text.
pub fn text(statement: &Statement, place: usize) -> String {
    match &statement.values[place] {
        Value::Text(text) => text.clone(),
        other => panic!("{} binds {other:?} at {place}", statement.name),
    }
}

/// The outcome of a future that waits for nothing.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("SQLite in memory answers at once")
}
