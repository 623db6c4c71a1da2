//! The way to the provider: slow, breaking before or after the call took effect, with a provider behind it that fails and
//! throttles. Counts calls the way the provider would.

use std::rc::Rc;

use huddle_calendar_sync::ports::{Http, HttpError, HttpRequest, HttpResponse};

use crate::{
    breakage::Breakage,
    judge::calls::CallJudge,
    kernel::Kernel,
    providers::{self, Providers, Purpose},
    sabotage,
    weather::{Fate, Sky},
};

/// The adapter gives up on an answer after so many milliseconds.
const TIMEOUT_MILLIS: i64 = 20_000;

/// The network.
pub struct Network {
    kernel: Kernel,
    sky: Rc<Sky>,
    providers: Rc<Providers>,
    judge: Rc<CallJudge>,
    breakage: Breakage,
}

/// What a call meets at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Welcome {
    /// It is answered.
    Answered,
    /// It is refused with 5xx, undone.
    RefusedUndone,
    /// It is done and answered with 5xx.
    RefusedDone,
    /// It is told to slow down.
    Throttled,
}

impl Network {
    /// The way to those providers.
    pub fn new(
        kernel: &Kernel,
        sky: &Rc<Sky>,
        providers: &Rc<Providers>,
        judge: &Rc<CallJudge>,
        breakage: Breakage,
    ) -> Self {
        Self {
            kernel: kernel.clone(),
            sky: Rc::clone(sky),
            providers: Rc::clone(providers),
            judge: Rc::clone(judge),
            breakage,
        }
    }

    fn welcome(&self) -> Welcome {
        let weather = self.sky.weather();
        if self.sky.chance(weather.throttle) {
            return Welcome::Throttled;
        }
        if self.sky.chance(weather.outage) {
            return if self.sky.chance(500) { Welcome::RefusedUndone } else { Welcome::RefusedDone };
        }
        Welcome::Answered
    }

    /// The answer, and how many seconds it asks to wait.
    fn arrive(
        &self,
        request: &HttpRequest,
        purpose: &Purpose,
        welcome: Welcome,
    ) -> (HttpResponse, Option<i64>) {
        let now = self.kernel.now();
        if let (Purpose::Api(Some(_)), true) = (purpose, self.sky.chance(self.sky.weather().expiry)) {
            let token = providers::bearer(request).unwrap_or_default();
            self.providers.grants(|grants| grants.forget_access(token));
        }
        match welcome {
            Welcome::Answered => (self.providers.answer(request, now), None),
            Welcome::RefusedUndone => (self.providers.outage(request, self.sky.dice()), None),
            Welcome::RefusedDone => {
                // Whatever it did, the caller never hears of it.
                let _unheard = self.providers.answer(request, now);
                (self.providers.outage(request, self.sky.dice()), None)
            }
            Welcome::Throttled => self.providers.throttled(request, self.sky.dice(), now),
        }
    }

    fn break_off(&self) -> HttpError {
        if self.sky.chance(500) { HttpError::Timeout } else { HttpError::Network("cut".to_owned()) }
    }
}

impl Http for Network {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = sabotage::request(self.breakage, request);
        let purpose = self.providers.purpose(&request);
        let (fate, welcome) = (self.sky.fate(self.sky.weather().network), self.welcome());
        self.kernel.note(|| {
            let line = format!("{} {}", request.method(), request.uri().path());
            format!("http {line} {purpose:?} {fate:?} {welcome:?}")
        });
        self.kernel.sleep(self.sky.latency()).await;
        match fate {
            Fate::CrashBefore => self.kernel.crash().await,
            Fate::FailsBefore => {
                let error = self.break_off();
                if error == HttpError::Timeout {
                    self.kernel.sleep(TIMEOUT_MILLIS).await;
                }
                return Err(error);
            }
            Fate::Works | Fate::FailsAfter | Fate::CrashAfter => {}
        }
        let isolate = self.kernel.current();
        let _in_flight = self.judge.arrives(isolate, &request, &purpose, self.kernel.now());
        let arrived_at = self.kernel.now();
        let (answer, wait) = self.arrive(&request, &purpose, welcome);
        if request.method() == http::Method::POST && request.uri().path().ends_with("/events") {
            self.judge.created();
        }
        if purpose == Purpose::Exchange {
            self.judge.exchanged(isolate, &answer);
        }
        self.kernel.sleep(self.sky.latency()).await;
        match fate {
            Fate::CrashAfter => self.kernel.crash().await,
            Fate::FailsAfter => Err(self.break_off()),
            _ => {
                self.kernel.note(|| format!("http answer {}", answer.status()));
                // Only who gets the answer knows how long to wait.
                if let (Purpose::Api(Some(grant)), Some(wait)) = (&purpose, wait) {
                    self.judge.told_to_wait(isolate, *grant, arrived_at, wait);
                }
                Ok(answer)
            }
        }
    }
}
