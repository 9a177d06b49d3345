//! A wrapper that makes any transport break one promise, to show that each case of the suite can fail.

mod dead_letters;
mod key;
mod receipts;
mod schedules;
mod subscription;
mod tail;
mod transport;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::Store;
use crate::{
    event::Message,
    lock::Mutex,
    transport::{JobAction, JobId, Result, SubscribeRequest, Transport},
};

/// A promise that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None: everything is as the transport does it.
    None,
    /// The last message of a batch is confirmed and not stored.
    LosesPublish,
    /// Duplicates are stored, though it was asked for that they are not.
    StoresDuplicates,
    /// No duplicate is stored, though nothing was asked for.
    DropsDuplicates,
    /// Receipts of a batch are in the wrong order.
    SwapsReceipts,
    /// A batch is stored from its end.
    ReversesBatch,
    /// A batch is stored without its receipt.
    ForgetsReceipts,
    /// Publishers with lower numbers are not fenced.
    FencesNot,
    /// All names have one receipt.
    OneReceipt,
    /// The beginning of a batch is stored though the rest is refused.
    StoresPartly,
    /// Of several headers of a name only the first is stored.
    MergesHeaders,
    /// A null key, header or payload is stored as empty.
    NullsToEmpty,
    /// Keys are carried, but do not keep order.
    SharesKeys,
    /// A delayed message is stored without headers.
    DelaysStripped,
    /// A delayed message comes at once.
    DelaysNot,
    /// A time in the past is refused.
    RefusesPast,
    /// Longer delays are accepted than the capabilities state.
    UnderstatesDelay,
    /// Closing the store forgets its schedules.
    ForgetsSchedules,
    /// Schedules are not listed.
    HidesSchedules,
    /// Schedules are found in the wrong order.
    FindsInReverse,
    /// Every finding can be fixed.
    FixesAnything,
    /// Cancelling does nothing, and says that it did.
    CancelsNot,
    /// Giving another time does nothing, and says that it did.
    ReschedulesNot,
    /// A tail starts with what is new.
    TailsNew,
    /// A tail starts with the earliest.
    TailsEarliest,
    /// A tail finds its end when it is first read.
    TailOpensLate,
    /// A tail ends though it should follow.
    TailEnds,
    /// A message that matches several patterns is shown or delivered once for each.
    RepeatsMatches,
    /// Every pattern matches everything.
    WidensPatterns,
    /// A wait that is dropped skips a message.
    DropsLose,
    /// Looking makes a delivery of each group fail.
    LookingCounts,
    /// Dead letters are kept in a topic that users see.
    OwnTopicsShow,
    /// Each consumer is a group of its own.
    EachAlone,
    /// All groups are one.
    OneGroup,
    /// A member is given what the topics of any member of its group match.
    SharesTopics,
    /// A group starts with what is new.
    StartsNew,
    /// A group starts with the earliest.
    StartsEarliest,
    /// A group that asks for what is new skips what it had not read.
    StartsAgain,
    /// More may be in flight than was asked for.
    IgnoresMaxInFlight,
    /// A group is reported to have finished everything.
    HidesBacklog,
    /// A bounded consumer never ends.
    NeverEnds,
    /// A bounded consumer ends without waiting for its retries.
    EndsEarly,
    /// Deliveries of one call come in the wrong order.
    ReversesNext,
    /// Retries hold their key though it was not asked for.
    AlwaysOrdered,
    /// Retries do not hold their key though it was asked for.
    NeverOrdered,
    /// Settlements leave the marks of handled events as they were.
    ForgetsMarks,
    /// Deliveries are acknowledged when they are handed out.
    AcksEarly,
    /// Acknowledgements are forgotten.
    ForgetsAcks,
    /// There are fewer results than settlements.
    DropsResults,
    /// A verdict on a lost delivery is reported as applied.
    ForgivesLost,
    /// Extending a lease does nothing.
    IgnoresExtend,
    /// Leaving does not give back what is held.
    LeavesNothing,
    /// Leaving counts what is held as failed.
    CountsLeaving,
    /// A delivery that is given back counts as failed.
    CountsReturn,
    /// A delivery that is given back comes last.
    ReturnsLast,
    /// A crash counts as a failure.
    CountsCrashes,
    /// Crashes never make a letter.
    ForgivesCrashes,
    /// Failed runs are not counted.
    ForgetsFailures,
    /// The last failure is reported as the first.
    ForgetsFirstFailure,
    /// A retry comes at once.
    RetriesAtOnce,
    /// A retry is published to everybody.
    RetriesToAll,
    /// A retry has lost its headers.
    RetriesStripped,
    /// A retry is acknowledged.
    LosesRetries,
    /// A dead letter is acknowledged and not stored.
    LosesLetters,
    /// A message that was given up comes again.
    KeepsOriginal,
    /// Letters have lost their headers.
    LettersStripped,
    /// Letters do not say how the run failed.
    LettersWithoutFailure,
    /// Letters get a new id on every read.
    RenamesLetters,
    /// Letters of several groups have one name.
    OneNamePerMessage,
    /// The last run counts even if there was none.
    CountsEveryRun,
    /// Totals over replays are lost.
    ForgetsTotals,
    /// A scan leaves out a letter.
    SkipsLetters,
    /// A page has as many letters as were asked for, however large they are.
    FillsPages,
    /// The traces of replays say another topic.
    MisplacesReplays,
    /// Letters are miscounted.
    Miscounts,
    /// An import loses headers.
    ImportsStripped,
    /// Every import is reported as new.
    ImportsAlwaysNew,
    /// A replayed message has no history.
    ForgetsLineage,
    /// A replay goes to everybody.
    ReplaysToAll,
    /// A replay does not go where it should.
    IgnoresTarget,
    /// A replayed letter stays.
    ReplaysTwice,
    /// Letters are resolved in the wrong order.
    ReversesPlan,
    /// A plan is carried out at once.
    PlansAct,
    /// Jobs are not listed.
    HidesJobs,
    /// A lease that is held is granted again.
    LeasesTwice,
    /// Work under an earlier lease is done.
    IgnoresFencing,
    /// Purged letters stay.
    PurgesNothing,
    /// Forgetting a job deletes its letters.
    ForgettingDeletes,
    /// A letter that is gone is reported as done.
    GoneIsDone,
    /// Notes are confirmed and not stored.
    ForgetsNotes,
    /// Removed notes stay.
    KeepsRemovedNotes,
    /// Replays are not found, though none can be gone.
    HidesReplays,
    /// Each replay is found twice.
    RepeatsReplays,
    /// Replays are found with other bytes.
    ChangesDigests,
    /// A replay counts as settled before the group has finished it.
    SettlesEarly,
}

