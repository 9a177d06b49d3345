//! The guarantees of a transport as tests, for backends of this crate and of any other.
//!
//! Each case states one guarantee over `&dyn Transport`. What a store cannot do is read from its
//! [`Capabilities`](super::Capabilities): a case that needs it then checks that it is refused in the right way.
//! Implement [`Store`] for your backend and let [`conformance_suite!`](crate::conformance_suite) make a test of
//! each case:
//!
//! ```
//! # use std::sync::Arc;
//! use protoflow::{
//!     backends::memory::Memory,
//!     transport::{Result, Transport, conformance::Store},
//! };
//!
//! struct InMemory(Memory);
//!
//! #[async_trait::async_trait]
//! impl Store for InMemory {
//!     async fn open(&self) -> Result<Arc<dyn Transport>> {
//!         Ok(Arc::new(self.0.clone()))
//!     }
//! }
//!
//! protoflow::conformance_suite!(in_memory, InMemory(Memory::new()));
//! # fn main() {}
//! ```
#![expect(
    clippy::missing_panics_doc,
    reason = "panicking is how a case fails, which is what cases are for"
)]

mod cases;
pub mod faulty;
mod harness;

use std::{fmt, panic::AssertUnwindSafe};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::timeout;

use self::cases::{
    consume::{attempts, backlog, groups, handlers, marks, order, retry, settle, until_end},
    delay::{delays as delay, schedules},
    doctor,
    messages::{bytes, dedup, looking, publish, receipts, tail},
    triage::{dead_letters, jobs, notes, replay, replays},
};
pub use self::harness::{Harness, Store};

/// Calls a macro with every case, by subject; `$args` go first.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($callback:path, $($args:tt)*) => {
        $callback! { [$($args)*]
            publish {
                accepted_is_stored,
                one_result_per_message_in_order,
                a_batch_keeps_its_order,
                batches_keep_their_order,
            }
            dedup {
                stores_an_event_once,
                tells_events_apart,
                survives_reopening,
                covers_delays,
                refuses_what_is_no_event,
            }
            receipts {
                are_stored_with_their_batch,
                fence_earlier_publishers,
                refuse_a_lower_number,
                of_two_names_stay_apart,
                are_not_stored_with_a_refused_batch,
            }
            bytes {
                survive_to_a_tail,
                survive_to_a_consumer,
                survive_a_retry,
                survive_a_delay,
                survive_death_and_replay,
                survive_export_and_import,
            }
            tail {
                reads_from_the_earliest,
                starts_now,
                starts_at_a_time,
                starts_with_the_last,
                ends_where_the_end_was,
                ends_when_it_is_asked_to,
                follows,
                reads_several_topics,
                reads_what_patterns_choose,
                shows_once_what_matches_twice,
                skips_nothing_when_dropped,
            }
            groups {
                consumers_share_the_work,
                two_groups_both_see_all,
                a_group_goes_on_where_it_was,
                starts_with_the_earliest,
                starts_with_the_new,
                starts_at_a_time,
                the_start_counts_only_once,
                reads_several_topics,
                reads_what_patterns_choose,
                delivers_once_what_matches_twice,
                never_exceeds_what_may_be_in_flight,
                loses_nothing_when_dropped,
            }
            handlers {
                get_what_is_new,
                wait_for_their_own_retries,
                get_their_own_retries,
                wait_for_their_own_replays,
                get_their_own_replays,
            }
            until_end {
                ends_with_what_was_there,
                waits_for_its_own_retries,
                does_not_wait_for_others,
                leaves_later_retries_of_others,
            }
            backlog {
                is_what_the_group_has_not_finished,
            }
            settle {
                an_ack_is_final,
                one_result_per_settlement_in_order,
                unsettled_comes_again,
                closing_gives_back,
                a_lost_lease_settles_nothing,
                an_extended_lease_is_kept,
            }
            attempts {
                a_return_is_not_counted,
                leaving_is_not_counted,
                a_crash_is_no_failure,
                a_failed_run_is_counted,
                the_first_failure_is_kept,
                the_fifth_crash_makes_a_letter,
            }
            retry {
                is_not_early,
                is_seen_by_its_group_only,
                holds_up_nothing,
                holds_its_key_if_ordered,
                survives_a_crash,
            }
            marks {
                of_what_was_handled_are_known,
                of_dead_letters_name_them,
                are_not_left_by_retries,
                of_what_began_outlive_a_crash,
                of_what_began_are_begun_once,
                of_what_began_name_their_group,
                of_what_began_end_with_their_delivery,
                end_with_their_window,
            }
            order {
                a_consumer_sees_a_key_in_order,
                consumers_see_a_key_in_order,
                a_key_is_with_one_consumer,
                a_returned_message_keeps_its_place,
            }
            delay {
                is_seen_by_nobody_before,
                a_time_in_the_past_is_now,
                survives_reopening,
                too_long_is_refused,
            }
            schedules {
                are_listed_and_found,
                are_found_in_order_of_time,
                are_cancelled,
                are_rescheduled,
                do_not_outlive_their_time,
            }
            dead_letters {
                tell_the_story,
                are_final_for_their_group_only,
                have_stable_ids,
                of_two_groups_stay_apart,
                survive_a_crash,
                count_only_failed_runs,
                are_selected,
                are_counted,
                are_imported_once,
                come_in_pages_of_bounded_size,
            }
            replay {
                starts_a_new_life,
                goes_to_the_group_that_failed,
                goes_to_another_topic,
                makes_another_letter,
                happens_once,
                resumes_after_a_crash,
                keeps_order,
            }
            jobs {
                a_plan_does_nothing,
                progress_is_told,
                a_second_lease_is_refused,
                a_stale_lease_is_refused,
                purge_deletes,
                forgetting_keeps_letters,
                what_is_gone_is_gone,
            }
            replays {
                are_found_once,
                of_a_group_are_found,
                are_gone_only_for_a_reason,
                are_settled_once_the_group_has_finished_them,
            }
            notes {
                are_kept_and_replaced,
                are_removed,
                are_read_by_whole_words,
            }
            doctor {
                an_unknown_finding_is_not_found,
            }
            looking {
                changes_nothing,
                shows_the_users_topics_only,
                never_matches_our_own_topics,
            }
        }
    };
}

