//! The simplest exchange: one request and its answer.

use super::{Exchange, Pending, Step};
use crate::{
    domain::failure::Failure,
    ports::{HttpRequest, HttpResponse},
};

/// An exchange of one request, whose answer `read` turns into the result. A request that could not be built fails when
/// the exchange is driven.
pub fn single<T: 'static>(
    request: Result<HttpRequest, Failure>,
    read: impl FnOnce(&HttpResponse) -> Result<T, Failure> + 'static,
) -> Pending<T> {
    Box::new(Single { request: Some(request), read: Some(read) })
}

/// The failure of an exchange that is driven in an order it does not know: a bug of the driver.
pub fn out_of_step() -> Failure {
    Failure::fatal(
        "exchange_out_of_step",
        "a provider exchange was driven after its end or without its answer",
    )
}

struct Single<F> {
    request: Option<Result<HttpRequest, Failure>>,
    read: Option<F>,
}

impl<T, F: FnOnce(&HttpResponse) -> Result<T, Failure>> Exchange for Single<F> {
    type Output = T;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<T>, Failure> {
        match (self.request.take(), answer) {
            (Some(request), None) => request.map(Step::Send),
            (None, Some(answer)) => {
                let read = self.read.take().ok_or_else(out_of_step)?;
                read(&answer).map(Step::Done)
            }
            _ => Err(out_of_step()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn driving_it_out_of_order_is_an_error_and_no_panic() {
        let request = http::Request::new(Bytes::new());
        let mut exchange = single(Ok(request), |answer| Ok(answer.status().as_u16()));
        assert!(exchange.step(Some(http::Response::new(Bytes::new()))).is_err());
        assert!(exchange.step(None).is_err());
    }
}