/// What connections to one store know together.
#[derive(Debug, Default)]
struct Shared {
    numbers: AtomicU64,
    groups: Mutex<Vec<SubscribeRequest>>,
    actions: Mutex<HashMap<JobId, JobAction>>,
    tokens: Mutex<HashMap<JobId, u64>>,
}

impl Shared {
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// A transport that breaks one promise of the one it wraps.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn Transport>,
    fault: Fault,
    shared: Arc<Shared>,
}

impl Faulty {
    /// Wraps a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            shared: Arc::default(),
        }
    }

    /// Stores messages as they are, expecting that it works.
    async fn republish(&self, message: Message) -> Result<()> {
        let mut results = self.inner.publish(vec![message.into()]).await;
        results.remove(0).map(drop)
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

/// A store all of whose connections break one promise.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    fault: Fault,
    shared: Arc<Shared>,
}

impl<S: Store> FaultyStore<S> {
    /// Wraps a store.
    pub fn new(inner: S, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            shared: Arc::default(),
        }
    }
}

#[async_trait]
impl<S: Store> Store for FaultyStore<S> {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(Faulty {
            inner: self.inner.open().await?,
            fault: self.fault,
            shared: Arc::clone(&self.shared),
        }))
    }

    fn lease(&self) -> Duration {
        self.inner.lease()
    }

    fn delay(&self) -> Duration {
        self.inner.delay()
    }

    /// Returns a short time: many faults show in that something never comes.
    fn limit(&self) -> Duration {
        match self.fault {
            Fault::None => self.inner.limit(),
            _ => Duration::from_secs(5),
        }
    }

    fn keeps_header_order(&self) -> bool {
        self.inner.keeps_header_order()
    }
}