/// Makes a module `$name` with a test of each case; `$store` is evaluated in each and may await.
#[macro_export]
macro_rules! conformance_suite {
    ($name:ident, $store:expr) => {
        mod $name {
            #[allow(
                unused_imports,
                reason = "the expression may need nothing from around it"
            )]
            use super::*;

            $crate::conformance_cases!($crate::conformance_tests, $store);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ([$store:expr] $($subject:ident { $($case:ident,)+ })+) => {$(
        mod $subject {
            #[allow(unused_imports, reason = "the expression may need nothing from around it")]
            use super::*;

            $(
                #[tokio::test]
                async fn $case() {
                    let name = concat!(stringify!($subject), "::", stringify!($case));
                    let store = $store;
                    if let Err(failure) =
                        $crate::transport::conformance::Case::named(name).check(store).await
                    {
                        panic!("{failure}");
                    }
                }
            )+
        }
    )+};
}

macro_rules! table {
    ([] $($subject:ident { $($case:ident,)+ })+) => {
        /// Every case.
        const CASES: &[Case] = &[$($(
            Case {
                name: concat!(stringify!($subject), "::", stringify!($case)),
                run: |harness| Box::pin($subject::$case(harness)),
            },
        )+)+];
    };
}

crate::conformance_cases!(table,);

/// One guarantee.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: for<'a> fn(&'a Harness) -> BoxFuture<'a, ()>,
}

impl Case {
    /// Returns every case.
    #[must_use]
    pub fn all() -> &'static [Self] {
        CASES
    }

    /// Returns the case of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let case = CASES.iter().find(|case| case.name == name);
        *case.expect("the name is one of `Case::all`")
    }

    /// Returns its name, `subject::case`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it within the store's time limit.
    ///
    /// # Errors
    /// If the store does not keep the guarantee: what went wrong.
    pub async fn check(&self, store: impl Store) -> Result<(), String> {
        let limit = store.limit();
        let run = async {
            let harness = Harness::open(Box::new(store)).await;
            (self.run)(&harness).await;
        };
        let run = AssertUnwindSafe(run).catch_unwind();
        match timeout(limit, run).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(panic)) => Err(format!("{}: {}", self.name, words(&*panic))),
            Err(_) => Err(format!("{}: not done within {limit:?}", self.name)),
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panicked")
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
