//! A command: one of many kinds, as the protocol frames them.

use super::{
    answers::{
        CommandAckResponse, CommandActiveConsumerChange, CommandAuthChallenge, CommandConnected,
        CommandConsumerStatsResponse, CommandError, CommandGetLastMessageIdResponse,
        CommandGetTopicsOfNamespaceResponse, CommandLookupTopicResponse, CommandMessage,
        CommandPartitionedTopicMetadataResponse, CommandProducerSuccess, CommandReachedEndOfTopic,
        CommandSendError, CommandSendReceipt, CommandSuccess,
    },
    requests::{
        CommandAck, CommandAuthResponse, CommandCloseConsumer, CommandCloseProducer,
        CommandConnect, CommandConsumerStats, CommandFlow, CommandGetLastMessageId,
        CommandGetTopicsOfNamespace, CommandLookupTopic, CommandPartitionedTopicMetadata,
        CommandPing, CommandPong, CommandProducer, CommandRedeliverUnacknowledgedMessages,
        CommandSeek, CommandSend, CommandSubscribe, CommandUnsubscribe,
    },
};

/// A command with the part that its type names.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BaseCommand {
    #[prost(int32, required, tag = "1")]
    pub(crate) r#type: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) connect: Option<CommandConnect>,
    #[prost(message, optional, tag = "3")]
    pub(crate) connected: Option<CommandConnected>,
    #[prost(message, optional, tag = "4")]
    pub(crate) subscribe: Option<CommandSubscribe>,
    #[prost(message, optional, tag = "5")]
    pub(crate) producer: Option<CommandProducer>,
    #[prost(message, optional, tag = "6")]
    pub(crate) send: Option<CommandSend>,
    #[prost(message, optional, tag = "7")]
    pub(crate) send_receipt: Option<CommandSendReceipt>,
    #[prost(message, optional, tag = "8")]
    pub(crate) send_error: Option<CommandSendError>,
    #[prost(message, optional, tag = "9")]
    pub(crate) message: Option<CommandMessage>,
    #[prost(message, optional, tag = "10")]
    pub(crate) ack: Option<CommandAck>,
    #[prost(message, optional, tag = "11")]
    pub(crate) flow: Option<CommandFlow>,
    #[prost(message, optional, tag = "12")]
    pub(crate) unsubscribe: Option<CommandUnsubscribe>,
    #[prost(message, optional, tag = "13")]
    pub(crate) success: Option<CommandSuccess>,
    #[prost(message, optional, tag = "14")]
    pub(crate) error: Option<CommandError>,
    #[prost(message, optional, tag = "15")]
    pub(crate) close_producer: Option<CommandCloseProducer>,
    #[prost(message, optional, tag = "16")]
    pub(crate) close_consumer: Option<CommandCloseConsumer>,
    #[prost(message, optional, tag = "17")]
    pub(crate) producer_success: Option<CommandProducerSuccess>,
    #[prost(message, optional, tag = "18")]
    pub(crate) ping: Option<CommandPing>,
    #[prost(message, optional, tag = "19")]
    pub(crate) pong: Option<CommandPong>,
    #[prost(message, optional, tag = "20")]
    pub(crate) redeliver_unacknowledged_messages: Option<CommandRedeliverUnacknowledgedMessages>,
    #[prost(message, optional, tag = "21")]
    pub(crate) partition_metadata: Option<CommandPartitionedTopicMetadata>,
    #[prost(message, optional, tag = "22")]
    pub(crate) partition_metadata_response: Option<CommandPartitionedTopicMetadataResponse>,
    #[prost(message, optional, tag = "23")]
    pub(crate) lookup_topic: Option<CommandLookupTopic>,
    #[prost(message, optional, tag = "24")]
    pub(crate) lookup_topic_response: Option<CommandLookupTopicResponse>,
    #[prost(message, optional, tag = "25")]
    pub(crate) consumer_stats: Option<CommandConsumerStats>,
    #[prost(message, optional, tag = "26")]
    pub(crate) consumer_stats_response: Option<CommandConsumerStatsResponse>,
    #[prost(message, optional, tag = "27")]
    pub(crate) reached_end_of_topic: Option<CommandReachedEndOfTopic>,
    #[prost(message, optional, tag = "28")]
    pub(crate) seek: Option<CommandSeek>,
    #[prost(message, optional, tag = "29")]
    pub(crate) get_last_message_id: Option<CommandGetLastMessageId>,
    #[prost(message, optional, tag = "30")]
    pub(crate) get_last_message_id_response: Option<CommandGetLastMessageIdResponse>,
    #[prost(message, optional, tag = "31")]
    pub(crate) active_consumer_change: Option<CommandActiveConsumerChange>,
    #[prost(message, optional, tag = "32")]
    pub(crate) get_topics_of_namespace: Option<CommandGetTopicsOfNamespace>,
    #[prost(message, optional, tag = "33")]
    pub(crate) get_topics_of_namespace_response: Option<CommandGetTopicsOfNamespaceResponse>,
    #[prost(message, optional, tag = "36")]
    pub(crate) auth_challenge: Option<CommandAuthChallenge>,
    #[prost(message, optional, tag = "37")]
    pub(crate) auth_response: Option<CommandAuthResponse>,
    #[prost(message, optional, tag = "38")]
    pub(crate) ack_response: Option<CommandAckResponse>,
}

/// The type of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum CommandType {
    Connect = 2,
    Connected = 3,
    Subscribe = 4,
    Producer = 5,
    Send = 6,
    SendReceipt = 7,
    SendError = 8,
    Message = 9,
    Ack = 10,
    Flow = 11,
    Unsubscribe = 12,
    Success = 13,
    Error = 14,
    CloseProducer = 15,
    CloseConsumer = 16,
    ProducerSuccess = 17,
    Ping = 18,
    Pong = 19,
    RedeliverUnacknowledgedMessages = 20,
    PartitionedMetadata = 21,
    PartitionedMetadataResponse = 22,
    Lookup = 23,
    LookupResponse = 24,
    ConsumerStats = 25,
    ConsumerStatsResponse = 26,
    ReachedEndOfTopic = 27,
    Seek = 28,
    GetLastMessageId = 29,
    GetLastMessageIdResponse = 30,
    ActiveConsumerChange = 31,
    GetTopicsOfNamespace = 32,
    GetTopicsOfNamespaceResponse = 33,
    AuthChallenge = 36,
    AuthResponse = 37,
    AckResponse = 38,
}
