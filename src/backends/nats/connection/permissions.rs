//! Permissions that the user lacks.
//!
//! The server reports them on the connection and does not name the request: a pull request, a subscription or an
//! acknowledgement that is denied gets no answer at all. Whatever waits for an answer therefore listens here too, or it
//! would wait until its timeout and then blame the connection.

use std::{collections::VecDeque, sync::MutexGuard};

use async_nats::{Event, ServerError};
use tokio::{sync::watch, time::Instant};

use crate::{
    backends::nats::{connection::names::covers, error::error},
    lock::Mutex,
    transport::{ErrorKind, Result, TransportError},
};

/// The most denials that are kept.
const MAX_DENIALS: usize = 256;

/// A request or subscription that the server denied.
#[derive(Debug)]
struct Denial {
    subject: String,
    text: String,
    /// A subscription stays denied for as long as the connection.
    is_subscription: bool,
    at: Instant,
}

/// The denials of a connection.
#[derive(Debug)]
pub(crate) struct Denials {
    /// The prefix of the subjects at which answers arrive, with a dot.
    inbox: String,
    kept: Mutex<VecDeque<Denial>>,
    news: watch::Sender<()>,
}

impl Denial {
    fn read(text: &str, inbox: &str) -> Option<Self> {
        let text = text.trim_start_matches("nats: ");
        let lower = text.to_lowercase();
        let denial = |subject: &str, is_subscription| Self {
            subject: subject.to_owned(),
            text: text.to_owned(),
            is_subscription,
            at: Instant::now(),
        };
        if lower.contains("maximum subscriptions exceeded") {
            return Some(denial(inbox, true));
        }
        if !lower.contains("permissions violation") {
            return None;
        }
        let subject = text.split('"').nth(1)?;
        let is_reply = lower.contains("with reply of");
        Some(denial(subject, is_reply || lower.contains("subscription")))
    }

    /// Reports whether a request gets no answer: it may not be sent, or its answer may not be received.
    fn affects(&self, subject: &str, since: Instant, inbox: &str) -> bool {
        if self.is_subscription {
            return self.subject.starts_with(inbox) || covers(&self.subject, subject);
        }
        self.subject == subject && self.at >= since
    }

    fn error(&self, inbox: &str) -> TransportError {
        let hint = if self.is_subscription {
            format!(
                "answers and messages arrive at `{inbox}>`: the user needs permission to subscribe to it, or \
                 `inbox-prefix=` in the URL names the subject that the user may subscribe to"
            )
        } else {
            let subject = &self.subject;
            format!("the user needs permission to publish to `{subject}`")
        };
        error(ErrorKind::Denied, self.text.clone()).hint(hint)
    }
}

impl Denials {
    /// Starts without denials; answers arrive at subjects with this prefix.
    pub(crate) fn new(inbox_prefix: &str) -> Self {
        Self {
            inbox: format!("{inbox_prefix}."),
            kept: Mutex::default(),
            news: watch::Sender::default(),
        }
    }

    /// Records a denial that the server reports on the connection.
    pub(crate) fn record(&self, event: &Event) {
        match event {
            Event::Connected => self.kept().retain(|denial| !denial.is_subscription),
            Event::ServerError(ServerError::Other(text)) => {
                let Some(denial) = Denial::read(text, &self.inbox) else {
                    return;
                };
                let mut kept = self.kept();
                if kept.len() >= MAX_DENIALS {
                    kept.pop_front();
                }
                kept.push_back(denial);
                drop(kept);
                self.news.send_replace(());
            }
            _ => {}
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Denial>> {
        self.kept.lock()
    }

    /// Returns a receiver that changes with the next denial.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Returns the denial of a request that was sent at a given time, if there is one.
    pub(crate) fn of(&self, subject: &str, since: Instant) -> Option<TransportError> {
        let kept = self.kept();
        let mut denials = kept.iter();
        let denial = denials.find(|denial| denial.affects(subject, since, &self.inbox))?;
        Some(denial.error(&self.inbox))
    }

    /// Waits for the answer to a request, or until the server denies the request or its answer.
    ///
    /// # Errors
    /// If it is denied.
    pub(crate) async fn or_denied<T>(
        &self,
        subject: &str,
        answer: impl Future<Output = T>,
    ) -> Result<T> {
        let since = Instant::now();
        let mut news = self.listen();
        if let Some(denied) = self.of(subject, since) {
            return Err(denied);
        }
        tokio::pin!(answer);
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return Ok(answer),
                _ = news.changed() => {
                    if let Some(denied) = self.of(subject, since) {
                        return Err(denied);
                    }
                }
            }
        }
    }

    /// Returns why no answer can be received, if that is denied.
    pub(crate) fn of_answers(&self) -> Option<TransportError> {
        let kept = self.kept();
        let denial = kept.iter().find(|denial| denial.is_subscription)?;
        Some(denial.error(&self.inbox))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(texts: &[&str]) -> Denials {
        let denials = Denials::new("_INBOX");
        for text in texts {
            denials.record(&Event::ServerError(ServerError::Other((*text).to_owned())));
        }
        denials
    }

    #[test]
    fn a_denied_request_is_distinguished_from_others() {
        let since = Instant::now();
        let text = r#"Permissions Violation for Publish to "$JS.API.CONSUMER.MSG.NEXT.S.g""#;
        let denials = denied(&["something else", text]);
        let denial = denials.of("$JS.API.CONSUMER.MSG.NEXT.S.g", since).unwrap();
        assert_eq!(denial.kind(), ErrorKind::Denied);
        assert!(denial.to_string().contains("MSG.NEXT.S.g"), "{denial}");
        assert!(denials.of("$JS.API.STREAM.INFO.S", since).is_none());
        let later = Instant::now() + std::time::Duration::from_secs(1);
        assert!(denials.of("$JS.API.CONSUMER.MSG.NEXT.S.g", later).is_none());
        assert!(denials.of_answers().is_none());
    }

    #[test]
    fn no_answer_is_received_without_an_inbox_until_the_next_connection() {
        let text = r#"Permissions Violation for Subscription to "_INBOX.x.*" (sid "1")"#;
        let denials = denied(&[text]);
        assert!(
            denials
                .of("$JS.API.STREAM.INFO.S", Instant::now())
                .is_some()
        );
        denials.record(&Event::Connected);
        assert!(denials.of_answers().is_none());
    }
}
