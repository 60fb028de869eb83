/* The lease protocol: two clients, two msgs, a server that may restart, a network that may cut.
 *
 * Time is counted in ticks. A tick comes when nobody is late: what has a deadline acts before it
 * (the guard of Clock), what has none may act whenever it likes. E is what two clocks and a timer may
 * be off together. Grants and reports are commits: a restart keeps them and forgets the rest.
 *
 * docs/model.md says what is left out, and what the variants are.
 */
#define M 2             /* msgs */
#define C 2             /* clients */
#ifndef ATTEMPTS
#define ATTEMPTS 2      /* max_resends + 1 */
#endif
#ifndef FAULTS
#define FAULTS 2
#endif

#define S 1             /* silence: after this without a stamp a client takes its stream as lost */
#define D 1             /* in this a client stops its work once it must */
#define E 1
#define T 4             /* lease */
#define TC (T - D - E - 1)   /* from the grant a client works so long at most */

#if defined(GRACE_EQ_STOP)
#define G (S + D - 1)
#elif defined(NO_MARGIN)
#define G (S + D)
#else
#define G (S + E + D + 1)
#endif

#define QUEUED 0
#define HELD 1
#define REPORTED 2
#define FAILED 3

#define BIT(m) (1 << (m))

/* ---- what is durable */
byte place[M];
byte attempts[M];
byte batch[M];          /* that holds it */
bool grace[M];          /* its client is lost, or its lease is over */
byte due[M];            /* ticks left of the lease or the grace */
byte owner[M];

/* ---- the server's memory */
bool sees[C];           /* it has a stream to that client */
byte next_batch = 1;

/* ---- on the way */
byte sent_batch[C], sent_msgs[C], sent_age[C];
byte rep_batch[C], rep_done[C];
bool rep_whole[C], rep_again[C];
byte answer[C];         /* ANSWER_BEFORE_COMMIT: told, and not yet written */

/* ---- the clients */
bool stream[C];
byte silent[C];         /* ticks since the last stamp */
byte held_batch[C];
byte work[C], done[C];
byte lease_age[C];
bool stopping[C];
byte stop_left[C];

/* ---- what the laws need */
bool told[M];           /* some client was told that its report of it was accepted */
byte faults = FAULTS;

#define MISS(m) \
  assert(place[m] == HELD && !told[m]); \
  if \
  :: attempts[m] == ATTEMPTS -> place[m] = FAILED \
  :: else -> place[m] = QUEUED \
  fi; \
  grace[m] = 0; due[m] = 0; batch[m] = 0; owner[m] = 0

#define BUSY(c) \
  ((place[0] == HELD && !grace[0] && owner[0] == c) || \
   (place[1] == HELD && !grace[1] && owner[1] == c))

#define HOLD(m, c) \
  assert(attempts[m] < ATTEMPTS && place[m] == QUEUED && !told[m]); \
  place[m] = HELD; attempts[m]++; batch[m] = next_batch; \
  grace[m] = 0; due[m] = T; owner[m] = c

#define BEGIN_GRACE(m) \
  grace[m] = 1; due[m] = G

/* The stream of c is lost: not a release, for c may still be working. */
inline lose(c) {
  sees[c] = 0;
  m = 0;
  do
  :: m < M ->
     if
     :: place[m] == HELD && !grace[m] && owner[m] == c ->
#ifdef RESEND_ON_DROP
        MISS(m)
#else
        BEGIN_GRACE(m)
#endif
     :: else
     fi;
     m++
  :: else -> break
  od
}

inline settle(c) {
  m = 0;
  do
  :: m < M ->
     if
#ifdef NO_FENCE
     :: place[m] == HELD && ((rep_done[c] & BIT(m)) || rep_whole[c]) ->
#else
     :: place[m] == HELD && batch[m] == rep_batch[c] ->
#endif
        if
        :: rep_done[c] & BIT(m) ->
           place[m] = REPORTED; told[m] = 1; grace[m] = 0; due[m] = 0; batch[m] = 0; owner[m] = 0
#ifdef PARTIAL_SETTLES_ALL
        :: else -> MISS(m)
#else
        :: !(rep_done[c] & BIT(m)) && rep_whole[c] -> MISS(m)
        :: !(rep_done[c] & BIT(m)) && !rep_whole[c] ->
           if
           :: !grace[m] -> due[m] = T   /* its client has shown that it lives */
           :: else
           fi
#endif
        fi
     :: else
     fi;
     m++
  :: else -> break
  od
}

