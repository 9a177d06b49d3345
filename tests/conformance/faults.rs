//! Each case of the suite fails on a store with a fault that breaks its promise.

use std::{collections::BTreeSet, time::Duration};

use protoflow::transport::{
    Result, Transport,
    conformance::{
        Case, Store,
        faulty::{Fault, FaultyStore},
    },
};
use tokio::task::JoinSet;

use crate::stores::InMemory;

const FAULTS: &[(&str, Fault)] = &[
    ("publish::accepted_is_stored", Fault::LosesPublish),
    (
        "publish::one_result_per_message_in_order",
        Fault::SwapsReceipts,
    ),
    ("publish::a_batch_keeps_its_order", Fault::ReversesBatch),
    ("publish::batches_keep_their_order", Fault::ReversesBatch),
    ("dedup::stores_an_event_once", Fault::StoresDuplicates),
    ("dedup::tells_events_apart", Fault::DropsDuplicates),
    ("dedup::survives_reopening", Fault::StoresDuplicates),
    ("dedup::covers_delays", Fault::StoresDuplicates),
    ("dedup::refuses_what_is_no_event", Fault::StoresDuplicates),
    (
        "receipts::are_stored_with_their_batch",
        Fault::ForgetsReceipts,
    ),
    ("receipts::fence_earlier_publishers", Fault::FencesNot),
    ("receipts::refuse_a_lower_number", Fault::FencesNot),
    ("receipts::of_two_names_stay_apart", Fault::OneReceipt),
    (
        "receipts::are_not_stored_with_a_refused_batch",
        Fault::StoresPartly,
    ),
    ("bytes::survive_to_a_tail", Fault::MergesHeaders),
    ("bytes::survive_to_a_consumer", Fault::NullsToEmpty),
    ("bytes::survive_a_retry", Fault::RetriesStripped),
    ("bytes::survive_a_delay", Fault::DelaysStripped),
    ("bytes::survive_death_and_replay", Fault::LettersStripped),
    ("bytes::survive_export_and_import", Fault::ImportsStripped),
    ("tail::reads_from_the_earliest", Fault::TailsNew),
    ("tail::starts_now", Fault::TailsEarliest),
    ("tail::starts_at_a_time", Fault::TailsEarliest),
    ("tail::starts_with_the_last", Fault::TailsEarliest),
    ("tail::ends_where_the_end_was", Fault::TailOpensLate),
    ("tail::ends_when_it_is_asked_to", Fault::TailEnds),
    ("tail::follows", Fault::TailEnds),
    ("tail::reads_several_topics", Fault::WidensPatterns),
    ("tail::reads_what_patterns_choose", Fault::WidensPatterns),
    ("tail::shows_once_what_matches_twice", Fault::RepeatsMatches),
    ("tail::skips_nothing_when_dropped", Fault::DropsLose),
    ("groups::consumers_share_the_work", Fault::EachAlone),
    ("groups::two_groups_both_see_all", Fault::OneGroup),
    ("groups::a_group_goes_on_where_it_was", Fault::EachAlone),
    ("groups::starts_with_the_earliest", Fault::StartsNew),
    ("groups::starts_with_the_new", Fault::StartsEarliest),
    ("groups::starts_at_a_time", Fault::StartsEarliest),
    ("groups::the_start_counts_only_once", Fault::StartsAgain),
    ("groups::reads_several_topics", Fault::WidensPatterns),
    ("groups::reads_what_patterns_choose", Fault::WidensPatterns),
    (
        "groups::delivers_once_what_matches_twice",
        Fault::RepeatsMatches,
    ),
    (
        "groups::never_exceeds_what_may_be_in_flight",
        Fault::IgnoresMaxInFlight,
    ),
    ("groups::loses_nothing_when_dropped", Fault::DropsLose),
    ("handlers::get_what_is_new", Fault::SharesTopics),
    ("handlers::wait_for_their_own_retries", Fault::SharesTopics),
    ("handlers::get_their_own_retries", Fault::SharesTopics),
    ("handlers::wait_for_their_own_replays", Fault::SharesTopics),
    ("handlers::get_their_own_replays", Fault::SharesTopics),
    ("until_end::ends_with_what_was_there", Fault::NeverEnds),
    ("until_end::waits_for_its_own_retries", Fault::EndsEarly),
    ("until_end::does_not_wait_for_others", Fault::NeverEnds),
    (
        "until_end::leaves_later_retries_of_others",
        Fault::NeverEnds,
    ),
    (
        "backlog::is_what_the_group_has_not_finished",
        Fault::HidesBacklog,
    ),
    ("settle::an_ack_is_final", Fault::ForgetsAcks),
    (
        "settle::one_result_per_settlement_in_order",
        Fault::DropsResults,
    ),
    ("settle::unsettled_comes_again", Fault::AcksEarly),
    ("settle::closing_gives_back", Fault::LeavesNothing),
    ("settle::a_lost_lease_settles_nothing", Fault::ForgivesLost),
    ("settle::an_extended_lease_is_kept", Fault::IgnoresExtend),
    ("attempts::a_return_is_not_counted", Fault::CountsReturn),
    ("attempts::leaving_is_not_counted", Fault::CountsLeaving),
    ("attempts::a_crash_is_no_failure", Fault::CountsCrashes),
    ("attempts::a_failed_run_is_counted", Fault::ForgetsFailures),
    (
        "attempts::the_first_failure_is_kept",
        Fault::ForgetsFirstFailure,
    ),
    (
        "attempts::the_fifth_crash_makes_a_letter",
        Fault::ForgivesCrashes,
    ),
    ("marks::of_what_was_handled_are_known", Fault::ForgetsMarks),
    ("marks::of_dead_letters_name_them", Fault::ForgetsMarks),
    ("marks::are_not_left_by_retries", Fault::ForgetsMarks),
    ("marks::of_what_began_outlive_a_crash", Fault::ForgetsMarks),
    ("marks::of_what_began_are_begun_once", Fault::ForgetsMarks),
    ("marks::of_what_began_name_their_group", Fault::ForgetsMarks),
    (
        "marks::of_what_began_end_with_their_delivery",
        Fault::ForgetsAcks,
    ),
    ("marks::end_with_their_window", Fault::ForgetsMarks),
    ("retry::is_not_early", Fault::RetriesAtOnce),
    ("retry::is_seen_by_its_group_only", Fault::RetriesToAll),
    ("retry::holds_up_nothing", Fault::AlwaysOrdered),
    ("retry::holds_its_key_if_ordered", Fault::NeverOrdered),
    ("retry::survives_a_crash", Fault::LosesRetries),
    ("order::a_consumer_sees_a_key_in_order", Fault::ReversesNext),
    ("order::consumers_see_a_key_in_order", Fault::ReversesNext),
    ("order::a_key_is_with_one_consumer", Fault::SharesKeys),
    (
        "order::a_returned_message_keeps_its_place",
        Fault::ReturnsLast,
    ),
    ("delay::is_seen_by_nobody_before", Fault::DelaysNot),
    ("delay::a_time_in_the_past_is_now", Fault::RefusesPast),
    ("delay::survives_reopening", Fault::ForgetsSchedules),
    ("delay::too_long_is_refused", Fault::UnderstatesDelay),
    ("schedules::are_listed_and_found", Fault::HidesSchedules),
    (
        "schedules::are_found_in_order_of_time",
        Fault::FindsInReverse,
    ),
    ("schedules::are_cancelled", Fault::CancelsNot),
    ("schedules::are_rescheduled", Fault::ReschedulesNot),
    ("schedules::do_not_outlive_their_time", Fault::CancelsNot),
    ("dead_letters::tell_the_story", Fault::LettersWithoutFailure),
    (
        "dead_letters::are_final_for_their_group_only",
        Fault::KeepsOriginal,
    ),
    ("dead_letters::have_stable_ids", Fault::RenamesLetters),
    (
        "dead_letters::of_two_groups_stay_apart",
        Fault::OneNamePerMessage,
    ),
    ("dead_letters::survive_a_crash", Fault::LosesLetters),
    (
        "dead_letters::count_only_failed_runs",
        Fault::CountsEveryRun,
    ),
    ("dead_letters::are_selected", Fault::SkipsLetters),
    ("dead_letters::are_counted", Fault::Miscounts),
    ("dead_letters::are_imported_once", Fault::ImportsAlwaysNew),
    (
        "dead_letters::come_in_pages_of_bounded_size",
        Fault::FillsPages,
    ),
    ("replay::starts_a_new_life", Fault::ForgetsLineage),
    ("replay::goes_to_the_group_that_failed", Fault::ReplaysToAll),
    ("replay::goes_to_another_topic", Fault::IgnoresTarget),
    ("replay::makes_another_letter", Fault::ForgetsTotals),
    ("replay::happens_once", Fault::ReplaysTwice),
    ("replay::resumes_after_a_crash", Fault::ReplaysTwice),
    ("replay::keeps_order", Fault::ReversesPlan),
    ("jobs::a_plan_does_nothing", Fault::PlansAct),
    ("jobs::progress_is_told", Fault::HidesJobs),
    ("jobs::a_second_lease_is_refused", Fault::LeasesTwice),
    ("jobs::a_stale_lease_is_refused", Fault::IgnoresFencing),
    ("jobs::purge_deletes", Fault::PurgesNothing),
    ("jobs::forgetting_keeps_letters", Fault::ForgettingDeletes),
    ("jobs::what_is_gone_is_gone", Fault::GoneIsDone),
    (
        "doctor::an_unknown_finding_is_not_found",
        Fault::FixesAnything,
    ),
    ("looking::changes_nothing", Fault::LookingCounts),
    ("looking::shows_the_users_topics_only", Fault::OwnTopicsShow),
    (
        "looking::never_matches_our_own_topics",
        Fault::OwnTopicsShow,
    ),
    ("replays::are_found_once", Fault::RepeatsReplays),
    ("replays::are_found_once", Fault::MisplacesReplays),
    ("replays::of_a_group_are_found", Fault::ChangesDigests),
    ("replays::are_gone_only_for_a_reason", Fault::HidesReplays),
    (
        "replays::are_settled_once_the_group_has_finished_them",
        Fault::SettlesEarly,
    ),
    ("notes::are_kept_and_replaced", Fault::ForgetsNotes),
    ("notes::are_removed", Fault::KeepsRemovedNotes),
    ("notes::are_read_by_whole_words", Fault::ForgetsNotes),
];

/// A store in this process with short times, because many faults show in that something never comes.
struct Hasty(InMemory);

#[async_trait::async_trait]
impl Store for Hasty {
    async fn open(&self) -> Result<std::sync::Arc<dyn Transport>> {
        self.0.open().await
    }

    fn lease(&self) -> Duration {
        Duration::from_millis(200)
    }
}

#[tokio::test]
async fn each_case_fails_with_its_fault() {
    let mut runs = JoinSet::new();
    for &(name, fault) in FAULTS {
        runs.spawn(async move {
            let store = FaultyStore::new(Hasty(InMemory::new()), fault);
            (name, fault, Case::named(name).check(store).await)
        });
    }
    let mut passed = Vec::new();
    for (name, fault, result) in runs.join_all().await {
        if result.is_ok() {
            passed.push((name, fault));
        }
    }
    assert_eq!(passed, [], "these did not see the fault");
}

#[test]
fn each_case_has_a_fault() {
    let cases: BTreeSet<_> = Case::all().iter().map(Case::name).collect();
    let faults: BTreeSet<_> = FAULTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(cases, faults);
}
