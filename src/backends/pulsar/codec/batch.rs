//! The messages of an entry: one, or a compressed batch of many, as other clients write them by default.

use std::io::Read as _;

use super::protocol::{CommandMessage, CompressionType, MessageMetadata, SingleMessageMetadata};
use bytes::{Buf as _, Bytes};
use prost::Message as _;

use super::{
    message::{Inbound, key_bytes},
    message_id::MessageId,
    properties,
};
use crate::{
    backends::pulsar::error::error,
    event::from_unix_millis,
    transport::{ErrorKind, Result},
};

/// The most bytes that a compressed entry is unpacked to.
pub(super) const LARGEST: usize = 256 << 20;

/// An entry of a topic.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: MessageId,
    /// How many messages it has; the entry is acknowledged once all of them are settled.
    pub(crate) size: usize,
    /// The messages that are there to be read: some may have been acknowledged or compacted.
    pub(crate) messages: Vec<Inbound>,
    /// The entry is a part of a message, and has none itself.
    pub(crate) chunk: Option<Chunk>,
}

/// An entry that is a part of a message.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(super) metadata: MessageMetadata,
    pub(super) data: Bytes,
}

impl Chunk {
    /// Reports whether the entry with this metadata is a chunk.
    fn is_one(metadata: &MessageMetadata) -> bool {
        metadata.num_chunks_from_msg.unwrap_or(0) > 1 && metadata.uuid.is_some()
    }
}

impl Entry {
    /// Reads an entry.
    pub(crate) fn read(
        command: &CommandMessage,
        metadata: MessageMetadata,
        payload: Bytes,
    ) -> Result<Self> {
        let id = MessageId::of_entry(&command.message_id);
        if Chunk::is_one(&metadata) {
            return Ok(Self {
                id,
                size: 1,
                messages: Vec::new(),
                chunk: Some(Chunk {
                    metadata,
                    data: payload,
                }),
            });
        }
        Self::unpack(id, metadata, payload, &command.ack_set)
    }

    /// Unpacks an entry that is not a chunk, or all chunks of a message.
    pub(super) fn unpack(
        id: MessageId,
        metadata: MessageMetadata,
        payload: Bytes,
        ack_set: &[i64],
    ) -> Result<Self> {
        let payload = unpack(&metadata, payload)?;
        let (size, messages) = match metadata.num_messages_in_batch {
            None => (1, vec![single(id, metadata, payload)]),
            Some(count) => {
                let count = usize::try_from(count).unwrap_or(0);
                let members = members(id, count, &metadata, payload, ack_set)?;
                (count, members)
            }
        };
        Ok(Self {
            id,
            size,
            messages,
            chunk: None,
        })
    }

    /// Returns the other entries of its message, which are acknowledged with it.
    pub(crate) fn parts(&self) -> &[MessageId] {
        self.messages.first().map_or(&[], |message| &message.parts)
    }

    /// Returns roughly how many bytes it needs.
    pub(crate) fn bytes(&self) -> usize {
        let payload = |message: &Inbound| message.payload.as_ref().map_or(0, Bytes::len);
        let chunk = self.chunk.as_ref().map_or(0, |chunk| chunk.data.len());
        chunk + self.messages.iter().map(payload).sum::<usize>()
    }
}

fn single(id: MessageId, metadata: MessageMetadata, payload: Bytes) -> Inbound {
    let (headers, marks) = properties::read(metadata.properties);
    let is_encoded = metadata.partition_key_b64_encoded.unwrap_or(false);
    let is_null = metadata.null_value.unwrap_or(false);
    Inbound {
        id,
        parts: Vec::new(),
        key: metadata.partition_key.map(|key| key_bytes(key, is_encoded)),
        headers,
        marks,
        payload: (!is_null).then_some(payload),
        time: from_unix_millis(metadata.publish_time),
        due: due(metadata.deliver_at_time),
    }
}

