//! Keyed messages of Java's client and of `pf` in the same partitions.

use std::{collections::HashMap, fmt::Write as _};

use super::client::java;
use crate::cli::shop::Shop;

const PARTITIONS: usize = 4;
const COUNT: usize = 40;

#[test]
fn java_and_pf_agree_on_the_partition_of_a_key() {
    let shop = Shop::with("?partitions=4");
    let mut lines = String::new();
    for number in 0..COUNT {
        let _ = writeln!(
            lines,
            r#"{{"specversion":"1.0","id":"{number}","source":"/t","type":"order","partitionkey":"k{number}"}}"#
        );
    }
    let publish = ["publish", "--ndjson", "--create"];
    let _ = shop.pf.run_with(&publish, lines).succeeded();
    java(&shop, "write", "order", &[&format!("count={COUNT}")]);
    let mut partition_of: HashMap<String, usize> = HashMap::new();
    let mut of_java = 0;
    for number in 0..PARTITIONS {
        for message in java(&shop, "read", &format!("order-partition-{number}"), &[]) {
            let first = *partition_of.entry(message.key.clone()).or_insert(number);
            assert_eq!(first, number, "{message:?}");
            of_java += usize::from(message.text.starts_with("java-"));
        }
    }
    assert_eq!((partition_of.len(), of_java), (COUNT, COUNT));
}
