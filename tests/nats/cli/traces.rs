//! Traces.

use test_support::traces;

use super::shop::Shop;

#[test]
fn a_trace_goes_through_handlers_and_what_they_emit() {
    let shop = Shop::prepared();
    traces::check(&shop.pf, "nats");
}