active proctype Server() {
  byte m, c;
  do
  :: atomic {  /* a grant: committed, then sent */
       (place[0] == QUEUED || place[1] == QUEUED) && ((sees[0] && !BUSY(0)) || (sees[1] && !BUSY(1))) ->
       if
       :: sees[0] && !BUSY(0) -> c = 0
       :: sees[1] && !BUSY(1) -> c = 1
       fi;
       sent_msgs[c] = 0;
       if
       :: place[0] == QUEUED && place[1] == QUEUED -> sent_msgs[c] = BIT(0) | BIT(1)
#ifdef LARGEST_BATCHES
       :: place[0] == QUEUED && place[1] != QUEUED -> sent_msgs[c] = BIT(0)
       :: place[0] != QUEUED && place[1] == QUEUED -> sent_msgs[c] = BIT(1)
#else
       :: place[0] == QUEUED -> sent_msgs[c] = BIT(0)
       :: place[1] == QUEUED -> sent_msgs[c] = BIT(1)
#endif
       fi;
       sent_batch[c] = next_batch; sent_age[c] = 0;
#ifdef SEND_BEFORE_COMMIT
       /* The restart comes between the two, or not. */
       if
       :: faults > 0 -> faults--; next_batch++; lose(0); lose(1); goto cut_off
       :: true
       fi;
#endif
       if
       :: sent_msgs[c] & BIT(0) -> HOLD(0, c)
       :: else
       fi;
       if
       :: sent_msgs[c] & BIT(1) -> HOLD(1, c)
       :: else
       fi;
       next_batch++;
       cut_off: m = 0; c = 0
     }
  :: atomic {  /* a lease or a grace is over */
       (place[0] == HELD && due[0] == 0) || (place[1] == HELD && due[1] == 0) ->
       if
       :: place[0] == HELD && due[0] == 0 -> m = 0
       :: place[1] == HELD && due[1] == 0 -> m = 1
       fi;
       if
       :: grace[m] -> MISS(m)
       :: else -> sees[owner[m]] = 0; BEGIN_GRACE(m)
       fi;
       m = 0
     }
  :: atomic {  /* a report: committed, then answered; perhaps it comes a second time, later */
       rep_batch[0] || rep_batch[1] ->
       if
       :: rep_batch[0] -> c = 0
       :: rep_batch[1] -> c = 1
       fi;
#ifdef ANSWER_BEFORE_COMMIT
       if
       :: faults > 0 ->
          faults--;
          if
          :: place[0] == HELD && batch[0] == rep_batch[c] && (rep_done[c] & BIT(0)) -> told[0] = 1
          :: else
          fi;
          lose(0); lose(1)
       :: true -> settle(c)
       fi;
#else
       settle(c);
#endif
       if
       :: rep_again[c] -> rep_again[c] = 0
       :: else -> rep_batch[c] = 0; rep_done[c] = 0; rep_whole[c] = 0
       fi;
       m = 0; c = 0
     }
  od
}

proctype Client(byte c) {
  byte m;
  do
  :: atomic { !stream[c] -> stream[c] = 1; lose(c); sees[c] = 1; silent[c] = 0; sent_batch[c] = 0; sent_msgs[c] = 0; sent_age[c] = 0; m = 0 }
  :: atomic { stream[c] && sees[c] && silent[c] > 0 -> silent[c] = 0 }   /* a heartbeat */
  :: atomic {  /* a batch comes; nothing is begun that would have to be stopped */
       stream[c] && sent_batch[c] && held_batch[c] == 0 && work[c] == 0 ->
       if
       :: sent_age[c] <= TC && silent[c] <= S ->
          assert((work[1 - c] & sent_msgs[c]) == 0);   /* P2 */
          held_batch[c] = sent_batch[c]; work[c] = sent_msgs[c]; done[c] = 0;
          lease_age[c] = sent_age[c]
       :: else
       fi;
       sent_batch[c] = 0; sent_msgs[c] = 0; sent_age[c] = 0
     }
  :: atomic {  /* work on one msg ends */
       work[c] ->
       if
       :: work[c] & BIT(0) -> m = 0
       :: work[c] & BIT(1) -> m = 1
       fi;
       work[c] = work[c] & ~BIT(m); done[c] = done[c] | BIT(m); m = 0
     }
  :: atomic {  /* all has ended: the report; it may be sent twice */
#ifdef REPORT_BEFORE_STOPPED
       held_batch[c] && (work[c] == 0 || stopping[c]) && rep_batch[c] == 0 ->
#else
       held_batch[c] && work[c] == 0 && rep_batch[c] == 0 ->
#endif
       rep_batch[c] = held_batch[c]; rep_done[c] = done[c]; rep_whole[c] = 1;
       if
       :: faults > 0 -> faults--; rep_again[c] = 1
       :: true
       fi;
       held_batch[c] = 0; done[c] = 0; lease_age[c] = 0
     }
  :: atomic {  /* some has ended: a partial report */
       held_batch[c] && work[c] && done[c] && !stopping[c] && rep_batch[c] == 0 ->
       rep_batch[c] = held_batch[c]; rep_done[c] = done[c]; rep_whole[c] = 0; done[c] = 0
     }
  :: atomic {  /* the stream is silent, perhaps a little longer than it should be */
       stream[c] && silent[c] >= S && !sees[c] ->
       stream[c] = 0; silent[c] = 0; sent_batch[c] = 0; sent_msgs[c] = 0; sent_age[c] = 0;
       if
       :: work[c] && !stopping[c] -> stopping[c] = 1; stop_left[c] = D
       :: else
       fi
     }
  :: atomic {  /* the lease is nearly over */
       work[c] && !stopping[c] && lease_age[c] >= TC -> stopping[c] = 1; stop_left[c] = D
     }
  :: atomic { stopping[c] -> work[c] = 0; stopping[c] = 0; stop_left[c] = 0 }
  od
}

