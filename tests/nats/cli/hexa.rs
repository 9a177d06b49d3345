//! hexa-event's envelopes.

use test_support::hexa;

use super::shop::Shop;

#[test]
fn its_envelopes_are_events_and_the_other_way_round() {
    let shop = Shop::prepared();
    hexa::Subject {
        pf: &shop.pf,
        url: shop.broker.url("SHOP?mode=hexa"),
        write: &|headers, payload| {
            let message = hexa::envelope(headers, payload);
            shop.broker.publish_raw("SHOP.order.created", &[], &message);
        },
    }
    .check();
}
