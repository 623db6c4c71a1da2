//! D1 behind the `Db` port.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement};

use super::cost::Cost;
use crate::{
    ports::{Db, DbError},
    store::{Row, Statement, Value},
};

/// The database binding.
pub struct D1 {
    database: D1Database,
    cost: Rc<Cost>,
}

impl D1 {
    pub(super) fn new(database: D1Database, cost: Rc<Cost>) -> Self {
        Self { database, cost }
    }

    fn prepare(&self, statement: &Statement) -> Result<D1PreparedStatement, DbError> {
        let values: Vec<JsValue> = statement.values.iter().map(to_js).collect();
        self.database.prepare(statement.sql).bind(&values).map_err(|error| failed(statement.name, &error))
    }
}

impl Db for D1 {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, DbError> {
        self.cost.d1();
        let prepared = self.prepare(&statement)?;
        let result = prepared.all().await.map_err(|error| failed(statement.name, &error))?;
        rows(statement.name, &result)
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError> {
        self.cost.d1();
        let first = statements.first().map_or("empty batch", |statement| statement.name);
        let prepared =
            statements.iter().map(|statement| self.prepare(statement)).collect::<Result<_, _>>()?;
        let results = self.database.batch(prepared).await.map_err(|error| failed(first, &error))?;
        statements.iter().zip(&results).map(|(statement, result)| rows(statement.name, result)).collect()
    }
}

/// D1 takes no BigInt: whole numbers travel as doubles, exact up to 2^53.
fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(integer) => JsValue::from_f64(*integer as f64),
        Value::Real(real) => JsValue::from_f64(*real),
        Value::Text(text) => JsValue::from_str(text),
    }
}

fn rows(statement: &'static str, result: &worker::D1Result) -> Result<Vec<Row>, DbError> {
    if let Some(message) = result.error() {
        return Err(DbError { statement, message });
    }
    let rows: Vec<Columns> = result.results().map_err(|error| failed(statement, &error))?;
    Ok(rows.into_iter().map(|Columns(columns)| Row::new(statement, columns)).collect())
}

/// A row as D1 hands it over: a plain object of columns.
#[derive(Deserialize)]
struct Columns(Map<String, Json>);

fn failed(statement: &'static str, error: &worker::Error) -> DbError {
    DbError { statement, message: error.to_string() }
}
