//! Faults in publishing, joining and opening.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Fault, Faulty, key::KEY, receipts, subscription::FaultySubscription, tail::FaultyTail,
};
use crate::{
    event::{Encoding, Headers, Message, Pattern, Topic},
    transport::{
        Capabilities, DeadLetters, ErrorKind, Finding, Outgoing, Receipt, Receipted, Result,
        ScheduleId, Schedules, StartFrom, SubscribeRequest, Subscription, Tail, TailFrom,
        TailRequest, Transport, TransportError, Verdict,
    },
};

#[async_trait]
impl Transport for Faulty {
    fn scheme(&self) -> &'static str {
        self.inner.scheme()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        let mut capabilities = self.inner.capabilities().await?;
        if self.has(Fault::UnderstatesDelay) {
            capabilities.limits.max_delay = Some(Duration::from_secs(1));
        }
        Ok(capabilities)
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.inner.topics().await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.inner.create(topic).await
    }

    async fn publish(&self, mut batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        if self.has(Fault::RefusesPast) && batch.iter().any(is_past) {
            return batch.iter().map(|_| Err(refused())).collect();
        }
        let lost = self.has(Fault::LosesPublish).then(|| batch.pop());
        for outgoing in &mut batch {
            spoil(self, outgoing);
        }
        if self.has(Fault::ReversesBatch) {
            batch.reverse();
        }
        let delayed: Vec<bool> = batch
            .iter()
            .map(|outgoing| outgoing.due.is_some())
            .collect();
        if self.has(Fault::DelaysNot) {
            for outgoing in &mut batch {
                outgoing.due = None;
            }
        }
        let mut results = self.inner.publish(batch).await;
        if self.has(Fault::DelaysNot) {
            name_schedules(&mut results, &delayed);
        }
        if matches!(self.fault, Fault::SwapsReceipts | Fault::ReversesBatch) {
            results.reverse();
        }
        if lost.is_some() {
            let nothing = Receipt {
                position: None,
                schedule: None,
                duplicate: false,
            };
            results.push(Ok(nothing));
        }
        results
    }

    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        receipts::open(self, name, fence).await
    }

    async fn subscribe(&self, mut request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        self.shared.groups.lock().push(request.clone());
        if self.has(Fault::StartsAgain) && request.from == StartFrom::New {
            skip(self, &request).await?;
        }
        let asked = request.clone();
        misread(self, &mut request);
        let inner = self.inner.subscribe(request).await?;
        Ok(Arc::new(FaultySubscription::new(
            self.clone(),
            inner,
            asked,
        )))
    }

    async fn tail(&self, mut request: TailRequest) -> Result<Box<dyn Tail>> {
        match self.fault {
            Fault::TailsNew => request.from = TailFrom::Now,
            Fault::TailsEarliest => request.from = TailFrom::Earliest,
            Fault::TailEnds => request.until_end = true,
            Fault::WidensPatterns => request.patterns = vec![Pattern::all()],
            Fault::LookingCounts => fail_one_of_each_group(self).await?,
            _ => {}
        }
        let inner = match self.fault {
            Fault::TailOpensLate => None,
            _ => Some(self.inner.tail(request.clone()).await?),
        };
        Ok(Box::new(FaultyTail::new(self.clone(), inner, request)))
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.inner.diagnose().await
    }

    async fn fix(&self, finding: &str) -> Result<()> {
        match self.fault {
            Fault::FixesAnything => Ok(()),
            _ => self.inner.fix(finding).await,
        }
    }

    async fn close(&self) -> Result<()> {
        if self.has(Fault::ForgetsSchedules) {
            for schedule in self.inner.schedules().find("").await? {
                self.inner.schedules().cancel(&schedule.id).await?;
            }
        }
        self.inner.close().await
    }
}

