//! Requests and their replies.

use test_support::request;

use super::shop::Shop;

#[test]
fn a_request_gets_its_reply() {
    let shop = Shop::with_orders();
    request::check(&shop.pf);
}
