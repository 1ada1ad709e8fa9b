/* Stopping the machine (kernel/sched/stop.cpp), and kernel code that waits for other harts beside it.
 *
 * HARTS harts do, again and again and in any order: go through a point where they look for a stop (give_way, the idle
 * loop, the way back to a program); stop all others and look at them (check); meet all other harts that want to meet
 * (rwlktest), waiting for them in a loop that looks for stops, unless MUTE is defined, which is how it once was.
 *
 * Shown: while one hart has stopped the others, each of them stands still, and nobody else has stopped them; every
 * state has a way on (no deadlock); and who wants to stop the others gets to, if harts keep running at all (-f, the
 * claim below). With -DMUTE the verifier must find the freeze.
 */
#ifndef HARTS
#define HARTS 3
#endif
#ifndef STOPS
#define STOPS 1
#endif

byte number = 0;          /* counts up at each stop and each release: odd while the harts are stopped */
byte answers[HARTS];
bool standing[HARTS];     /* waits in wait_while_stopped */
byte looking = 0;         /* harts that have stopped the others */
byte arrived = 0;         /* at the meeting */
bool wants[HARTS], got[HARTS];

inline wait_while_stopped(seen) {
  seen = number;
  if
  :: seen % 2 == 1 ->
    atomic { answers[id] = seen; standing[id] = true }
    number != seen;
    standing[id] = false
  :: else
  fi
}

inline stop_and_look(before, other) {
  wants[id] = true;
  before = number;
  do
  :: before % 2 == 1 -> wait_while_stopped(before); before = number
  :: else ->
    atomic {                              /* compare and exchange */
      if
      :: number == before -> number = before + 1; before = before + 1; break
      :: else
      fi
    }
    wait_while_stopped(before);
    before = number
  od;
  other = 0;
  do                                      /* have_all_answered: in any order, since answers stay */
  :: other < HARTS -> (other == id || answers[other] == before); other++
  :: else -> break
  od;
  looking++;
  assert(looking == 1);
  other = 0;
  do
  :: other < HARTS -> assert(other == id || standing[other]); other++
  :: else -> break
  od;
  looking--;
  got[id] = true;
  number = before + 1
}

inline meet(seen) {
  arrived++;
#ifdef MUTE
  arrived >= HARTS                        /* spins, and looks for nothing else */
#else
  do
  :: arrived >= HARTS -> break
  :: else -> wait_while_stopped(seen)
  od
#endif
}

proctype Hart(byte id) {
  byte a, b, stops = 0;
  bool met = false;
  do
  :: stops < STOPS -> stops++; stop_and_look(a, b)
  :: !met -> met = true; meet(a)
  :: wait_while_stopped(a)
  od
}

init {
  byte i = 0;
  atomic {
    do
    :: i < HARTS -> run Hart(i); i++
    :: else -> break
    od
  }
}

/* Hart 0 wants to stop the others and never gets to. */
#ifdef LIVE
ltl stops { [] (wants[0] -> <> got[0]) }
#endif
