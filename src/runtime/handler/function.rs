//! Handlers out of functions and closures.

use std::{fmt, future::Future, marker::PhantomData};

use async_trait::async_trait;
use cloudevents::Event;

use super::{Handler, HandlerError, Outcome, Response, Run, respond};
use crate::{
    event::{Encoding, Envelope, EventError, Message, Stored, hand_over_event},
    runtime::describe_failure,
    transport::Delivery,
};

/// Arguments of a handler function: the event, the message, the stored message with its position, or the run.
pub trait FromDelivery: Sized + Send {
    /// Extracts the argument from a delivery.
    ///
    /// # Errors
    /// If the message cannot be converted.
    fn from_delivery(delivery: &Delivery, run: &Run) -> Result<Self, EventError>;
}

impl FromDelivery for Event {
    fn from_delivery(delivery: &Delivery, run: &Run) -> Result<Self, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        run.refused.check(delivery, &envelope);
        hand_over_event(envelope, &run.hand_over())
    }
}

impl FromDelivery for Message {
    fn from_delivery(delivery: &Delivery, _: &Run) -> Result<Self, EventError> {
        Ok(delivery.stored.message.clone())
    }
}

impl FromDelivery for Stored {
    fn from_delivery(delivery: &Delivery, _: &Run) -> Result<Self, EventError> {
        Ok(delivery.stored.clone())
    }
}

impl FromDelivery for Run {
    fn from_delivery(_: &Delivery, run: &Run) -> Result<Self, EventError> {
        Ok(run.clone())
    }
}

/// Results of a handler function: nothing, or events and replies to publish before the cause is acknowledged.
pub trait IntoResponses: Send {
    /// Returns what to publish.
    fn into_responses(self) -> Vec<Response>;
}

impl IntoResponses for () {
    fn into_responses(self) -> Vec<Response> {
        Vec::new()
    }
}

impl IntoResponses for Event {
    fn into_responses(self) -> Vec<Response> {
        vec![self.into()]
    }
}

impl IntoResponses for Response {
    fn into_responses(self) -> Vec<Response> {
        vec![self]
    }
}

impl<T: Into<Response> + Send> IntoResponses for Option<T> {
    fn into_responses(self) -> Vec<Response> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Response> + Send> IntoResponses for Vec<T> {
    fn into_responses(self) -> Vec<Response> {
        self.into_iter().map(Into::into).collect()
    }
}

/// Handlers of deliveries: a [`Handler`], or an async function of up to two [`FromDelivery`] arguments.
///
/// `By` only distinguishes the two for the compiler.
pub trait IntoHandler<By> {
    /// The resulting handler.
    type Handler: Handler;

    /// Converts it into a handler whose responses have this encoding.
    fn into_handler(self, encoding: Encoding) -> Self::Handler;
}

/// Marker for types that implement [`Handler`] themselves.
#[derive(Debug)]
pub struct DirectHandler;

impl<H: Handler> IntoHandler<DirectHandler> for H {
    type Handler = H;

    fn into_handler(self, _: Encoding) -> H {
        self
    }
}

/// A function that handles deliveries.
pub struct FunctionHandler<F, By> {
    function: F,
    encoding: Encoding,
    by: PhantomData<fn() -> By>,
}

impl<F, By> FunctionHandler<F, By> {
    fn new(function: F, encoding: Encoding) -> Self {
        Self {
            function,
            encoding,
            by: PhantomData,
        }
    }

    /// Runs the function's future, unless the run is aborted first.
    async fn finish<T: IntoResponses>(
        &self,
        delivery: &Delivery,
        run: &Run,
        future: impl Future<Output = Result<T, HandlerError>> + Send,
    ) -> Outcome {
        let result = tokio::select! {
            biased;
            result = future => result,
            () = run.abort.cancelled() => return Outcome::Return,
        };
        match result {
            Ok(responses) => self.respond(delivery, run, responses.into_responses()),
            Err(error) => error.into(),
        }
    }

    fn respond(&self, delivery: &Delivery, run: &Run, responses: Vec<Response>) -> Outcome {
        if responses.is_empty() {
            return Outcome::Ack(Vec::new());
        }
        match respond::encode_all(&delivery.stored.message, responses, run, self.encoding) {
            Ok(responses) => Outcome::Ack(responses),
            Err(error) => Outcome::DeadLetter(describe_failure(
                "response",
                &format!("a response is not a valid event: {error}"),
                None,
            )),
        }
    }
}

impl<F, By> fmt::Debug for FunctionHandler<F, By> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FunctionHandler")
    }
}

fn undecodable(error: &EventError) -> Outcome {
    Outcome::Undecodable(describe_failure("decode", &error.to_string(), None))
}

macro_rules! function {
    ($($argument:ident $value:ident),+) => {
        impl<F, Fut, T, $($argument),+> IntoHandler<(Fut, T, $($argument),+)> for F
        where
            F: Fn($($argument),+) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<T, HandlerError>> + Send + 'static,
            T: IntoResponses + 'static,
            $($argument: FromDelivery + 'static),+
        {
            type Handler = FunctionHandler<F, (Fut, T, $($argument),+)>;

            fn into_handler(self, encoding: Encoding) -> Self::Handler {
                FunctionHandler::new(self, encoding)
            }
        }

        #[async_trait]
        impl<F, Fut, T, $($argument),+> Handler for FunctionHandler<F, (Fut, T, $($argument),+)>
        where
            F: Fn($($argument),+) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<T, HandlerError>> + Send + 'static,
            T: IntoResponses + 'static,
            $($argument: FromDelivery + 'static),+
        {
            async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
                $(let $value = match $argument::from_delivery(delivery, run) {
                    Ok(value) => value,
                    Err(error) => return undecodable(&error),
                };)+
                self.finish(delivery, run, (self.function)($($value),+)).await
            }
        }
    };
}

function!(A a);
function!(A a, B b);
