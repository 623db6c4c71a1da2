//! Mail that the provider would have sent: invitations, updates, cancellations.

use std::collections::VecDeque;

use serde::Serialize;

const KEPT: usize = 10_000;

/// One mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// When it was sent, RFC 3339.
    pub at: String,
    /// `invitation`, `update` or `cancellation`.
    pub kind: &'static str,
    /// The organiser's address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The calendar the event is on.
    pub calendar: String,
    /// The event's id at the provider.
    pub event_id: String,
    /// The event's title.
    pub subject: String,
}

/// The mails, oldest first.
#[derive(Debug, Default)]
pub struct Outbox {
    mails: VecDeque<Mail>,
}

impl Outbox {
    /// Sends a mail.
    pub fn send(&mut self, mail: Mail) {
        if self.mails.len() == KEPT {
            self.mails.pop_front();
        }
        self.mails.push_back(mail);
    }

    /// Every mail, oldest first.
    pub fn mails(&self) -> impl Iterator<Item = &Mail> {
        self.mails.iter()
    }
}
