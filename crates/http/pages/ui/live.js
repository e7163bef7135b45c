// What the views have in common that look again and again: what fails is said above what is known, or in its place.

import { el, tell } from './dom.js';
import { keepLooking } from './pace.js';
import { problemBanner, problemState } from './problems.js';

const ASKING = 'Asking the service…';

/** Problems that another token may mend. */
const OF_TOKENS = ['unauthorized', 'forbidden', 'oversize'];

/**
 * Keeps looking until `signal` is aborted, with `look` as `keepLooking` has it. Returned are what is `known` (null once a problem takes
 * its place), the elements `banner`, `place` (of what is known) and `again` (a button), `lookNow()`, and `answered(change)`, to be
 * called with what an answer changes. `instead(problem)` may be added: what to show of a problem.
 */
export function live(look, page, signal) {
  let said = null;
  const again = el('button', { class: 'button', type: 'button', click: () => {
    // What fails again is said again.
    said = null;
    tell(ASKING);
    view.lookNow();
  } }, 'Try now');
  const banner = el('div');
  const place = el('div', {}, el('p', { class: 'sub' }, ASKING));
  /** The focus stays on the button, or goes to the heading once that is gone. */
  const keepFocus = (change) => {
    const hasFocus = document.activeElement === again;
    change();
    if (hasFocus) (again.isConnected ? again : document.querySelector('h1')).focus({ preventScroll: true });
  };
  const onProblem = (problem, seconds) => {
    if (OF_TOKENS.includes(problem.kind)) {
      page.askToken(problem);
      return;
    }
    const isAbove = view.known && seconds !== null && problem.kind !== 'unknown';
    const words = [isAbove, problem.kind, problem.sentence].join();
    if (words === said) return;
    said = words;
    keepFocus(() => {
      banner.replaceChildren(...(isAbove ? [problemBanner(problem), again] : []));
      if (isAbove) return;
      view.known = null;
      place.replaceChildren(view.instead?.(problem) || problemState(problem, seconds === null ? '' : again));
    });
  };
  const answered = (change) => keepFocus(() => {
    if (banner.firstChild) tell('The service answers again');
    banner.replaceChildren();
    said = null;
    change();
  });
  const view = { known: null, banner, place, again, answered, lookNow: keepLooking(look, onProblem, signal) };
  return view;
}
