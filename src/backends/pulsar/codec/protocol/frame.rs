//! Frames: a command, and for those that carry an entry its metadata and payload behind a checksum.

use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use tokio_util::codec::{Decoder, Encoder};

use super::{command::BaseCommand, metadata::MessageMetadata};

/// Marks that a checksum follows.
const CHECKSUM: u16 = 0x0e01;
/// Marks what the broker adds before the metadata of an entry, to clients that ask for it.
const BROKER_METADATA: u16 = 0x0e02;
/// The most bytes of a frame. Brokers accept 5 MiB unless they are set up for more; what does not speak the protocol is noticed
/// by a longer one.
const LONGEST: usize = 256 << 20;

/// A frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) command: BaseCommand,
    pub(crate) payload: Option<Payload>,
}

/// An entry as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) metadata: MessageMetadata,
    pub(crate) data: Bytes,
}

/// Reads and writes frames.
#[derive(Debug)]
pub(crate) struct FrameCodec;

impl Encoder<Frame> for FrameCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: Frame, out: &mut BytesMut) -> io::Result<()> {
        let command = frame.command.encoded_len();
        let entry = frame.payload.as_ref().map_or(0, |payload| {
            10 + payload.metadata.encoded_len() + payload.data.len()
        });
        out.reserve(8 + command + entry);
        out.put_u32(length(4 + command + entry)?);
        out.put_u32(length(command)?);
        frame.command.encode(out).map_err(io::Error::other)?;
        let Some(Payload { metadata, data }) = frame.payload else {
            return Ok(());
        };
        out.put_u16(CHECKSUM);
        let checksum = out.len();
        out.put_u32(0);
        out.put_u32(length(metadata.encoded_len())?);
        metadata.encode(out).map_err(io::Error::other)?;
        out.put_slice(&data);
        let sum = crc32c::crc32c(&out[checksum + 4..]);
        out[checksum..checksum + 4].copy_from_slice(&sum.to_be_bytes());
        Ok(())
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<Frame>> {
        let Some(head) = bytes.first_chunk::<4>() else {
            return Ok(None);
        };
        let size = usize::try_from(u32::from_be_bytes(*head)).map_err(io::Error::other)?;
        if size > LONGEST {
            return Err(damaged("a frame is too long"));
        }
        if bytes.len() < 4 + size {
            return Ok(None);
        }
        bytes.advance(4);
        let mut frame = bytes.split_to(size).freeze();
        let command = take_part(&mut frame)?;
        let command = BaseCommand::decode(command).map_err(|_| damaged("a command is damaged"))?;
        let payload = if frame.is_empty() {
            None
        } else {
            Some(payload(frame)?)
        };
        Ok(Some(Frame { command, payload }))
    }
}

fn payload(mut frame: Bytes) -> io::Result<Payload> {
    if mark(&frame) == Some(BROKER_METADATA) {
        frame.advance(2);
        take_part(&mut frame)?;
    }
    if mark(&frame) == Some(CHECKSUM) {
        frame.advance(2);
        let sum = frame.try_get_u32().map_err(io::Error::other)?;
        if sum != crc32c::crc32c(&frame) {
            return Err(damaged("the checksum of an entry does not match"));
        }
    }
    let metadata = take_part(&mut frame)?;
    let metadata = MessageMetadata::decode(metadata)
        .map_err(|_| damaged("the metadata of an entry is damaged"))?;
    Ok(Payload {
        metadata,
        data: frame,
    })
}

fn mark(frame: &Bytes) -> Option<u16> {
    frame.first_chunk().map(|mark| u16::from_be_bytes(*mark))
}

/// Takes a part that begins with its length.
fn take_part(frame: &mut Bytes) -> io::Result<Bytes> {
    let size = frame.try_get_u32().map_err(io::Error::other)?;
    let size = usize::try_from(size).map_err(io::Error::other)?;
    if size > frame.len() {
        return Err(damaged("a frame is shorter than what it contains"));
    }
    Ok(frame.split_to(size))
}

fn length(size: usize) -> io::Result<u32> {
    u32::try_from(size).map_err(|_| damaged("a message is too long"))
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{CommandPing, CommandSend, CommandType},
        *,
    };

    fn send() -> Frame {
        Frame {
            command: BaseCommand {
                r#type: CommandType::Send.into(),
                send: Some(CommandSend {
                    producer_id: 7,
                    sequence_id: 9,
                    ..CommandSend::default()
                }),
                ..BaseCommand::default()
            },
            payload: Some(Payload {
                metadata: MessageMetadata {
                    producer_name: "p".to_owned(),
                    publish_time: 1,
                    ..MessageMetadata::default()
                },
                data: Bytes::from_static(b"the bytes"),
            }),
        }
    }

    fn encode(frames: &[Frame]) -> BytesMut {
        let mut bytes = BytesMut::new();
        for frame in frames {
            FrameCodec.encode(frame.clone(), &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let ping = Frame {
            command: BaseCommand {
                r#type: CommandType::Ping.into(),
                ping: Some(CommandPing {}),
                ..BaseCommand::default()
            },
            payload: None,
        };
        let bytes = encode(&[send(), ping]);
        let mut read = Vec::new();
        let mut buffer = BytesMut::new();
        for byte in bytes {
            buffer.put_u8(byte);
            read.extend(FrameCodec.decode(&mut buffer).unwrap());
        }
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].command, send().command);
        let payload = read[0].payload.as_ref().unwrap();
        assert_eq!(&payload.data[..], b"the bytes");
        assert_eq!(payload.metadata, send().payload.unwrap().metadata);
        assert!(read[1].command.ping.is_some() && read[1].payload.is_none());
    }

    #[test]
    fn a_byte_that_was_changed_is_noticed() {
        let mut bytes = encode(&[send()]);
        *bytes.last_mut().unwrap() ^= 1;
        assert!(FrameCodec.decode(&mut bytes).is_err());
    }

    #[test]
    fn nonsense_is_an_error_and_not_a_panic() {
        for bytes in [
            &b"\x15\x03\x03\x00\x02\x02\x50"[..],
            b"HTTP/1.1 400",
            &[0, 0, 0, 4, 0, 0, 0, 9],
        ] {
            assert!(FrameCodec.decode(&mut BytesMut::from(bytes)).is_err());
        }
    }
}
