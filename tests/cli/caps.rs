//! `pf caps`.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn an_unknown_ability_is_usage() {
    assert_snapshot!(Pf::new().run(&["caps", "--require", "delay:sometimes"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'delay:sometimes' for '--require <ABILITY>': `sometimes` is not `native`

    For more information, try '--help'.
    ");
}
