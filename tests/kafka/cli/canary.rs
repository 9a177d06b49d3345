//! `pf dlq replay --canary N` without a command, and `pf dlq show`, against a real broker.

use test_support::canary;

use super::shop::Shop;

#[test]
fn the_rest_follows_only_once_the_group_has_handled_the_first() {
    canary::the_rest_follows_only_once_the_group_has_handled_the_first(&Shop::with_orders().pf);
}
