//! Data in protobuf.

use test_support::protobuf;

use super::shop::Shop;

#[test]
fn bytes_survive_a_dead_letter_and_its_replay() {
    let shop = Shop::prepared();
    protobuf::check(&shop.pf);
}
