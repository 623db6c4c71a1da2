//! A named SQL statement with its bound values.

/// A value SQLite can hold. Integers travel as `f64` to D1 and are exact up to 2^53.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<crate::domain::time::Timestamp> for Value {
    /// Milliseconds.
    fn from(value: crate::domain::time::Timestamp) -> Self {
        Self::Integer(value.as_millis())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement ready to run. `?1` is the first bound value.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its name, for errors, counters and logs.
    pub name: &'static str,
    /// Its text; constant, so that nothing a caller sends can become SQL.
    pub sql: &'static str,
    /// Its bound values.
    pub values: Vec<Value>,
}

impl Statement {
    /// A statement that binds nothing yet.
    pub fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, values: Vec::new() }
    }

    /// Binds the next value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}
