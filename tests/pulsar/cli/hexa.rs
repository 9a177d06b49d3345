//! hexa-event's envelopes.

use test_support::{hexa, pulsar::Broker};

use super::shop::Shop;
use crate::raw::Raw;

#[test]
fn its_envelopes_are_events_and_the_other_way_round() {
    let shop = Shop::with_orders("");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (address, namespace) = (Broker::shared().address(), &shop.namespace);
    let raw = runtime.block_on(Raw::new(&address, namespace));
    hexa::Subject {
        pf: &shop.pf,
        url: Broker::shared().url(&format!("{namespace}?mode=hexa")),
        write: &|headers, payload| {
            let message = hexa::envelope(headers, payload);
            runtime.block_on(raw.batch("order.created", &[message]));
        },
    }
    .check();
}
