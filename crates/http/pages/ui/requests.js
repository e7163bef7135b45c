// The view of a cluster: its requests as a table and on a time line, kept up to date.

import { list, wait } from './api.js';
import { copyable } from './copy.js';
import { el, label, tell } from './dom.js';
import { keepLooking } from './pace.js';
import { KEPT, emptyState, endBanner, problemBanner, problemState } from './problems.js';
import { addressOf, endOf, moment, stateName, took } from './request.js';
import { timeline } from './timeline.js';
import { zone } from './time.js';

/** Seconds between two looks where no result is awaited. */
const EVERY = 20;

/** How many rows there are at first, and how many more with each press of the button. */
const PORTION = 50;

const STATES = ['processed', 'failed', 'received'];

/** Shows the requests of a cluster until `signal` is aborted. `page` has `show(nodes)` and `askToken(problem)`. */
export function requestsView(cluster, page, signal) {
  let known = null;
  let rows = PORTION;
  const banner = el('div', {});
  const results = el('div', {}, el('p', { class: 'loading' }, 'Asking the service…'));
  page.show('Requests of a cluster', [el('p', { class: 'sub' }, 'Cluster ', copyable(cluster, 'cluster ID')), banner, results]);

  const [cut, line, table] = [el('div', {}), el('div', {}), el('div', {})];
  const filter = toolbar(() => { rows = PORTION; showTable(); }, () => lookNow());
  const frame = [cut, line, filter.element, table, el('p', { class: 'hint' }, `Time zone: ${zone()}. Requests are kept for ${KEPT} after they were last changed.`)];
  const showTable = () => {
    const shown = known.requests.filter(filter.matches);
    const focused = document.activeElement.closest('#requests a')?.getAttribute('href');
    table.replaceChildren(
      shown.length > 0 ? requestTable(cluster, shown.slice(0, rows)) : emptyState('search', 'No request is like that', 'Choose another state or another part of an ID.'),
      shown.length > rows ? more(shown) : '',
    );
    if (focused) table.querySelector(`a[href="${focused}"]`)?.focus();
  };
  const more = (shown) => {
    const click = () => {
      const first = rows;
      rows += PORTION;
      showTable();
      table.querySelectorAll('tbody a')[first].focus();
    };
    return el('p', { class: 'more' }, `${rows} of ${shown.length} are shown. `, el('button', { class: 'button', type: 'button', click }, `Show ${Math.min(PORTION, shown.length - rows)} more`));
  };
  const showList = () => {
    const { requests, truncated } = known;
    filter.count(requests);
    if (requests.length === 0) {
      results.replaceChildren(emptyState('search', 'No requests at the moment', `The cluster is known, and none of its requests is recorded any more. Requests are kept for ${KEPT} after they were last changed. This page goes on looking.`));
      return;
    }
    // What somebody is writing in stays where it is.
    if (!table.isConnected) results.replaceChildren(...frame);
    cut.replaceChildren(truncated ? el('p', { class: 'alert received' }, `The cluster has more requests. The service lists the ${requests.length} newest.`) : '');
    line.replaceChildren(timeline(cluster, requests));
    showTable();
  };

  const look = async (turn) => {
    const found = await list(cluster, known?.tag, turn);
    endBanner(banner);
    if (found) {
      if (known) tellChanges(known.requests, found.requests);
      else tell(`${found.requests.length} ${found.requests.length === 1 ? 'request' : 'requests'}`);
      known = found;
      showList();
    }
    filter.looked();
    const pending = known.requests.find(({ state }) => state === 'received');
    if (!pending) return EVERY;
    const seconds = await wait(cluster, pending.id, turn);
    // A long list is not read as often.
    return Math.max(seconds, Math.min(EVERY, known.requests.length / 500));
  };
  const lookNow = keepLooking(look, (problem, seconds) => {
    const again = el('button', { class: 'button', type: 'button', click: () => lookNow() }, 'Try now');
    if (problem.kind === 'unauthorized' || problem.kind === 'forbidden') return page.askToken(problem);
    if (known && seconds !== null && problem.kind !== 'unknown') return banner.replaceChildren(problemBanner(problem), again);
    known = null;
    banner.replaceChildren();
    if (problem.kind !== 'unknown') return results.replaceChildren(problemState(problem, seconds === null ? '' : again));
    return results.replaceChildren(emptyState('search', 'No such cluster', 'Your organization has never had a request of this cluster. Compare the ID; if it is right, its first request has not come yet. This page goes on looking.', again));
  }, signal);
}

/** The state and ID to look for, and when the list was read last. */
function toolbar(onChange, onRefresh) {
  const state = el('select', { id: 'filter-state', change: onChange }, el('option', { value: '' }, 'All'), STATES.map((name) => el('option', { value: name }, stateName(name))));
  const part = el('input', { id: 'filter-id', type: 'search', autocomplete: 'off', spellcheck: 'false', input: onChange });
  const at = el('span', { class: 'hint' });
  return {
    element: el('div', { class: 'toolbar', role: 'search', 'aria-label': 'Requests' },
      el('div', {}, el('label', { for: 'filter-state' }, 'State'), state),
      el('div', {}, el('label', { for: 'filter-id' }, 'Request ID contains'), part),
      el('div', { class: 'end' }, at, el('button', { class: 'button', type: 'button', click: onRefresh }, 'Refresh'))),
    matches: (request) => (!state.value || request.state === state.value) && request.id.toLowerCase().includes(part.value.trim().toLowerCase()),
    count(requests) {
      for (const option of state.options) {
        const count = requests.filter((request) => !option.value || request.state === option.value).length;
        option.textContent = `${option.value ? stateName(option.value) : 'All'} (${count})`;
      }
    },
    looked: () => { at.textContent = `As of ${new Date().toLocaleTimeString('en-GB')}`; },
  };
}

function requestTable(cluster, requests) {
  const columns = ['Request', 'State', 'Received', 'Done', 'Took', 'Kept until'];
  // The roles are for the narrow form, in which a row is no row for browsers.
  const head = el('tr', { role: 'row' }, columns.map((name) => el('th', { scope: 'col', role: 'columnheader' }, name)));
  const row = (request) => {
    const cell = (index, ...children) => el('td', { role: 'cell', 'data-label': columns[index] }, el('div', {}, ...children));
    return el('tr', { role: 'row' },
      el('th', { scope: 'row', role: 'rowheader' }, el('a', { href: addressOf(cluster, request.id) }, request.id)),
      cell(1, label(request.state, stateName(request.state))),
      cell(2, moment(request.received)),
      cell(3, moment(endOf(request))),
      cell(4, took(request)),
      cell(5, moment(request.expires)));
  };
  return el('table', { id: 'requests', role: 'table', class: 'card' },
    el('caption', { class: 'unseen' }, 'Requests, the newest first'),
    el('thead', { role: 'rowgroup' }, head),
    el('tbody', { role: 'rowgroup' }, requests.map(row)));
}

/** Says what is new to those who do not see it; many changes at once are a number. */
function tellChanges(before, after) {
  const states = new Map(before.map(({ id, state }) => [id, state]));
  const changed = after.filter(({ id, state }) => states.get(id) !== state);
  if (changed.length > 3) tell(`${changed.length} requests changed`);
  else if (changed.length > 0) tell(changed.map(({ id, state }) => `Request ${id} is ${state}`).join('. '));
}
