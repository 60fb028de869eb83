// Bugs planted on purpose, one at a time, to show that the simulator catches them: a check that
// nothing can fail checks nothing. They exist where the test-only build option PENA_PLANTED is on;
// anywhere else PENA_BUG(x) is `false` and the compiler drops what stands behind it. The table of who
// catches which is docs/planted-bugs.md.
#pragma once

#ifdef PENA_PLANTED

#include <array>
#include <cstdint>
#include <string_view>

// name, and what is wrong then
#define PENA_BUGS(X)                                                                             \
  X(resend_on_drop, "what a lost client held is sent again at once")                             \
  X(no_wait_after_restart, "after a restart what was held is sent again at once")                \
  X(grace_equals_silence, "the drop grace is as long as the silence")                            \
  X(one_attempt_too_many, "a msg fails one attempt too late")                                    \
  X(one_attempt_too_few, "a msg fails one attempt too early")                                    \
  X(refusal_is_no_attempt, "a refused msg keeps its number of attempts")                         \
  X(no_fence, "a report settles any batch that holds its ids, whatever batch it names")          \
  X(list_settles_all, "a list of ids settles every batch that holds one of them, whole")         \
  X(no_report_in_grace, "a report is not accepted any more once the grace runs")                 \
  X(partial_settles_all, "a partial report settles what it does not name")                       \
  X(partial_not_written, "what is left of a batch after a partial report is not written")        \
  X(batches_uncounted, "a client is sent more batches than it asked for")                        \
  X(last_ignored, "a client that said that it takes no more is sent another batch")              \
  X(complete_stream_open, "the stream of a client that has had all it asked for is not closed")  \
  X(rate_holds_back, "work that is there waits for what a rate will make")                       \
  X(shut_source_promises, "msgs are said to come from a generator that has no room to make any") \
  X(overtaken_for_ever, "a client that was overtaken is passed over again and again")            \
  X(lease_not_cleared, "the deadline of a batch stays when the batch is settled")                \
  X(extended_twice, "a partial report leaves the old deadline where it extends the lease")       \
  X(frees_lost_client, "settling the batch of a lost client makes that client free")             \
  X(expired_stream_open, "the stream of a lease that ended is not closed")                       \
  X(suspects_together, "pieces of one lost batch travel together")                               \
  X(pieces_do_not_shrink, "the pieces of a lost batch are as large later as at first")           \
  X(last_attempt_in_company, "a suspect has others for company at its last attempt")             \
  X(suspect_once, "a suspect that comes back by a refusal is none any more")                     \
  X(bodies_not_asked_for, "what of a missed msg only the store has is never read")               \
  X(missed_bodies_kept, "memory holds missed msgs whole, however many there are")                \
  X(refill_reads_all, "a refill reads on within its round until the window has fresh msgs")      \
  X(granted_stays_queued, "a granted msg's record stays in the queue")                           \
  X(window_forgets, "what does not fit into the window is forgotten until a restart")            \
  X(refill_one_short, "a refill believes to have seen one msg more than it has")                 \
  X(send_before_commit, "grants leave before the commit that has them")                          \
  X(answer_before_commit, "answers leave before the commit that has what they say")              \
  X(sends_settled_msgs,                                                                          \
    "a batch is sent whole, though a report of the same commit settled some of it")              \
  X(late_rate_forgotten, "a generator that is late is not woken for its next msg")               \
  X(room_unnoticed, "room in the store is noticed one commit too late")                          \
  X(failed_is_reported, "a msg that was said to have failed counts as processed")                \
  X(refused_is_reported, "a msg that was refused counts as processed")                           \
  X(error_uncut, "the error of a failed msg is kept however long it is")                         \
  X(grants_without_room, "work is granted where the store has no room for its reports")          \
  X(room_not_given_back, "what was kept free in the store for a batch is kept for ever")         \
  X(brim_untold, "a store that has no room for one msg more is said to take some")               \
  X(counter_reset, "a restart forgets how many msgs were generated")                             \
  X(count_not_written, "the number of generated msgs is not written")                            \
  X(id_known_to_store_only, "a submitted id that is held is accepted again")                     \
  X(id_known_to_memory_only, "a submitted id that has ended is accepted again")                  \
  X(id_refused_by_its_look, "an id of the server's own last second is refused, known or not")    \
  X(ids_begin_at_the_clock, "a restart begins its ids at the clock, wherever they were")         \
  X(id_second_not_written, "how far ids have come is not written")                               \
  X(leases_by_date, "a lease ends by the wall clock")                                            \
  X(no_silence, "a client never takes a silent stream as lost")                                  \
  X(silence_from_arrival, "a client counts the silence from when bytes arrive, not from stamps") \
  X(report_before_stopped, "a batch is given up while its work still stops")                     \
  X(claims_stopped_work, "work that was stopped is reported as done")                            \
  X(works_on_without_stream, "a client works on when its stream is lost")                        \
  X(begins_given_up_msgs, "msgs of a batch that was given up are begun when they come late")     \
  X(begins_overdue_msgs, "a msg is begun although its batch's time or the silence is over")      \
  X(anchor_of_another_server, "the anchor outlives the stream that it was made for")             \
  X(throttled_report_dropped, "a report that is answered 408 or 429 is not sent again")          \
  X(one_form_only, "a report that is answered 400 is not sent in another form")                  \
  X(retry_after_ignored, "a report is sent again sooner than the server asked for")

namespace pena::core {

enum class Bug : std::uint8_t {
  none,
#define PENA_NAME(name, what) name,
  PENA_BUGS(PENA_NAME)
#undef PENA_NAME
};

struct BugText {
  Bug bug;
  std::string_view name, what;
};
inline constexpr BugText kBugs[] = {
#define PENA_TEXT(name, what) {Bug::name, #name, what},
    PENA_BUGS(PENA_TEXT)
#undef PENA_TEXT
};

// Of the whole process; to be set while nothing else runs.
inline Bug planted = Bug::none;

}  // namespace pena::core

#define PENA_BUG(name) (::pena::core::planted == ::pena::core::Bug::name)

#else
#define PENA_BUG(name) false
#endif
