//! What brokers answer and deliver.

use super::metadata::MessageIdData;

/// Greets a client.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandConnected {
    #[prost(string, required, tag = "1")]
    pub(crate) server_version: String,
    #[prost(int32, optional, tag = "2")]
    pub(crate) protocol_version: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) max_message_size: Option<i32>,
}

/// Asks for the credentials once more.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandAuthChallenge {
    #[prost(string, optional, tag = "1")]
    pub(crate) server_version: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) protocol_version: Option<i32>,
}

/// How many partitions a topic has.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandPartitionedTopicMetadataResponse {
    #[prost(uint32, optional, tag = "1")]
    pub(crate) partitions: Option<u32>,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
    #[prost(int32, optional, tag = "3")]
    pub(crate) response: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub(crate) error: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub(crate) message: Option<String>,
}

/// Which broker serves a topic.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandLookupTopicResponse {
    #[prost(string, optional, tag = "1")]
    pub(crate) broker_service_url: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) broker_service_url_tls: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) response: Option<i32>,
    #[prost(uint64, required, tag = "4")]
    pub(crate) request_id: u64,
    #[prost(bool, optional, tag = "5")]
    pub(crate) authoritative: Option<bool>,
    #[prost(int32, optional, tag = "6")]
    pub(crate) error: Option<i32>,
    #[prost(string, optional, tag = "7")]
    pub(crate) message: Option<String>,
    #[prost(bool, optional, tag = "8")]
    pub(crate) proxy_through_service_url: Option<bool>,
}

/// An entry is stored.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandSendReceipt {
    #[prost(uint64, required, tag = "1")]
    pub(crate) producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) sequence_id: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) message_id: Option<MessageIdData>,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) highest_sequence_id: Option<u64>,
}

/// An entry was refused.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandSendError {
    #[prost(uint64, required, tag = "1")]
    pub(crate) producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) sequence_id: u64,
    #[prost(int32, required, tag = "3")]
    pub(crate) error: i32,
    #[prost(string, required, tag = "4")]
    pub(crate) message: String,
}

/// Delivers the entry that follows it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandMessage {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(message, required, tag = "2")]
    pub(crate) message_id: MessageIdData,
    #[prost(uint32, optional, tag = "3")]
    pub(crate) redelivery_count: Option<u32>,
    #[prost(int64, repeated, packed = "false", tag = "4")]
    pub(crate) ack_set: Vec<i64>,
}

/// An acknowledgement is stored, or was refused.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandAckResponse {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(int32, optional, tag = "4")]
    pub(crate) error: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub(crate) message: Option<String>,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) request_id: Option<u64>,
}

/// Which consumer gets messages changed (failover).
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandActiveConsumerChange {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(bool, optional, tag = "2")]
    pub(crate) is_active: Option<bool>,
}

/// A terminated topic has no more messages.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandReachedEndOfTopic {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
}

/// A request was done.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandSuccess {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
}

/// A producer is open.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandProducerSuccess {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
    #[prost(string, required, tag = "2")]
    pub(crate) producer_name: String,
    #[prost(int64, optional, tag = "3")]
    pub(crate) last_sequence_id: Option<i64>,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) topic_epoch: Option<u64>,
    #[prost(bool, optional, tag = "6")]
    pub(crate) producer_ready: Option<bool>,
}

/// A request was refused.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandError {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
    #[prost(int32, required, tag = "2")]
    pub(crate) error: i32,
    #[prost(string, required, tag = "3")]
    pub(crate) message: String,
}

/// The state of a consumer.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandConsumerStatsResponse {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
    #[prost(int32, optional, tag = "2")]
    pub(crate) error_code: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub(crate) error_message: Option<String>,
    #[prost(uint64, optional, tag = "9")]
    pub(crate) unacked_messages: Option<u64>,
    #[prost(string, optional, tag = "13")]
    pub(crate) r#type: Option<String>,
    #[prost(uint64, optional, tag = "15")]
    pub(crate) msg_backlog: Option<u64>,
}

/// The id of the last message of a log.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandGetLastMessageIdResponse {
    #[prost(message, required, tag = "1")]
    pub(crate) last_message_id: MessageIdData,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) consumer_mark_delete_position: Option<MessageIdData>,
}

/// The topics of a namespace.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandGetTopicsOfNamespaceResponse {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
    #[prost(string, repeated, tag = "2")]
    pub(crate) topics: Vec<String>,
}

/// What a client does with the answer to a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum LookupType {
    Redirect = 0,
    Connect = 1,
    Failed = 2,
}
