//! The story of two orders: one is paid on the third attempt, and its customer is thanked a little later; the other
//! cannot be paid, is dead-lettered, and is replayed after a fix. Needs no server:
//!
//! ```sh
//! cargo run --example order_story
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use protoflow::{
    Event, EventExt, HandlerError, Service,
    cloudevents::Data,
    runtime::{JobOptions, Notice, Observer, PlanRequest, Stop, Triage},
    transport::{JobAction, Selection},
};
use serde_json::json;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let service = Service::builder()
        .group("payments")
        .source("//shop")
        .observer(Narrator)
        .connect("memory:")
        .await?;
    let bank = Bank::new(2);

    println!("An order comes in; the bank is down for two runs.");
    place_order(&service, 1, 42).await?;
    pay_orders(&service, &bank).await?;

    println!("Its customer is thanked half a second after the payment.");
    schedule_thanks(&service).await?;
    thank(&service).await?;

    println!("An order of -5 can never be paid.");
    place_order(&service, 2, -5).await?;
    pay_orders(&service, &bank).await?;

    println!("The bank can refund now; the dead letter is replayed.");
    bank.refunds.store(true, Ordering::SeqCst);
    replay_all(&service.triage()).await?;
    pay_orders(&service, &bank).await?;
    Ok(service.close().await?)
}

async fn place_order(service: &Service, number: u32, amount: i64) -> Result<()> {
    let order = json!({ "order": number, "amount": amount });
    service
        .publish_data("order.created", "//shop", &order)
        .subject(format!("order-{number}"))
        .correlation_id(format!("req-{number}"))
        .await?;
    Ok(())
}

/// Pays all stored orders. Each payment is published before its order is acknowledged.
async fn pay_orders(service: &Service, bank: &Arc<Bank>) -> Result<()> {
    let bank = Arc::clone(bank);
    let pay = move |order: Event| {
        let paid = bank.charge(&order);
        async move {
            paid?;
            Ok(order.respond("order.paid", "//payments").build()?)
        }
    };
    let payments = service.consume("order.created", pay);
    let summary = payments
        .backoff(Duration::from_millis(200))
        .until_end()
        .await?;
    let (paid, dead) = (summary.acked, summary.dead_lettered);
    println!(
        "  {paid} paid, {} failed runs, {dead} dead-lettered",
        summary.retried
    );
    Ok(())
}

async fn schedule_thanks(service: &Service) -> Result<()> {
    let publisher = service.clone();
    let schedule = move |paid: Event| {
        let publisher = publisher.clone();
        async move {
            let thanks = paid.respond("customer.thanked", "//mail").build()?;
            let delay = Duration::from_millis(500);
            publisher.publish_after(thanks, delay).await?;
            Ok(())
        }
    };
    service
        .consume("order.paid", schedule)
        .group("mail")
        .until_end()
        .await?;
    Ok(())
}

async fn thank(service: &Service) -> Result<()> {
    let send = |thanks: Event| async move {
        println!(
            "  thank you, {}",
            thanks.correlation_id().unwrap_or_default()
        );
        Ok(())
    };
    service
        .consume("customer.*", send)
        .group("mail")
        .count(1)
        .await?;
    Ok(())
}

async fn replay_all(triage: &Triage) -> Result<()> {
    let everything = Selection::default();
    let request = PlanRequest::new(JobAction::Replay { to: None }, everything);
    let plan = triage.plan(request).await?;
    let options = JobOptions {
        holder: "order_story".to_owned(),
        rate: None,
        ..JobOptions::default()
    };
    let report = triage
        .run(&plan, &options, &Stop::default(), &mut |_| {})
        .await?;
    println!("  {} replayed", report.done);
    Ok(())
}

/// Charges orders, once it is up.
struct Bank {
    outages_left: AtomicU32,
    refunds: AtomicBool,
}

impl Bank {
    fn new(outages: u32) -> Arc<Self> {
        Arc::new(Self {
            outages_left: AtomicU32::new(outages),
            refunds: AtomicBool::new(false),
        })
    }

    fn charge(&self, order: &Event) -> Result<(), HandlerError> {
        let amount = match order.data() {
            Some(Data::Json(data)) => data["amount"].as_i64(),
            _ => None,
        };
        let amount =
            amount.ok_or_else(|| HandlerError::unprocessable("an order without amount"))?;
        let down = |left: u32| left.checked_sub(1);
        let outages = &self.outages_left;
        if outages
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, down)
            .is_ok()
        {
            return Err(HandlerError::retry("the bank does not answer"));
        }
        if amount < 0 && !self.refunds.load(Ordering::SeqCst) {
            return Err(HandlerError::dead_letter(format!("cannot charge {amount}")));
        }
        Ok(())
    }
}

/// Prints the outcome of each delivery.
struct Narrator;

impl Observer for Narrator {
    fn notice(&self, notice: Notice<'_>) {
        match notice {
            Notice::Retrying(delivery, after, failure) => {
                let attempt = delivery.attempts.attempt();
                println!("  run {attempt}: {}; retry in {after:?}", failure.message);
            }
            Notice::DeadLettered(_, kind, failure) => {
                println!("  dead letter ({kind}): {}", failure.message);
            }
            _ => {}
        }
    }
}
