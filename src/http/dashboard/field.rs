//! The fields of the dashboard's forms: how they are filled in, what they become, and what is wrong with one.

use serde_json::{Value, json};

use crate::{domain::failure::Failure, http::body::FormBody};

/// A field of a form.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Its name in the payload.
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// How it is filled in.
    pub input: Input,
    /// Whether it must be filled in.
    pub required: bool,
    /// What is in it.
    pub value: String,
    /// What is wrong with it; empty if nothing is.
    pub wrong: String,
}

/// How a field is filled in, and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// A line of text.
    Text,
    /// Somebody's address.
    Email,
    /// Where a page is.
    Url,
    /// A whole number.
    Number,
    /// A local date and time.
    Time,
    /// Addresses, separated by commas: a list of `{email}`.
    Addresses,
    /// Lines: a list of text.
    Lines,
    /// Ids or plain addresses, separated by commas: a list of text.
    Ids,
    /// Yes or no.
    Switch,
}

impl Input {
    /// The `type` of the HTML input.
    pub(super) fn html_type(self) -> &'static str {
        match self {
            Self::Time => "datetime-local",
            Self::Number => "number",
            Self::Switch => "checkbox",
            Self::Email => "email",
            Self::Url => "url",
            Self::Text | Self::Addresses | Self::Lines | Self::Ids => "text",
        }
    }

    /// Whether it takes several lines.
    pub(super) fn is_area(self) -> bool {
        self == Self::Lines
    }

    /// Whether it is a yes or no.
    pub(super) fn is_switch(self) -> bool {
        self == Self::Switch
    }

    /// What a task's payload says for it.
    pub(super) fn to_json(self, value: &str) -> Value {
        let items = |separator: char| {
            value
                .split(separator)
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        match self {
            Self::Text | Self::Email | Self::Url | Self::Time => json!(value),
            Self::Number => value.parse::<u32>().map_or_else(|_| json!(value), Value::from),
            Self::Addresses => items(',').into_iter().map(|email| json!({ "email": email })).collect(),
            Self::Lines => json!(items('\n')),
            Self::Ids => json!(items(',')),
            Self::Switch => json!(true),
        }
    }
}

/// An empty field that need not be filled in.
pub(super) fn field(name: &'static str, label: &'static str, input: Input) -> Field {
    Field { name, label, input, required: false, value: String::new(), wrong: String::new() }
}

impl Field {
    /// Whether it needs a line of its own.
    pub(super) fn is_wide(&self) -> bool {
        self.input.is_area() || self.input == Input::Url || self.label.len() > 24
    }

    /// Whether something is wrong with it.
    pub(super) fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// The field as one that must be filled in.
    pub(super) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The field with something in it.
    pub(super) fn with(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }
}

/// The fields as they were filled in, with what is wrong at the one that a failure names.
pub(super) fn keep(fields: &mut [Field], filled: &FormBody, failure: &Failure) {
    let path = failure.field().unwrap_or_default();
    let path = path.strip_prefix("payload.").unwrap_or(path);
    let named = path.split(['.', '[']).next().unwrap_or_default();
    for field in fields {
        field.value = filled.get(field.name).unwrap_or_default().to_owned();
        if field.name == named {
            field.wrong.clone_from(&failure.message);
        }
    }
}
