/* The log keeper (kernel/process/log_keeper.cpp, fs/log_watch.hpp): idle and ticking harts look at the log's rest, and
 * a thread of its own does the work when the rest has lasted.
 *
 * The log goes through rests by operations of programs: a rest has a number, 0 while the log is in use. Ticks and time
 * come as they like. The keeper may be woken while it still works: then nobody waits, and the wake goes to no one.
 *
 * Shown: when operations have ended and harts go on looking, the log comes to be empty (the last rest is worked on),
 * and work is only ever done on a rest that is still the log's. With -DONCE (a due rest is told once, instead of at
 * each look) the verifier must find the rest that is never worked on.
 */
#define OPERATIONS 3

byte rest = 0;               /* 0: in use or empty */
byte next_rest = 1;
byte watched = 0;            /* LogWatch: the rest that it saw */
bool due = false;            /* that one has lasted */
bool told = false;
bool keeper_waits = false, woken = false;
byte left = OPERATIONS;
bool drained = true;

/* An operation begins (the rest ends), ends, and leaves a log that rests and is not empty. */
proctype Program() {
  do
  :: left > 0 ->
    atomic { rest = 0 }
    atomic { drained = false; rest = next_rest; next_rest++; left-- }
  :: else -> break
  od
}

/* A hart at its tick, for ever: a hart that idles is woken when a rest is due. One step: it is under the keeper's lock,
 * and does not sleep. */
proctype Looker() {
end_looker:
  do
  :: atomic {
      rest != 0 ->
      if
      :: rest != watched -> watched = rest; due = false; told = false
      :: else -> due = true
      fi;
      if
#ifdef ONCE
      :: due && !told ->
#else
      :: due ->
#endif
        told = true;
        if
        :: keeper_waits -> keeper_waits = false; woken = true
        :: else
        fi
      :: else
      fi
    }
  od
}

proctype Keeper() {
  byte number;
end_keeper:
  do
  :: keeper_waits = true;
end_wait:
    woken;
    woken = false;
    number = watched;
    /* work_at_rest, under the log's own lock; between the two the log may have gone on */
    atomic {
      if
      :: number == rest && number != 0 ->
        assert(!drained);
        rest = 0;
        drained = true
      :: else
      fi
    }
  od
}

init {
  atomic {
    run Program();
    run Looker();
    run Looker();
    run Keeper()
  }
}

ltl emptied { [] (left == 0 -> <> drained) }
