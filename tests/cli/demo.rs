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
        .filter(|line| !line.contains("delivered after"));
    assert_snapshot!(crate::normalise::normalise(&lines.collect::<Vec<_>>().join("\n")), @r#"
    1. An order arrives. The payment service charges it, but its bank is down at first.
      $ pf publish order.created '{"order":1,"amount":42}'
      stored as [ULID]
      $ pf consume order.created --group payments --emit -- ./charge.sh
      attempt 1: the bank does not answer; retry in 400 ms
      attempt 2: the bank does not answer; retry in 800 ms
      attempt 3: done
      The response, order.paid, was stored before the order was acknowledged, with the same correlation id.

    2. The customer is thanked later: the event is published now and delivered when due.
      $ pf publish customer.thanked '{"order":1}' --delay 1s
      accepted, not delivered yet
      $ pf consume customer.thanked --group mailer -- ./thank.sh
      attempt 1: done

    3. An order that can never be charged becomes a dead letter, with the reason.
      $ pf publish order.created '{"order":2,"amount":-5}'
      stored as [ULID]
      $ pf consume order.created --group payments --emit -- ./charge.sh
      attempt 1: a refund cannot be charged; dead-lettered
      $ pf dlq list --group payments
      [LETTER]  order.created  permanent  a refund cannot be charged

    4. The payment service is fixed, and the dead letter is replayed.
      $ pf dlq replay [LETTER] --yes
      1 replayed with the same bytes, id and key
      $ pf consume order.created --group payments --emit -- ./charge.sh
      attempt 1: done

    Done. `pf --help` lists the commands, and `pf doctor` checks a store.
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
