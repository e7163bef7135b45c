// Looking again and again: only while somebody sees the page, one thing after the other, and more seldom while it fails.

/** The shortest time between two looks, in seconds: a list must not be read as fast as results come. */
const SHORTEST = 1;

/** The longest time between two tries, in seconds. */
const LONGEST = 60;

/** Where trying again changes nothing until somebody does something. */
const FINAL = ['unauthorized', 'forbidden', 'invalid'];

/**
 * Calls `look(signal)` until `signal` is aborted. It returns how many seconds to let pass until the next one, or null for no
 * other. While the page is hidden, what it waits for is given up. Problems go to `onProblem(problem, seconds)`: `seconds` until the
 * next try, or null if there is none. Returned is a function that gives up what is waited for, and looks
 * at once.
 */
export function keepLooking(look, onProblem, signal) {
  let again = () => {};
  const loop = async () => {
    for (let failures = 0; !signal.aborted;) {
      await untilSeen(signal);
      const cut = new AbortController();
      const turn = AbortSignal.any([signal, seen.signal, cut.signal]);
      again = () => cut.abort();
      let seconds;
      try {
        seconds = await look(turn);
        failures = 0;
      } catch (problem) {
        if (signal.aborted) return;
        // It is looked at again, once the page is seen.
        if (turn.aborted) continue;
        if (!problem.kind) throw problem;
        failures += 1;
        seconds = FINAL.includes(problem.kind) ? null : delay(failures, problem.retryAfter);
        onProblem(problem, seconds);
      }
      if (seconds === null) await new Promise((now) => { again = now; });
      else await pause(Math.max(seconds, SHORTEST), (now) => { again = now; }, signal);
    }
  };
  loop().catch((error) => { if (!signal.aborted) reportError(error); });
  return () => again();
}

/** Twice as long after each failure, or as long as the service says; never as long as others. */
function delay(failures, retryAfter) {
  const seconds = retryAfter ?? Math.min(2 ** failures, LONGEST);
  return seconds * (1 + Math.random() / 4);
}

/** Waits so many seconds, or until it is cut short: by what is handed to `cutShort`, by an abort, or by the network coming back. */
function pause(seconds, cutShort, signal) {
  return new Promise((done) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      window.removeEventListener('online', finish);
      done();
    };
    const timer = setTimeout(finish, seconds * 1000);
    signal.addEventListener('abort', finish);
    window.addEventListener('online', finish);
    cutShort(finish);
  });
}

/** Waits until the page is seen. */
function untilSeen(signal) {
  return new Promise((seen) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      seen();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}

/** Aborted when the page is hidden, and new when it is seen. */
let seen = new AbortController();
document.addEventListener('visibilitychange', () => {
  if (document.hidden) seen.abort();
  else seen = new AbortController();
});
