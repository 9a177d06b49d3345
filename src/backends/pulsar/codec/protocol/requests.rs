//! What clients ask of a broker.

use super::metadata::{KeyValue, MessageIdData};

/// Opens a connection.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandConnect {
    #[prost(string, required, tag = "1")]
    pub(crate) client_version: String,
    #[prost(string, optional, tag = "5")]
    pub(crate) auth_method_name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(crate) auth_data: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "4")]
    pub(crate) protocol_version: Option<i32>,
    #[prost(string, optional, tag = "6")]
    pub(crate) proxy_to_broker_url: Option<String>,
    #[prost(message, optional, tag = "10")]
    pub(crate) feature_flags: Option<FeatureFlags>,
}

/// What a client can do.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FeatureFlags {
    #[prost(bool, optional, tag = "1")]
    pub(crate) supports_auth_refresh: Option<bool>,
}

/// Answers a challenge.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandAuthResponse {
    #[prost(string, optional, tag = "1")]
    pub(crate) client_version: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) response: Option<AuthData>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) protocol_version: Option<i32>,
}

/// Credentials.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthData {
    #[prost(string, optional, tag = "1")]
    pub(crate) auth_method_name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(crate) auth_data: Option<Vec<u8>>,
}

/// Joins a subscription.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandSubscribe {
    #[prost(string, required, tag = "1")]
    pub(crate) topic: String,
    #[prost(string, required, tag = "2")]
    pub(crate) subscription: String,
    #[prost(int32, required, tag = "3")]
    pub(crate) sub_type: i32,
    #[prost(uint64, required, tag = "4")]
    pub(crate) consumer_id: u64,
    #[prost(uint64, required, tag = "5")]
    pub(crate) request_id: u64,
    #[prost(string, optional, tag = "6")]
    pub(crate) consumer_name: Option<String>,
    #[prost(bool, optional, tag = "8")]
    pub(crate) durable: Option<bool>,
    #[prost(message, optional, tag = "9")]
    pub(crate) start_message_id: Option<MessageIdData>,
    #[prost(message, repeated, tag = "10")]
    pub(crate) metadata: Vec<KeyValue>,
    #[prost(bool, optional, tag = "11")]
    pub(crate) read_compacted: Option<bool>,
    #[prost(int32, optional, tag = "13")]
    pub(crate) initial_position: Option<i32>,
    #[prost(bool, optional, tag = "15")]
    pub(crate) force_topic_creation: Option<bool>,
    #[prost(uint64, optional, tag = "16")]
    pub(crate) start_message_rollback_duration_sec: Option<u64>,
    #[prost(message, repeated, tag = "18")]
    pub(crate) subscription_properties: Vec<KeyValue>,
}

/// Asks how many partitions a topic has.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandPartitionedTopicMetadata {
    #[prost(string, required, tag = "1")]
    pub(crate) topic: String,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
    #[prost(bool, optional, tag = "6")]
    pub(crate) metadata_auto_creation_enabled: Option<bool>,
}

/// Asks which broker serves a topic.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandLookupTopic {
    #[prost(string, required, tag = "1")]
    pub(crate) topic: String,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
    #[prost(bool, optional, tag = "3")]
    pub(crate) authoritative: Option<bool>,
}

/// Opens a producer.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandProducer {
    #[prost(string, required, tag = "1")]
    pub(crate) topic: String,
    #[prost(uint64, required, tag = "2")]
    pub(crate) producer_id: u64,
    #[prost(uint64, required, tag = "3")]
    pub(crate) request_id: u64,
    #[prost(string, optional, tag = "4")]
    pub(crate) producer_name: Option<String>,
    #[prost(uint64, optional, tag = "8")]
    pub(crate) epoch: Option<u64>,
    #[prost(bool, optional, tag = "9")]
    pub(crate) user_provided_producer_name: Option<bool>,
    #[prost(int32, optional, tag = "10")]
    pub(crate) producer_access_mode: Option<i32>,
    #[prost(uint64, optional, tag = "11")]
    pub(crate) topic_epoch: Option<u64>,
}

/// Stores the entry that follows it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandSend {
    #[prost(uint64, required, tag = "1")]
    pub(crate) producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) sequence_id: u64,
    #[prost(int32, optional, tag = "3")]
    pub(crate) num_messages: Option<i32>,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) highest_sequence_id: Option<u64>,
    #[prost(bool, optional, tag = "7")]
    pub(crate) is_chunk: Option<bool>,
}

/// Acknowledges entries.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandAck {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(int32, required, tag = "2")]
    pub(crate) ack_type: i32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) message_id: Vec<MessageIdData>,
    #[prost(uint64, optional, tag = "8")]
    pub(crate) request_id: Option<u64>,
}

/// Permits more messages.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandFlow {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(uint32, required, tag = "2")]
    pub(crate) message_permits: u32,
}

/// Removes a subscription.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandUnsubscribe {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
}

/// Moves the position of a subscription.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandSeek {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) message_id: Option<MessageIdData>,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) message_publish_time: Option<u64>,
}

/// Closes a producer; sent by either side.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandCloseProducer {
    #[prost(uint64, required, tag = "1")]
    pub(crate) producer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
}

/// Closes a consumer; sent by either side.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandCloseConsumer {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
}

/// Gives entries back.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandRedeliverUnacknowledgedMessages {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) message_ids: Vec<MessageIdData>,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) consumer_epoch: Option<u64>,
}

/// Asks for the state of a consumer.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandConsumerStats {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
    #[prost(uint64, required, tag = "4")]
    pub(crate) consumer_id: u64,
}

/// Asks for the id of the last message of a log.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandGetLastMessageId {
    #[prost(uint64, required, tag = "1")]
    pub(crate) consumer_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub(crate) request_id: u64,
}

/// Asks for the topics of a namespace.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommandGetTopicsOfNamespace {
    #[prost(uint64, required, tag = "1")]
    pub(crate) request_id: u64,
    #[prost(string, required, tag = "2")]
    pub(crate) namespace: String,
    #[prost(int32, optional, tag = "3")]
    pub(crate) mode: Option<i32>,
}

/// Asks whether the other side is there; sent by either side.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct CommandPing {}

/// Answers a ping.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct CommandPong {}

/// The type of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SubType {
    Exclusive = 0,
    Shared = 1,
    Failover = 2,
    KeyShared = 3,
}

/// Where a new subscription starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum InitialPosition {
    Latest = 0,
    Earliest = 1,
}

/// Which entries an acknowledgement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum AckType {
    /// These.
    Individual = 0,
    /// Everything up to this one.
    Cumulative = 1,
}

/// How a producer shares its topic with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum ProducerAccessMode {
    Shared = 0,
    /// Refused while there is another.
    Exclusive = 1,
    /// Waits for its turn.
    WaitForExclusive = 2,
    /// Puts the other one out.
    ExclusiveWithFencing = 3,
}
