// The ABI of the variants with threads: what they have beyond index.ts.

import { execute, Header } from "./run";
import { Status } from "./state";
import { Barrier, changes, Duty, Slot, Team } from "./thread";

export { Duty, lose, Slot, Team } from "./thread";

/**
 * The team's order, as thread `thread` of `Team.threads`: like `run`, and every thread of the team calls it. It gives the steps
 * done, or -1 when a thread was lost.
 *
 * Each instruction has its width, the threads that take part, and may ask for a barrier before it. Whether the state has stopped the
 * run is looked at in barriers only, where all threads see the same.
 */
export function runTeam(team: usize, thread: i32): i32 {
  const plan = load<usize>(team, Team.plan);
  const end = load<usize>(team, Team.end);
  const state = load<usize>(team, Team.state);
  const steps = load<i32>(team, Team.steps);
  const threads = load<i32>(team, Team.threads);
  const own = <usize>thread * load<usize>(team, Team.workspace);
  const slot = team + Team.slots + <usize>thread * Slot.size;
  for (let done = 0; done < steps; done++) {
    let status = Status.running as i32;
    for (let at = plan; at < end; at += Header.bytes(at)) {
      store<usize>(slot, at, Slot.at);
      if (Header.waits(at)) {
        status = Barrier.wait(team, slot, state, threads);
        if (status != Status.running) return status < 0 ? -1 : done;
      }
      const width = Header.width(at, threads);
      if (thread < width) execute(at, state, own, thread, width);
    }
    store<usize>(slot, end, Slot.at);
    status = Barrier.wait(team, slot, state, threads);
    if (status != Status.running) return status < 0 ? -1 : done;
  }
  return steps;
}

/**
 * Waits in member `member`'s slot for orders and carries them out; comes back when there was none for `idle` milliseconds, or when
 * the team was lost.
 */
export function serve(team: usize, member: i32, idle: i32): void {
  const slot = team + Team.slots + <usize>member * Slot.size;
  atomic.store<i32>(slot, Duty.ready, Slot.duty);
  for (;;) {
    const thread = nextOrder(team, slot, idle);
    if (thread < 0) return;
    const done = runTeam(team, thread);
    atomic.store<i32>(slot, done < 0 ? Duty.away : Duty.ready, Slot.duty);
    if (done < 0) return;
  }
}

/** The number the thread has in the next run, or -1 when there was no order for `idle` milliseconds and none is near. */
function nextOrder(team: usize, slot: usize, idle: i32): i32 {
  const spins = load<i32>(team, Team.spins);
  while (!changes(slot, Duty.ready, spins, idle)) {
    if (atomic.load<i32>(team, Team.busy)) continue;
    // An order that comes at this very moment wins.
    if (atomic.cmpxchg<i32>(slot, Duty.ready, Duty.away, Slot.duty) == Duty.ready) return -1;
  }
  changes(slot, Duty.claimed, spins, MINUTE);
  return atomic.load<i32>(slot, Slot.duty) - Duty.go;
}

/** Milliseconds. An order that is claimed comes in less: its writer is writing it. */
const MINUTE: i32 = 60_000;
