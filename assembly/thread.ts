import { State } from "./state";

/**
 * The share of thread `thread` of `threads` in `n` items, in whole grains: `[begin, end)`.
 *
 * A kernel must give the same bits for every division: slice only what is independent (rows, columns, elements),
 * and reduce in an order fixed by the sizes alone.
 */
export class Slice {
  @inline static begin(n: i32, grain: i32, thread: i32, threads: i32): i32 {
    return Slice.bound(n, grain, thread, threads);
  }

  @inline static end(n: i32, grain: i32, thread: i32, threads: i32): i32 {
    return Slice.bound(n, grain, thread + 1, threads);
  }

  @inline private static bound(n: i32, grain: i32, thread: i32, threads: i32): i32 {
    const grains = (n + grain - 1) / grain;
    return min<i32>(n, <i32>((<i64>grains * thread) / threads) * grain);
  }
}

/**
 * Byte offsets into the team block, through which the threads of a run meet; i32 and addresses. What different threads write lies
 * on different cache lines. JavaScript reads the offsets off the module.
 */
export enum Team {
  /** How often the barrier has opened. */
  turn = 0,
  /** Threads that wait at the barrier. */
  arrived = 64,
  /** Threads that sleep there, so that nobody is notified in vain. */
  sleepers = 68,
  /** Not 0: some thread did not come, and this team ends. */
  lost = 128,
  /** The state's status when the barrier opened: all threads read the same. */
  status = 132,
  /** The order of the run: what `run` takes. */
  plan = 192,
  end = 196,
  state = 200,
  steps = 204,
  threads = 208,
  /** Bytes of workspace of each thread: those of thread t begin t of it after an instruction's own. */
  workspace = 212,
  /** Looks at a word before a thread goes to sleep over it. */
  spins = 216,
  /** Milliseconds that a thread waits for another before it gives it up. */
  patience = 220,
  /** Not 0 while thread 0 is in a run, with or without helpers: nobody leaves, since the next order is near. */
  busy = 224,
  /** The first of the members' slots, `Slot.size` bytes each, thread 0's included. */
  slots = 256,
}

/** Byte offsets into a member's slot. */
export enum Slot {
  /** A `Duty`, or `Duty.go` plus the number the thread has in this run. */
  duty = 0,
  /** Address of the instruction it is in, or waits before: for the report when a thread is lost. */
  at = 4,
  /** The turn of the barrier it came to last: a thread that is behind the others is the lost one. */
  turn = 8,
  size = 64,
}

/** What a member is doing. */
export enum Duty {
  away = 0,
  /** It has been sent for. */
  invited = 1,
  /** It waits for an order. */
  ready = 2,
  /** It is counted on for the order that is being written. */
  claimed = 3,
  go = 4,
}

/** Where the threads of a team wait for each other: spinning at first, then asleep. */
export class Barrier {
  /**
   * Waits for all `threads` and gives the status of the state as the last one found it, or -1 when one is lost.
   *
   * The turn is read before the thread is counted: it cannot open in between, and a team lost before that is seen at once.
   */
  static wait(team: usize, slot: usize, state: usize, threads: i32): i32 {
    const turn = atomic.load<i32>(team, Team.turn);
    store<i32>(slot, turn, Slot.turn);
    if (atomic.load<i32>(team, Team.lost)) return -1;
    if (atomic.add<i32>(team, 1, Team.arrived) == threads - 1) {
      atomic.store<i32>(team, 0, Team.arrived);
      store<i32>(team, load<i32>(state, State.status), Team.status);
      Barrier.open(team);
    } else if (!Barrier.passes(team, turn)) {
      lose(team);
    }
    return atomic.load<i32>(team, Team.lost) ? -1 : load<i32>(team, Team.status);
  }

  @inline static open(team: usize): void {
    atomic.add<i32>(team, 1, Team.turn);
    if (atomic.load<i32>(team, Team.sleepers)) atomic.notify(team + Team.turn, -1);
  }

  /** Whether the barrier opened before patience ran out. */
  private static passes(team: usize, turn: i32): bool {
    const word = team + Team.turn;
    if (changes(word, turn, load<i32>(team, Team.spins), 0)) return true;
    atomic.add<i32>(team, 1, Team.sleepers);
    const isOpen = changes(word, turn, 0, load<i32>(team, Team.patience));
    atomic.sub<i32>(team, 1, Team.sleepers);
    return isOpen;
  }
}

/**
 * Waits until the word at `at` is no longer `old`: looks `spins` times, then sleeps for up to `patience` milliseconds. Whether it is.
 *
 * All sleeping is done here, and the call at the end keeps binaryen from inlining it: in a function with loops of its own, Node 20's
 * baseline compiler lost the locals around an `atomic.wait` (its optimising one does not, nor does Node 24). tests/core/team.test.ts
 * watches over it.
 */
export function changes(at: usize, old: i32, spins: i32, patience: i32): bool {
  for (; spins >= 0; spins--) {
    if (atomic.load<i32>(at) != old) return true;
  }
  if (patience <= 0) return false;
  // Woken without a change, by somebody late with his notice of an earlier one: asleep again.
  const result = atomic.wait<i32>(at, old, <i64>patience * 1_000_000);
  return changes(at, old, 0, result == TIMED_OUT ? 0 : patience);
}

/** What `atomic.wait` gives when its time is over. */
const TIMED_OUT: i32 = 2;

/** Ends the team's run: whoever waits, or comes to wait, leaves. */
export function lose(team: usize): void {
  atomic.store<i32>(team, 1, Team.lost);
  Barrier.open(team);
}