fn due(millis: Option<i64>) -> Option<std::time::SystemTime> {
    let millis = millis.filter(|millis| *millis > 0)?;
    Some(from_unix_millis(millis.cast_unsigned()))
}

fn members(
    id: MessageId,
    count: usize,
    batch: &MessageMetadata,
    mut payload: Bytes,
    ack_set: &[i64],
) -> Result<Vec<Inbound>> {
    let mut members = Vec::with_capacity(count.min(1000));
    for index in 0..count {
        let (metadata, bytes) = member(&mut payload).ok_or_else(|| damaged(id))?;
        if metadata.compacted_out.unwrap_or(false) || is_acknowledged(ack_set, index) {
            continue;
        }
        let (headers, marks) = properties::read(metadata.properties);
        let is_encoded = metadata.partition_key_b64_encoded.unwrap_or(false);
        let is_null = metadata.null_value.unwrap_or(false);
        members.push(Inbound {
            id: MessageId {
                batch_index: i32::try_from(index).unwrap_or(i32::MAX),
                ..id
            },
            parts: Vec::new(),
            key: metadata.partition_key.map(|key| key_bytes(key, is_encoded)),
            headers,
            marks,
            payload: (!is_null).then_some(bytes),
            time: from_unix_millis(batch.publish_time),
            due: due(batch.deliver_at_time),
        });
    }
    Ok(members)
}

/// Takes the next member out of the bytes of a batch.
fn member(payload: &mut Bytes) -> Option<(SingleMessageMetadata, Bytes)> {
    let length = usize::try_from(payload.try_get_u32().ok()?).ok()?;
    if payload.len() < length {
        return None;
    }
    let metadata = SingleMessageMetadata::decode(payload.split_to(length)).ok()?;
    let size = usize::try_from(metadata.payload_size).ok()?;
    (payload.len() >= size).then(|| (metadata, payload.split_to(size)))
}

/// A broker that acknowledges single members sends a set of those that are left: words of 64 bits, the lowest first.
fn is_acknowledged(ack_set: &[i64], index: usize) -> bool {
    let Some(word) = ack_set.get(index / 64) else {
        return !ack_set.is_empty();
    };
    word >> (index % 64) & 1 == 0
}

fn unpack(metadata: &MessageMetadata, payload: Bytes) -> Result<Bytes> {
    let size = usize::try_from(metadata.uncompressed_size.unwrap_or(0)).unwrap_or(0);
    let size = size.min(LARGEST);
    let kind = CompressionType::try_from(metadata.compression.unwrap_or(0));
    let unpacked = match kind {
        Ok(CompressionType::None) => return Ok(payload),
        Ok(CompressionType::Lz4) => lz4_flex::block::decompress(&payload, size).ok(),
        Ok(CompressionType::Zlib) => {
            read_exactly(flate2::read::ZlibDecoder::new(&payload[..]), size)
        }
        Ok(CompressionType::Zstd) => zstd::bulk::decompress(&payload, size).ok(),
        Ok(CompressionType::Snappy) => snap::raw::Decoder::new().decompress_vec(&payload).ok(),
        Err(_) => None,
    };
    unpacked.map(Bytes::from).ok_or_else(|| {
        error(
            ErrorKind::Corrupt,
            "the broker sent a compressed entry that cannot be unpacked",
        )
    })
}

/// Reads exactly `size` bytes. The stream may lack its end: Java's client flushes it and does not finish it.
fn read_exactly(decoder: impl std::io::Read, size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(size);
    let limit = u64::try_from(size).ok()?;
    decoder.take(limit).read_to_end(&mut out).ok()?;
    (out.len() == size).then_some(out)
}

