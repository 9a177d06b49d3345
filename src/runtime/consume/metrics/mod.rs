//! Metrics of a consumer, through the `metrics` facade: nothing is kept or sent unless the program installs a recorder.
//!
//! Names follow OpenTelemetry's semantic conventions for messaging where these have one.

pub(super) mod backlog;
pub(super) mod meters;

use metrics::{Label, Unit};

use crate::event::Group;

/// Deliveries by outcome.
const CONSUMED: &str = "messaging.client.consumed.messages";
/// How long the handler took.
const HANDLED: &str = "messaging.process.duration";
/// Dead letters by kind.
const DEAD_LETTERS: &str = "protoflow.dead_letters";
/// Deliveries in flight.
const IN_FLIGHT: &str = "protoflow.in_flight";
/// What the group has not finished, ...
const LAG: &str = "protoflow.consumer.lag";
/// ... and the age of the oldest.
const OLDEST: &str = "protoflow.consumer.oldest.age";

/// The label of a topic.
const TOPIC: &str = "messaging.destination.name";

/// The most topics with series of their own.
const MOST_TOPICS: usize = 100;
/// The name under which all others are counted, and what belongs to no topic.
const OTHER: &str = "other";

/// Returns the labels that every metric of a consumer has.
fn labels(system: &'static str, group: &Group) -> Vec<Label> {
    vec![
        Label::new("messaging.system", system),
        Label::new("messaging.consumer.group.name", group.as_str().to_owned()),
    ]
}

/// Returns the same labels and that of a topic.
fn with_topic(labels: &[Label], topic: &str) -> Vec<Label> {
    let mut labels = labels.to_vec();
    labels.push(Label::new(TOPIC, topic.to_owned()));
    labels
}

/// Tells the recorder what the metrics mean.
fn describe() {
    metrics::describe_counter!(
        CONSUMED,
        Unit::Count,
        "Deliveries that were settled, by outcome"
    );
    metrics::describe_histogram!(HANDLED, Unit::Seconds, "Time that the handler took");
    metrics::describe_counter!(DEAD_LETTERS, Unit::Count, "Dead letters, by kind");
    metrics::describe_gauge!(
        IN_FLIGHT,
        Unit::Count,
        "Deliveries taken and not settled by this consumer"
    );
    metrics::describe_gauge!(
        LAG,
        Unit::Count,
        "Events that the group has not finished, the same on all of its consumers"
    );
    metrics::describe_gauge!(
        OLDEST,
        Unit::Seconds,
        "Age of the oldest event that the group has not finished"
    );
}
