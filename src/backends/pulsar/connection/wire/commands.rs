//! Commands of the protocol, and what their answers say.

use crate::{
    backends::pulsar::{
        codec::protocol::{
            AckType, AuthData, BaseCommand, CommandAck, CommandAuthResponse, CommandCloseConsumer,
            CommandCloseProducer, CommandConnect, CommandConsumerStats, CommandFlow,
            CommandGetLastMessageId, CommandGetTopicsOfNamespace, CommandLookupTopic,
            CommandPartitionedTopicMetadata, CommandPing, CommandPong, CommandProducer,
            CommandSend, CommandSubscribe, CommandType, CommandUnsubscribe, FeatureFlags,
            MessageIdData,
        },
        error::{error, from_server},
    },
    transport::{ErrorKind, TransportError},
};

/// The version of the protocol that is spoken; acknowledgements are confirmed since 17.
const PROTOCOL: i32 = 19;
/// How the client names itself.
const CLIENT: &str = concat!("Protoflow-v", env!("CARGO_PKG_VERSION"));

fn command(kind: CommandType) -> BaseCommand {
    BaseCommand {
        r#type: kind as i32,
        ..BaseCommand::default()
    }
}

/// Opens a connection; through a proxy, to the broker of this address.
pub(crate) fn connect(token: Option<&str>, behind_proxy: Option<&str>) -> BaseCommand {
    BaseCommand {
        connect: Some(CommandConnect {
            client_version: CLIENT.to_owned(),
            auth_method_name: token.map(|_| "token".to_owned()),
            auth_data: token.map(|token| token.as_bytes().to_vec()),
            protocol_version: Some(PROTOCOL),
            proxy_to_broker_url: behind_proxy.map(str::to_owned),
            feature_flags: Some(FeatureFlags {
                supports_auth_refresh: Some(true),
            }),
        }),
        ..command(CommandType::Connect)
    }
}

/// Answers a broker that asks for the credentials once more.
pub(crate) fn auth_response(token: Option<&str>) -> BaseCommand {
    BaseCommand {
        auth_response: Some(CommandAuthResponse {
            client_version: Some(CLIENT.to_owned()),
            response: Some(AuthData {
                auth_method_name: Some(token.map_or("none", |_| "token").to_owned()),
                auth_data: Some(token.unwrap_or_default().as_bytes().to_vec()),
            }),
            protocol_version: Some(PROTOCOL),
        }),
        ..command(CommandType::AuthResponse)
    }
}

pub(crate) fn ping() -> BaseCommand {
    BaseCommand {
        ping: Some(CommandPing::default()),
        ..command(CommandType::Ping)
    }
}

pub(crate) fn pong() -> BaseCommand {
    BaseCommand {
        pong: Some(CommandPong::default()),
        ..command(CommandType::Pong)
    }
}

/// Asks which broker serves a topic.
pub(crate) fn lookup(request_id: u64, topic: &str, authoritative: bool) -> BaseCommand {
    BaseCommand {
        lookup_topic: Some(CommandLookupTopic {
            topic: topic.to_owned(),
            request_id,
            authoritative: Some(authoritative),
        }),
        ..command(CommandType::Lookup)
    }
}

/// Asks how many partitions a topic has.
pub(crate) fn partitions(request_id: u64, topic: &str) -> BaseCommand {
    BaseCommand {
        partition_metadata: Some(CommandPartitionedTopicMetadata {
            topic: topic.to_owned(),
            request_id,
            metadata_auto_creation_enabled: Some(false),
        }),
        ..command(CommandType::PartitionedMetadata)
    }
}

/// Asks which topics a namespace has.
pub(crate) fn topics(request_id: u64, namespace: &str) -> BaseCommand {
    BaseCommand {
        get_topics_of_namespace: Some(CommandGetTopicsOfNamespace {
            request_id,
            namespace: namespace.to_owned(),
            ..CommandGetTopicsOfNamespace::default()
        }),
        ..command(CommandType::GetTopicsOfNamespace)
    }
}

pub(crate) fn producer(producer: CommandProducer) -> BaseCommand {
    BaseCommand {
        producer: Some(producer),
        ..command(CommandType::Producer)
    }
}

pub(crate) fn send(producer_id: u64, sequence_id: u64, is_chunk: bool) -> BaseCommand {
    BaseCommand {
        send: Some(CommandSend {
            producer_id,
            sequence_id,
            is_chunk: is_chunk.then_some(true),
            ..CommandSend::default()
        }),
        ..command(CommandType::Send)
    }
}

