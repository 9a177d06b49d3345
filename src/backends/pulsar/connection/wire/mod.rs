//! One connection of the binary protocol: socket, handshake, requests and their answers.

pub(crate) mod commands;
pub(crate) mod link;
mod routes;
mod socket;

pub(crate) use self::{
    link::Link,
    routes::{ConsumerEvent, ProducerEvent},
    socket::{handshake as tls_handshake, token},
};