/* Streams end; the server restarts. Clients learn of it by the silence alone, the worst case. */
active proctype Faults() {
  byte m, c;
  do
  :: atomic {
       faults > 0 && (sees[0] || sees[1]) ->
       faults--;
       if
       :: sees[0] -> c = 0
       :: sees[1] -> c = 1
       fi;
       lose(c); m = 0; c = 0
     }
  :: atomic {
       faults > 0 ->
       faults--;
       sees[0] = 0; sees[1] = 0; m = 0;
       do
       :: m < M ->
          if
#ifdef NO_WAIT_AFTER_RESTART
          :: place[m] == HELD -> MISS(m)
#else
          :: place[m] == HELD -> BEGIN_GRACE(m)
#endif
          :: else
          fi;
          m++
       :: else -> break
       od;
       m = 0
     }
  od
}

#define LATE(c) \
  ((stream[c] && !sees[c] && silent[c] >= S + E) || (stopping[c] && stop_left[c] == 0) || \
   (work[c] && !stopping[c] && lease_age[c] >= TC + E))
#define OLDER(x, most) x = (x < most -> x + 1 : x)

active proctype Clock() {
  do
  :: atomic {
       !(place[0] == HELD && due[0] == 0) && !(place[1] == HELD && due[1] == 0) &&
       !LATE(0) && !LATE(1) ->
       due[0] = (due[0] > 0 -> due[0] - 1 : 0);
       due[1] = (due[1] > 0 -> due[1] - 1 : 0);
       stop_left[0] = (stop_left[0] > 0 -> stop_left[0] - 1 : 0);
       stop_left[1] = (stop_left[1] > 0 -> stop_left[1] - 1 : 0);
       if :: stream[0] -> OLDER(silent[0], S + E) :: else fi;
       if :: stream[1] -> OLDER(silent[1], S + E) :: else fi;
       if :: held_batch[0] -> OLDER(lease_age[0], TC + E) :: else fi;
       if :: held_batch[1] -> OLDER(lease_age[1], TC + E) :: else fi;
       if :: sent_batch[0] -> OLDER(sent_age[0], TC + 1) :: else fi;
       if :: sent_batch[1] -> OLDER(sent_age[1], TC + 1) :: else fi
     }
  od
}

init {
  atomic {
#ifdef ONE_MSG
    place[1] = FAILED;
#endif
    run Client(0); run Client(1)
  }
}

#define ENDED(m) (place[m] == REPORTED || place[m] == FAILED)
ltl everything_ends { <> (ENDED(0) && ENDED(1)) }

/* Reachability: that the model can do what it should. Each of these must have a counterexample. */
#ifdef REACH_REPORT_IN_GRACE
ltl never_reached { [] !(place[0] == HELD && grace[0] && rep_batch[0] == batch[0] && (rep_done[0] & 1)) }
#endif
#ifdef REACH_PARTIAL
ltl never_reached { [] !(place[0] == REPORTED && place[1] == HELD && rep_batch[0] == 0 && work[0] == 2) }
#endif
#ifdef REACH_FAILED
ltl never_reached { [] !(place[0] == FAILED) }
#endif
#ifdef REACH_BOTH_REPORTED
ltl never_reached { [] !(place[0] == REPORTED && place[1] == REPORTED) }
#endif
