//! A service and its tests, which check without a broker what it publishes and how it settles:
//!
//! ```sh
//! cargo test --example testing_with_mock
//! ```

use std::error::Error;

use protoflow::{Event, EventExt, HandlerError, Service, runtime::Summary};

/// Requests payment for all stored orders.
async fn bill_orders(service: &Service) -> Result<Summary, Box<dyn Error>> {
    let summary = service
        .consume("order.created", bill)
        .group("billing")
        .until_end()
        .await?;
    Ok(summary)
}

async fn bill(order: Event) -> Result<Event, HandlerError> {
    if order.data().is_none() {
        return Err(HandlerError::dead_letter("an order without data"));
    }
    Ok(order.respond("payment.requested", "//billing").build()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = Service::connect("memory:").await?;
    bill_orders(&service).await?;
    Ok(service.close().await?)
}

#[cfg(test)]
mod tests {
    use protoflow::{
        event,
        mock::Mock,
        transport::{DeadLetterKind, ErrorKind, Verdict},
    };

    use super::*;

    fn service(mock: &Mock) -> Service {
        Service::builder().over(mock.transport()).unwrap()
    }

    #[tokio::test]
    async fn an_order_leads_to_a_request_for_payment() {
        let mock = Mock::new();
        let order = event("order.created", "//shop").correlation_id("req-1");
        let order = order.data(&7).unwrap().build().unwrap();
        mock.feed(&order).await.unwrap();

        bill_orders(&service(&mock)).await.unwrap();

        let request = mock.published()[0].event().unwrap();
        assert_eq!(request.correlation_id().unwrap(), "req-1");
        assert_eq!(mock.settled()[0].verdict, Verdict::Ack);
    }

    #[tokio::test]
    async fn an_order_without_data_is_dead_lettered() {
        let mock = Mock::new();
        let order = event("order.created", "//shop").build().unwrap();
        mock.feed(&order).await.unwrap();

        bill_orders(&service(&mock)).await.unwrap();

        assert!(mock.published().is_empty());
        let settled = mock.settled();
        assert!(matches!(
            settled[0].verdict,
            Verdict::DeadLetter {
                kind: DeadLetterKind::Permanent,
                ..
            }
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_is_acknowledged_only_when_its_request_is_stored() {
        let mock = Mock::new();
        let order = event("order.created", "//shop").data(&7).unwrap();
        mock.feed(&order.build().unwrap()).await.unwrap();
        mock.fail_next_publishes(3, ErrorKind::Unavailable);

        let summary = bill_orders(&service(&mock)).await.unwrap();

        assert_eq!((summary.acked, mock.published().len()), (1, 1));
    }
}
