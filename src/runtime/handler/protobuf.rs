//! Protobuf messages as arguments of handler functions.

use super::{FromDelivery, Run};
use crate::{
    event::{Envelope, EventError, protobuf::framing::unframed},
    transport::Delivery,
};

/// The data of an event as a protobuf message, an argument of a handler function.
///
/// The content type must be that of protobuf (`application/protobuf`), or say nothing. The framing of a schema registry
/// (Confluent's) is skipped. The bytes are not checked against
/// `dataschema`: a consumer of several types asks for the [`Event`](crate::Event) as well.
///
/// ```no_run
/// use protoflow::{Event, Service, runtime::Protobuf};
///
/// # async fn example<Order: prost::Message + Default + 'static>(service: Service) -> Result<(), protoflow::ServiceError> {
/// service
///     .consume("order.created", |Protobuf(order): Protobuf<Order>, event: Event| async move {
///         println!("{} bytes of {event}", order.encoded_len());
///         Ok(())
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protobuf<T>(pub T);

impl<T: prost::Message + Default> FromDelivery for Protobuf<T> {
    /// # Errors
    /// If the data are of another content type, or not such a message; the event is dead-lettered.
    fn from_delivery(delivery: &Delivery, _: &Run) -> Result<Self, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        let bytes = envelope.protobuf_bytes()?;
        let (_, bytes) = unframed(&bytes);
        let message = T::decode(bytes);
        let message =
            message.map_err(|error| EventError::Data(format!("is not valid: {error}")))?;
        Ok(Self(message))
    }
}