fn spoil(faulty: &Faulty, outgoing: &mut Outgoing) {
    let message = &mut outgoing.message;
    match faulty.fault {
        Fault::MergesHeaders => {
            let mut seen = HashSet::new();
            message
                .headers
                .retain(|name| seen.insert(name.to_lowercase()));
        }
        Fault::NullsToEmpty => fill(message),
        Fault::StoresDuplicates => outgoing.dedup = false,
        Fault::DropsDuplicates => outgoing.dedup = true,
        Fault::SharesKeys => {
            if let Some(key) = message.key.take() {
                message.headers.push(KEY, Some(key));
            }
        }
        Fault::DelaysStripped if outgoing.due.is_some() => message.headers = Headers::new(),
        _ => {}
    }
}

fn misread(faulty: &Faulty, request: &mut SubscribeRequest) {
    match faulty.fault {
        Fault::EachAlone => {
            let name = format!("{}-{}", request.group, faulty.shared.number());
            request.group = name.parse().unwrap_or_else(|_| request.group.clone());
        }
        Fault::OneGroup => {
            let group = faulty
                .shared
                .groups
                .lock()
                .first()
                .map(|first| first.group.clone());
            request.group = group.unwrap_or_else(|| request.group.clone());
        }
        Fault::WidensPatterns => request.patterns = vec![Pattern::all()],
        Fault::SharesTopics => {
            let groups = faulty.shared.groups.lock();
            let same = groups.iter().filter(|one| one.group == request.group);
            let patterns: HashSet<&Pattern> = same.flat_map(|one| &one.patterns).collect();
            request.patterns = patterns.into_iter().cloned().collect();
        }
        Fault::StartsNew => request.from = StartFrom::New,
        Fault::StartsEarliest => request.from = StartFrom::Earliest,
        Fault::IgnoresMaxInFlight => request.max_in_flight = 1000,
        Fault::NeverEnds | Fault::EndsEarly => request.until_end = false,
        Fault::AlwaysOrdered => request.ordered = true,
        Fault::NeverOrdered => request.ordered = false,
        Fault::ForgivesCrashes => request.max_crashes = u32::MAX,
        _ => {}
    }
}

/// Acknowledges what a group has still to do.
async fn skip(faulty: &Faulty, request: &SubscribeRequest) -> Result<()> {
    let bounded = SubscribeRequest {
        until_end: true,
        ..request.clone()
    };
    let subscription = faulty.inner.subscribe(bounded).await?;
    loop {
        let deliveries = subscription.next(100).await?;
        if deliveries.is_empty() {
            return subscription.close().await;
        }
        let acks = deliveries.into_iter().map(|one| one.conclude(Verdict::Ack));
        subscription.settle(acks.collect()).await;
    }
}

async fn fail_one_of_each_group(faulty: &Faulty) -> Result<()> {
    let groups = faulty.shared.groups.lock().clone();
    for request in groups {
        let bounded = SubscribeRequest {
            until_end: true,
            ..request
        };
        let subscription = faulty.inner.subscribe(bounded).await?;
        for delivery in subscription.next(1).await? {
            let retry = Verdict::Retry {
                after: Duration::ZERO,
                failure: Box::new(crate::transport::Failure::crashed(0)),
            };
            subscription.settle(vec![delivery.conclude(retry)]).await;
        }
        subscription.close().await?;
    }
    Ok(())
}

fn fill(message: &mut Message) {
    let filled = |value: Option<&Bytes>| Some(value.cloned().unwrap_or_default());
    message.key = filled(message.key.as_ref());
    message.payload = filled(message.payload.as_ref());
    let headers = message.headers.iter();
    message.headers = headers
        .map(|(name, value)| (name.to_owned(), filled(value)))
        .collect();
}

fn is_past(outgoing: &Outgoing) -> bool {
    outgoing.due.is_some_and(|due| due < SystemTime::now())
}

fn refused() -> TransportError {
    TransportError::new("faulty", ErrorKind::Invalid, "the time is in the past")
}

fn name_schedules(results: &mut [Result<Receipt>], delayed: &[bool]) {
    for (result, delayed) in results.iter_mut().zip(delayed) {
        if let (Ok(receipt), true) = (result, delayed) {
            receipt.schedule = Some(ScheduleId("at-once".to_owned()));
        }
    }
}
