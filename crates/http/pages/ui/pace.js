// Looking again and again: only while the page is seen, one look after the other, more seldom while they fail.

import { Problem } from './api.js';

/** The shortest time between two looks, in seconds, however fast results come. */
const SHORTEST = 1;

/** The longest time between two tries, in seconds. */
const LONGEST = 60;

/** Where trying again changes nothing until somebody does something. */
const FINAL = ['unauthorized', 'forbidden', 'oversize', 'invalid'];

/**
 * Calls `look(signal)` until `signal` is aborted. It returns how many seconds to let pass until the next one, or null for no
 * other. While the page is hidden, what it waits for is given up. Problems go to `onProblem(problem, seconds)`: `seconds` until the
 * next try, or null if there is none. Returned is a function that gives up what is waited for, and looks at once.
 */
export function keepLooking(look, onProblem, signal) {
  let again = () => {};
  const loop = async () => {
    for (let failures = 0; !signal.aborted;) {
      while (document.hidden && !signal.aborted) await oneOf([document, 'visibilitychange'], [signal, 'abort']);
      const cut = new AbortController();
      const turn = AbortSignal.any([signal, cut.signal]);
      again = () => cut.abort();
      document.addEventListener('visibilitychange', again, { signal: cut.signal });
      let seconds;
      try {
        seconds = await look(turn);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        // It is looked at again, once the page is seen.
        if (turn.aborted) continue;
        // An answer of a shape that nobody thought of.
        const problem = error.kind ? error : new Problem('strange');
        if (problem !== error) reportError(error);
        failures += 1;
        seconds = FINAL.includes(problem.kind) ? null : delay(failures, problem.retryAfter);
        onProblem(problem, seconds);
      }
      cut.abort();
      const now = new EventTarget();
      again = () => now.dispatchEvent(new Event('now'));
      if (seconds !== null) setTimeout(again, Math.max(seconds, SHORTEST) * 1000);
      await oneOf([now, 'now'], [signal, 'abort'], [window, 'online']);
    }
  };
  // The caller is to have what is returned.
  queueMicrotask(loop);
  return () => again();
}

/** Twice as long after each failure, at least what the service says, and not the same for all. */
function delay(failures, retryAfter) {
  const seconds = Math.max(retryAfter ?? 0, Math.min(2 ** failures, LONGEST));
  return seconds * (1 + Math.random() / 4);
}

/** Waits for the first of some events. */
function oneOf(...events) {
  const heard = new AbortController();
  return new Promise((done) => {
    for (const [target, name] of events) target.addEventListener(name, done, { signal: heard.signal });
  }).finally(() => heard.abort());
}
