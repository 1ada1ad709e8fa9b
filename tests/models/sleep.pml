/* A sleeper, its waker, and idle harts (kernel/sched/wait_queue.cpp, scheduler.cpp).
 *
 * One thread waits for a condition under a guard lock; wakers make it true, each on a hart of its own. Idle harts set
 * their bit, look once more at their queue and wait for an interrupt; who queues a thread looks at the bits after the
 * push and sends one. A thread that leaves its hart is still on its stack until on_cpu is 0, and may be queued before.
 *
 * Shown: the thread never runs on two harts at once, and it is never lost: when all harts wait for interrupts, the
 * condition holds and the wakers are done, it has seen the condition (no invalid end state, and the assertion at the
 * end). With -DNO_LOOK (the idle hart does not look again after it set its bit) or -DNO_ON_CPU (a queued thread may be
 * taken while it still leaves its hart) the verifier must find the fault.
 */
#define HARTS 2

bool condition = false;
bool guard = false;            /* a spin lock */
bool listed = false;           /* the thread stands in the wait queue */
byte queue[HARTS];             /* 1: the thread stands in this hart's run queue */
bool on_cpu = true;            /* its stack is in use */
byte running = 1;              /* harts that run it */
bool idle[HARTS], pending[HARTS];
bool finished = false;

inline lock() { atomic { !guard -> guard = true } }
inline unlock() { guard = false }

/* wake_hart: who clears the bit sends the interrupt. */
inline wake_hart(sleeper) {
  atomic {
    if
    :: idle[sleeper] -> idle[sleeper] = false; pending[sleeper] = true
    :: else
    fi
  }
}

inline enqueue(home) {
  assert(queue[0] == 0 && queue[1] == 0);
  queue[home] = 1;
  /* more than this hart can begin at once: tell whoever sleeps, itself included */
  wake_hart(1 - home);
  wake_hart(home)
}

/* The thread's own steps, on hart h, until it is done or has left the hart. */
inline run_thread(place) {
  assert(running == 1);
  lock();
  if
  :: condition -> unlock(); finished = true; running = 0; on_cpu = false
  :: else ->
    listed = true;
    unlock();
    /* leave_hart: woken before it was gone? */
    if
    :: atomic { queue[place] == 1 -> queue[place] = 0 } goto again
    :: else
    fi;
    running = 0;
    on_cpu = false             /* the last step of arch_switch_context */
  fi
}

proctype Hart(byte h; bool has_thread) {
  if
  :: has_thread -> goto again
  :: else
  fi;
look:
  /* take_own, then steal */
  if
#ifdef NO_ON_CPU
  :: atomic { queue[h] == 1 -> queue[h] = 0; running++ } goto begin
  :: atomic { queue[1 - h] == 1 -> queue[1 - h] = 0; running++ } goto begin
#else
  :: atomic { queue[h] == 1 && !on_cpu -> queue[h] = 0; running++ } goto begin
  :: atomic { queue[1 - h] == 1 && !on_cpu -> queue[1 - h] = 0; running++ } goto begin
#endif
  :: else
  fi;
  idle[h] = true;
#ifndef NO_LOOK
  if
  :: queue[h] != 0 -> idle[h] = false; goto look
  :: else
  fi;
#endif
end_wfi:
  pending[h];                  /* wfi */
  pending[h] = false;
  idle[h] = false;
  goto look;
begin:
  on_cpu = true;
again:
  run_thread(h);
  goto look
}

proctype Waker(byte h) {
  lock();
  condition = true;
  if
  :: listed -> listed = false; enqueue(h)
  :: else
  fi;
  unlock()
}

proctype Judge() {
  /* Blocks for ever, without being wrong, unless the rest has come to its end: then the thread must have. */
end_judge:
  (timeout) -> assert(finished)
}

init {
  atomic {
    run Hart(0, true);
    run Hart(1, false);
    run Waker(0);
    run Waker(1);
    run Judge()
  }
}
