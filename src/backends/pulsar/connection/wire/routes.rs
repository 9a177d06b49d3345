//! Who waits for what arrives on a connection.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use super::commands::{answered_request, refusal};
use crate::{
    backends::pulsar::{
        codec::protocol::{BaseCommand, CommandMessage, MessageIdData, Payload},
        error::{connection_lost, from_server},
    },
    transport::{Result, TransportError},
};

/// What happens to a producer.
#[derive(Debug)]
pub(crate) enum ProducerEvent {
    /// A message is stored.
    Stored(u64, Option<MessageIdData>),
    /// A message was refused.
    Refused(u64, TransportError),
    /// The broker or the connection closed the producer.
    Closed(TransportError),
}

/// What happens to a consumer.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are entries")]
pub(crate) enum ConsumerEvent {
    /// An entry arrived.
    Entry(CommandMessage, Payload),
    /// The broker or the connection closed the consumer.
    Closed(TransportError),
}

/// The open requests, producers and consumers of a connection.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub(super) requests: HashMap<u64, oneshot::Sender<Result<BaseCommand>>>,
    pub(super) producers: HashMap<u64, mpsc::UnboundedSender<ProducerEvent>>,
    pub(super) consumers: HashMap<u64, mpsc::UnboundedSender<ConsumerEvent>>,
    /// Why the connection ended.
    pub(super) lost: Option<TransportError>,
}

impl Routes {
    /// Hands what arrived to whom it concerns.
    pub(super) fn dispatch(&mut self, command: BaseCommand, payload: Option<Payload>) {
        if let Some(id) = answered_request(&command) {
            let result = refusal(&command).map_or(Ok(command), Err);
            if let Some(waiting) = self.requests.remove(&id) {
                // A request whose caller gave up needs no answer.
                let _ = waiting.send(result);
            }
        } else if let Some(message) = command.message {
            let id = message.consumer_id;
            if let Some(payload) = payload {
                self.to_consumer(id, ConsumerEvent::Entry(message, payload));
            }
        } else if let Some(receipt) = command.send_receipt {
            let stored = ProducerEvent::Stored(receipt.sequence_id, receipt.message_id);
            self.to_producer(receipt.producer_id, stored);
        } else if let Some(failed) = command.send_error {
            let refused = from_server(failed.error, &failed.message);
            let event = ProducerEvent::Refused(failed.sequence_id, refused);
            self.to_producer(failed.producer_id, event);
        } else if let Some(closed) = command.close_producer {
            let why = connection_lost("it closed the producer");
            self.to_producer(closed.producer_id, ProducerEvent::Closed(why));
            self.producers.remove(&closed.producer_id);
        } else if let Some(closed) = command.close_consumer {
            let why = connection_lost("it closed the consumer");
            self.to_consumer(closed.consumer_id, ConsumerEvent::Closed(why));
            self.consumers.remove(&closed.consumer_id);
        }
    }

    fn to_producer(&self, id: u64, event: ProducerEvent) {
        if let Some(producer) = self.producers.get(&id) {
            let _ = producer.send(event);
        }
    }

    fn to_consumer(&self, id: u64, event: ConsumerEvent) {
        if let Some(consumer) = self.consumers.get(&id) {
            let _ = consumer.send(event);
        }
    }

    /// Ends everything that waits for the connection.
    pub(super) fn lose(&mut self, why: &TransportError) {
        self.lost.get_or_insert_with(|| why.clone());
        for (_, waiting) in self.requests.drain() {
            let _ = waiting.send(Err(why.clone()));
        }
        for (_, producer) in self.producers.drain() {
            let _ = producer.send(ProducerEvent::Closed(why.clone()));
        }
        for (_, consumer) in self.consumers.drain() {
            let _ = consumer.send(ConsumerEvent::Closed(why.clone()));
        }
    }
}
