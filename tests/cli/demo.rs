//! `pf demo`: it tells the whole story and leaves nothing behind.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn the_story_is_told_and_leaves_nothing_behind() {
    let pf = Pf::bare();
    let folder = pf.path("tmp");
    std::fs::create_dir(&folder).unwrap();
    let pf = pf.env("TMPDIR", folder.to_str().unwrap());
    let run = pf.run(&["demo"]).succeeded();
    let lines = run
        .stdout()
        .lines()
        .filter(|line| !line.contains("it came after"));
    assert_snapshot!(crate::normalise::normalise(&lines.collect::<Vec<_>>().join("\n")), @r#"
    1. An order comes in. The payment service charges it; its bank is down at first.
      $ pf publish order.created '{"order":1,"amount":42}'
      stored as [ULID]
      $ pf consume order.created --group payments --emit -- ./charge.sh
      attempt 1: the bank does not answer; again in 400 ms
      attempt 2: the bank does not answer; again in 800 ms
      attempt 3: done
      The answer, order.paid, was stored before the order was done, with the same correlation id.

    2. The customer is thanked a little later: published now, delivered when due.
      $ pf publish customer.thanked '{"order":1}' --delay 1s
      accepted; nobody sees it yet
      $ pf consume customer.thanked --group mailer -- ./thank.sh
      attempt 1: done

    3. An order that can never be charged is put aside, with the reason.
      $ pf publish order.created '{"order":2,"amount":-5}'
      stored as [ULID]
      $ pf consume order.created --group payments --emit -- ./charge.sh
      attempt 1: a refund cannot be charged: now a dead letter
      $ pf dlq list --group payments
      [LETTER]  order.created  permanent  a refund cannot be charged

    4. The payment service is mended, and the dead letter is replayed.
      $ pf dlq replay [LETTER] --yes
      1 replayed, with its bytes, id and key as they were
      $ pf consume order.created --group payments --emit -- ./charge.sh
      attempt 1: done

    That was all: `pf --help` has the commands, and `pf doctor` checks a store.
    "#);
    assert_eq!(run.stderr(), "");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn it_can_be_played_again_on_a_store_of_ones_own() {
    let pf = Pf::new();
    for _ in 0..2 {
        let _ = pf.run(&["demo", "--url", "sqlite:own.db"]).succeeded();
    }
}
