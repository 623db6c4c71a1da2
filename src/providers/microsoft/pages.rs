//! Lists, page by page: <https://learn.microsoft.com/en-us/graph/paging>.

use serde_json::Value;

use super::{
    errors::{Operation, read},
    requests::next_page,
};
use crate::{
    config::BaseUrl,
    domain::failure::Failure,
    ports::{HttpRequest, HttpResponse},
    providers::{Exchange, Pending, Step, out_of_step},
};

/// A list that never comes to an end must not keep us.
const MOST_PAGES: usize = 200;

/// All items from the page that `first` asks for to the last, turned into a result by `read`. A page may be empty without
/// being the last.
pub(super) fn all<T: 'static>(
    api: &BaseUrl,
    operation: Operation,
    first: Result<HttpRequest, Failure>,
    read: impl FnOnce(&[Value]) -> Result<T, Failure> + 'static,
) -> Pending<T> {
    let pages = Pages { api: api.clone(), operation, first: Some(first), items: Vec::new(), pages: 0 };
    Box::new(List { pages, read: Some(Box::new(read)) })
}

struct Pages {
    api: BaseUrl,
    operation: Operation,
    first: Option<Result<HttpRequest, Failure>>,
    items: Vec<Value>,
    pages: usize,
}

impl Pages {
    /// The request for the next page; `None` when all are here.
    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Option<HttpRequest>, Failure> {
        let Some(answer) = answer else {
            return self.first.take().ok_or_else(out_of_step)?.map(Some);
        };
        let mut page: Value = read(self.operation, &answer)?;
        match page["value"].take() {
            Value::Array(items) => self.items.extend(items),
            _ => return Err(Failure::fatal("provider_unreadable", "a list of Graph's has no value")),
        }
        self.pages += 1;
        match page["@odata.nextLink"].as_str() {
            Some(_) if self.pages >= MOST_PAGES => {
                Err(Failure::fatal("provider_pages_without_end", "a list of Graph's does not come to an end"))
            }
            Some(link) => next_page(&self.api, link)?.build().map(Some),
            None => Ok(None),
        }
    }
}

type Reader<T> = Box<dyn FnOnce(&[Value]) -> Result<T, Failure>>;

struct List<T> {
    pages: Pages,
    read: Option<Reader<T>>,
}

impl<T> Exchange for List<T> {
    type Output = T;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<T>, Failure> {
        if let Some(request) = self.pages.step(answer)? {
            return Ok(Step::Send(request));
        }
        let read = self.read.take().ok_or_else(out_of_step)?;
        read(&self.pages.items).map(Step::Done)
    }
}