fn damaged(id: MessageId) -> crate::transport::TransportError {
    let message = format!("the entry {} is not a valid batch", id.text());
    error(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests {
    use crate::backends::pulsar::codec::protocol::{KeyValue, MessageIdData};

    use super::*;

    fn batch(count: i32) -> Vec<u8> {
        let mut out = Vec::new();
        for number in 0..count {
            let body = format!("m{number}");
            let metadata = SingleMessageMetadata {
                payload_size: i32::try_from(body.len()).unwrap(),
                partition_key: Some("k".to_owned()),
                properties: vec![KeyValue {
                    key: "n".to_owned(),
                    value: number.to_string(),
                }],
                ..SingleMessageMetadata::default()
            };
            let length = u32::try_from(metadata.encoded_len()).unwrap();
            out.extend(length.to_be_bytes());
            out.extend(metadata.encode_to_vec());
            out.extend(body.into_bytes());
        }
        out
    }

    fn command(ack_set: Vec<i64>) -> CommandMessage {
        CommandMessage {
            message_id: MessageIdData {
                ledger_id: 4,
                entry_id: 2,
                ..MessageIdData::default()
            },
            ack_set,
            ..CommandMessage::default()
        }
    }

    fn metadata(size: usize, kind: CompressionType) -> MessageMetadata {
        MessageMetadata {
            num_messages_in_batch: Some(3),
            uncompressed_size: u32::try_from(size).ok(),
            compression: Some(kind as i32),
            ..MessageMetadata::default()
        }
    }

    fn payloads(entry: &Entry) -> Vec<&[u8]> {
        let payload = |message: &'_ Inbound| message.payload.clone().unwrap().len();
        assert!(entry.messages.iter().map(payload).all(|length| length == 2));
        entry
            .messages
            .iter()
            .map(|one| one.payload.as_deref().unwrap())
            .collect()
    }

    #[test]
    fn batches_of_every_compression_are_unpacked() {
        let plain = batch(3);
        let mut zlib = Vec::new();
        flate2::bufread::ZlibEncoder::new(&plain[..], flate2::Compression::fast())
            .read_to_end(&mut zlib)
            .unwrap();
        for (kind, bytes) in [
            (CompressionType::None, plain.clone()),
            (CompressionType::Lz4, lz4_flex::block::compress(&plain)),
            (CompressionType::Zlib, zlib),
            (
                CompressionType::Zstd,
                zstd::bulk::compress(&plain, 1).unwrap(),
            ),
            (
                CompressionType::Snappy,
                snap::raw::Encoder::new().compress_vec(&plain).unwrap(),
            ),
        ] {
            let entry = Entry::read(
                &command(Vec::new()),
                metadata(plain.len(), kind),
                bytes.into(),
            );
            let entry = entry.unwrap();
            assert_eq!(entry.size, 3);
            assert_eq!(payloads(&entry), [b"m0", b"m1", b"m2"], "{kind:?}");
            assert_eq!(entry.messages[2].id.text(), "4:2:-1:2");
        }
    }

    /// As Java's client compresses.
    #[test]
    fn a_stream_that_is_flushed_and_not_finished_is_unpacked() {
        let plain = batch(3);
        let mut flushed = Vec::with_capacity(1000);
        flate2::Compress::new(flate2::Compression::default(), true)
            .compress_vec(&plain, &mut flushed, flate2::FlushCompress::Sync)
            .unwrap();
        let metadata = metadata(plain.len(), CompressionType::Zlib);
        let entry = Entry::read(&command(Vec::new()), metadata, flushed.into());
        assert_eq!(payloads(&entry.unwrap()), [b"m0", b"m1", b"m2"]);
    }

    #[test]
    fn members_that_are_acknowledged_are_left_out() {
        let plain = batch(3);
        let entry = Entry::read(
            &command(vec![0b101]),
            metadata(0, CompressionType::None),
            plain.into(),
        );
        let entry = entry.unwrap();
        assert_eq!((entry.size, payloads(&entry)), (3, vec![&b"m0"[..], b"m2"]));
    }

    #[test]
    fn a_batch_that_is_cut_off_is_damaged() {
        let mut plain = batch(3);
        plain.pop();
        let entry = Entry::read(
            &command(Vec::new()),
            metadata(0, CompressionType::None),
            plain.into(),
        );
        assert_eq!(entry.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
