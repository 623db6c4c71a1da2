//! Reading a row without trusting it: a missing or odd column is an error with its name, never a panic.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    domain::{failure::Failure, time::Timestamp},
    ports::DbError,
};

/// One row, by column name.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    statement: &'static str,
    columns: Map<String, Value>,
}

/// The error every getter can return.
type Read<T> = Result<T, DbError>;

impl Row {
    /// Wraps what the database returned for the statement of that name.
    pub fn new(statement: &'static str, columns: Map<String, Value>) -> Self {
        Self { statement, columns }
    }

    /// A text column that is never NULL.
    pub fn text(&self, column: &str) -> Read<&str> {
        self.optional_text(column)?.ok_or_else(|| self.odd(column, "is NULL"))
    }

    /// A text column.
    pub fn optional_text(&self, column: &str) -> Read<Option<&str>> {
        match self.column(column)? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(self.odd(column, "is not text")),
        }
    }

    /// A whole-number column that is never NULL.
    pub fn integer(&self, column: &str) -> Read<i64> {
        self.optional_integer(column)?.ok_or_else(|| self.odd(column, "is NULL"))
    }

    /// A whole-number column.
    pub fn optional_integer(&self, column: &str) -> Read<Option<i64>> {
        match self.column(column)? {
            Value::Null => Ok(None),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Ok(Some(integer)),
                // D1 answers in doubles; every whole number we store is far below 2^53.
                (None, Some(real)) if real.fract() == 0.0 && real.abs() < 9_007_199_254_740_992.0 => {
                    Ok(Some(real as i64))
                }
                _ => Err(self.odd(column, "is not a whole number")),
            },
            _ => Err(self.odd(column, "is not a number")),
        }
    }

    /// A 0/1 column.
    pub fn boolean(&self, column: &str) -> Read<bool> {
        Ok(self.integer(column)? != 0)
    }

    /// A column of milliseconds that is never NULL.
    pub fn timestamp(&self, column: &str) -> Read<Timestamp> {
        self.integer(column).map(Timestamp::from_millis)
    }

    /// A column of milliseconds.
    pub fn optional_timestamp(&self, column: &str) -> Read<Option<Timestamp>> {
        Ok(self.optional_integer(column)?.map(Timestamp::from_millis))
    }

    /// A text column that holds JSON.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Read<T> {
        serde_json::from_slice(self.text(column)?.as_bytes())
            .map_err(|error| self.odd(column, &format!("holds JSON that does not fit: {error}")))
    }

    /// A text column that holds JSON or NULL.
    pub fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Read<Option<T>> {
        match self.optional_text(column)? {
            None => Ok(None),
            Some(_) => self.json(column).map(Some),
        }
    }

    /// A text column read by `parse`, which knows all its values.
    pub fn parsed<T>(&self, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
        parse(self.text(column)?).ok_or_else(|| self.odd(column, "holds a value we do not know"))
    }

    /// What it is called by, for the log.
    fn name(&self) -> String {
        let names = ["connector_id", "task_id", "hold_id", "id", "sequence"];
        let named = names.iter().filter_map(|name| Some(format!("{name} {}", self.columns.get(*name)?)));
        named.collect::<Vec<_>>().join(", ")
    }

    fn column(&self, column: &str) -> Read<&Value> {
        self.columns.get(column).ok_or_else(|| self.odd(column, "is missing"))
    }

    fn odd(&self, column: &str, what: &str) -> DbError {
        DbError { statement: self.statement, message: format!("column {column} {what}") }
    }
}

/// What can be read of rows that have nothing to do with each other: an odd one is logged, and holds up no other.
pub fn readable<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Vec<T> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(one) => all.push(one),
            Err(failure) => tracing::error!(%failure, row = %row.name(), "a row is passed over"),
        }
    }
    all
}

/// A row that cannot be read is a fault of ours, which no retry mends.
pub fn unreadable(error: DbError) -> Failure {
    Failure::fatal("stored_row_unreadable", error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(columns: Value) -> Row {
        Row::new("test", columns.as_object().cloned().unwrap())
    }

    #[test]
    fn whole_numbers_are_read_from_integers_and_from_doubles() {
        let row = row(json!({"a": 5, "b": 1_790_000_000_123.0, "c": null, "d": 1.5, "e": "x"}));
        assert_eq!(row.integer("a"), Ok(5));
        assert_eq!(row.integer("b"), Ok(1_790_000_000_123));
        assert_eq!(row.optional_integer("c"), Ok(None));
        assert!(row.integer("c").is_err() && row.integer("d").is_err() && row.integer("e").is_err());
    }

    #[test]
    fn an_odd_column_is_named_in_the_error() {
        let error = row(json!({"state": 7})).text("state").unwrap_err();
        assert_eq!(error.to_string(), "database, statement test: column state is not text");
        assert_eq!(row(json!({})).text("state").unwrap_err().message, "column state is missing");
    }

    #[test]
    fn an_odd_row_holds_up_no_other() {
        let rows = [row(json!({"a": 1})), row(json!({"a": "x", "task_id": "t"})), row(json!({"a": 3}))];
        assert_eq!(readable(&rows, |row| row.integer("a").map_err(unreadable)), [1, 3]);
        assert_eq!(rows[1].name(), r#"task_id "t""#);
    }
}