pub(crate) fn close_producer(request_id: u64, producer_id: u64) -> BaseCommand {
    BaseCommand {
        close_producer: Some(CommandCloseProducer {
            producer_id,
            request_id,
        }),
        ..command(CommandType::CloseProducer)
    }
}

pub(crate) fn subscribe(subscribe: CommandSubscribe) -> BaseCommand {
    BaseCommand {
        subscribe: Some(subscribe),
        ..command(CommandType::Subscribe)
    }
}

/// Lets the broker send this many messages more.
pub(crate) fn flow(consumer_id: u64, message_permits: u32) -> BaseCommand {
    BaseCommand {
        flow: Some(CommandFlow {
            consumer_id,
            message_permits,
        }),
        ..command(CommandType::Flow)
    }
}

/// Acknowledges entries; the broker confirms it.
pub(crate) fn ack(
    request_id: u64,
    consumer_id: u64,
    kind: AckType,
    entries: Vec<MessageIdData>,
) -> BaseCommand {
    BaseCommand {
        ack: Some(CommandAck {
            consumer_id,
            ack_type: kind as i32,
            message_id: entries,
            request_id: Some(request_id),
        }),
        ..command(CommandType::Ack)
    }
}

pub(crate) fn last_id(request_id: u64, consumer_id: u64) -> BaseCommand {
    BaseCommand {
        get_last_message_id: Some(CommandGetLastMessageId {
            consumer_id,
            request_id,
        }),
        ..command(CommandType::GetLastMessageId)
    }
}

/// Asks for the backlog of a consumer's subscription.
pub(crate) fn consumer_stats(request_id: u64, consumer_id: u64) -> BaseCommand {
    BaseCommand {
        consumer_stats: Some(CommandConsumerStats {
            request_id,
            consumer_id,
        }),
        ..command(CommandType::ConsumerStats)
    }
}

pub(crate) fn close_consumer(request_id: u64, consumer_id: u64) -> BaseCommand {
    BaseCommand {
        close_consumer: Some(CommandCloseConsumer {
            consumer_id,
            request_id,
        }),
        ..command(CommandType::CloseConsumer)
    }
}

pub(crate) fn unsubscribe(request_id: u64, consumer_id: u64) -> BaseCommand {
    BaseCommand {
        unsubscribe: Some(CommandUnsubscribe {
            consumer_id,
            request_id,
        }),
        ..command(CommandType::Unsubscribe)
    }
}

/// Returns the request that a command answers.
pub(crate) fn answered_request(answer: &BaseCommand) -> Option<u64> {
    let BaseCommand {
        success,
        error,
        producer_success,
        lookup_topic_response,
        partition_metadata_response,
        get_topics_of_namespace_response,
        get_last_message_id_response,
        ack_response,
        consumer_stats_response,
        ..
    } = answer;
    success
        .as_ref()
        .map(|one| one.request_id)
        .or_else(|| error.as_ref().map(|one| one.request_id))
        .or_else(|| {
            // One that is not ready yet is followed by another.
            let ready = producer_success
                .as_ref()
                .filter(|one| one.producer_ready.unwrap_or(true));
            ready.map(|one| one.request_id)
        })
        .or_else(|| lookup_topic_response.as_ref().map(|one| one.request_id))
        .or_else(|| {
            partition_metadata_response
                .as_ref()
                .map(|one| one.request_id)
        })
        .or_else(|| {
            get_topics_of_namespace_response
                .as_ref()
                .map(|one| one.request_id)
        })
        .or_else(|| {
            get_last_message_id_response
                .as_ref()
                .map(|one| one.request_id)
        })
        .or_else(|| consumer_stats_response.as_ref().map(|one| one.request_id))
        .or_else(|| ack_response.as_ref().and_then(|one| one.request_id))
}

/// Returns why the broker refused what this answers.
pub(crate) fn refusal(answer: &BaseCommand) -> Option<TransportError> {
    if let Some(failed) = &answer.error {
        return Some(from_server(failed.error, &failed.message));
    }
    if let Some(stats) = &answer.consumer_stats_response {
        let text = stats.error_message.as_deref().unwrap_or_default();
        return stats.error_code.map(|code| from_server(code, text));
    }
    let ack = answer.ack_response.as_ref()?;
    let text = ack.message.as_deref().unwrap_or_default();
    ack.error.map(|code| from_server(code, text))
}

/// Returns the error of an answer of another kind than the request has.
pub(crate) fn unexpected(what: &str) -> TransportError {
    error(
        ErrorKind::Other,
        format!("the broker sent an unexpected answer to a {what}"),
    )
}
