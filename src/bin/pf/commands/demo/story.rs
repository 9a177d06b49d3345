//! The story of the demo, scene by scene.

use std::time::{Duration, Instant};

use cloudevents::AttributesReader as _;
use protoflow::{
    Event,
    event::{Group, Topic, event},
    runtime::Summary,
};

use super::{shop::Bank, stage::Stage};
use crate::error::{CliError, CliResult, Exit};

const DELAY: Duration = Duration::from_secs(1);

/// Topics and groups of the story.
struct Cast {
    orders: Topic,
    paid: Topic,
    thanks: Topic,
    payments: Group,
    mailer: Group,
}

/// Runs the demo.
pub async fn play(mut stage: Stage<'_>) -> CliResult<()> {
    let cast = Cast {
        orders: stage.topic("order.created")?,
        paid: stage.topic("order.paid")?,
        thanks: stage.topic("customer.thanked")?,
        payments: stage.group("payments")?,
        mailer: stage.group("mailer")?,
    };
    stage.clear(&cast.orders, &cast.payments).await?;
    stage.clear(&cast.paid, &cast.mailer).await?;
    stage.clear(&cast.thanks, &cast.mailer).await?;
    let bank = Bank::new(2);
    an_order_is_paid(&mut stage, &cast, &bank).await?;
    a_notification_waits(&mut stage, &cast).await?;
    let refund = an_order_cannot_be_paid(&mut stage, &cast, &bank).await?;
    the_dead_letter_is_replayed(&mut stage, &cast, &bank, &refund).await?;
    stage.print("\nDone. `pf --help` lists the commands, and `pf doctor` checks a store.")
}

async fn an_order_is_paid(stage: &mut Stage<'_>, cast: &Cast, bank: &Bank) -> CliResult<()> {
    stage.print(
        "1. An order arrives. The payment service charges it, but its bank is down at first.",
    )?;
    let order = order(&cast.orders, 1, 42)?;
    publish_order(stage, cast, &order, r#"{"order":1,"amount":42}"#).await?;
    let done = charge(stage, cast, bank).await?;
    expect(done.acked == 1 && done.retried == 2)?;
    stage.print(&format!(
        "  The response, {}, was stored before the order was acknowledged, with the same correlation id.",
        cast.paid
    ))
}

async fn a_notification_waits(stage: &mut Stage<'_>, cast: &Cast) -> CliResult<()> {
    stage.scene(
        "2. The customer is thanked later: the event is published now and delivered when due.",
    )?;
    stage.command(&format!(
        "publish {} '{{\"order\":1}}' --delay 1s",
        cast.thanks
    ))?;
    let thanks = event(cast.thanks.as_str(), "//demo/payments")
        .data(&serde_json::json!({ "order": 1 }))?
        .build()?;
    let published = Instant::now();
    stage.publish(&thanks, Some(DELAY)).await?;
    stage.print("  accepted, not delivered yet")?;
    stage.command(&format!(
        "consume {} --group {} -- ./thank.sh",
        cast.thanks, cast.mailer
    ))?;
    let thank = |_: Event| async { Ok(()) };
    let done = stage.handle(&cast.thanks, &cast.mailer, thank).await?;
    expect(done.acked == 1)?;
    let waited = published.elapsed().as_millis();
    stage.print(&format!("  delivered after {waited} ms"))
}

async fn an_order_cannot_be_paid(
    stage: &mut Stage<'_>,
    cast: &Cast,
    bank: &Bank,
) -> CliResult<Event> {
    stage.scene("3. An order that can never be charged becomes a dead letter, with the reason.")?;
    let refund = order(&cast.orders, 2, -5)?;
    publish_order(stage, cast, &refund, r#"{"order":2,"amount":-5}"#).await?;
    let done = charge(stage, cast, bank).await?;
    expect(done.dead_lettered == 1)?;
    stage.command(&format!("dlq list --group {}", cast.payments))?;
    let letter = stage.letter(&cast.payments, &refund).await?;
    stage.print(&format!(
        "  {}  {}  {}  {}",
        letter.id, letter.message.topic, letter.record.kind, letter.record.failure.message
    ))?;
    Ok(refund)
}

async fn the_dead_letter_is_replayed(
    stage: &mut Stage<'_>,
    cast: &Cast,
    bank: &Bank,
    refund: &Event,
) -> CliResult<()> {
    stage.scene("4. The payment service is fixed, and the dead letter is replayed.")?;
    bank.fix();
    let letter = stage.letter(&cast.payments, refund).await?;
    stage.command(&format!("dlq replay {} --yes", letter.id))?;
    let replayed = stage.replay(&letter).await?;
    stage.print(&format!(
        "  {replayed} replayed with the same bytes, id and key"
    ))?;
    let done = charge(stage, cast, bank).await?;
    expect(done.acked == 1)
}

/// Fails if the store did not behave as expected.
fn expect(is_so: bool) -> CliResult<()> {
    if is_so {
        return Ok(());
    }
    Err(CliError::message(
        Exit::Failed,
        "this store did not behave as the demo expects",
    )
    .hint("`pf doctor` checks the store"))
}

async fn charge(stage: &mut Stage<'_>, cast: &Cast, bank: &Bank) -> CliResult<Summary> {
    stage.command(&format!(
        "consume {} --group {} --emit -- ./charge.sh",
        cast.orders, cast.payments
    ))?;
    let (bank, paid) = (bank.clone(), cast.paid.to_string());
    let charge = move |order: Event| {
        let result = bank.charge(&order, &paid);
        async { result }
    };
    stage.handle(&cast.orders, &cast.payments, charge).await
}

async fn publish_order(
    stage: &mut Stage<'_>,
    cast: &Cast,
    order: &Event,
    data: &str,
) -> CliResult<()> {
    stage.command(&format!("publish {} '{data}'", cast.orders))?;
    stage.publish(order, None).await?;
    stage.print(&format!("  stored as {}", order.id()))
}

fn order(topic: &Topic, number: u32, amount: i64) -> CliResult<Event> {
    let data = serde_json::json!({ "order": number, "amount": amount });
    Ok(event(topic.as_str(), "//demo/shop")
        .data(&data)?
        .subject(format!("order-{number}"))
        .correlation_id(format!("demo-{number}"))
        .build()?)
}
