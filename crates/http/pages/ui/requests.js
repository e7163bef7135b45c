// The view of a cluster: its requests as a table and a time line, kept up to date.

import { list, wait } from './api.js';
import { copyable } from './copy.js';
import { capital, el, label, replaceRest, tell } from './dom.js';
import { live } from './live.js';
import { KEPT, emptyState } from './problems.js';
import { addressOf, asTimeGoes, endOf, moment, tookNow } from './request.js';
import { timeline } from './timeline.js';
import { now, zone } from './time.js';

/** Seconds between two looks where no result is awaited. */
const EVERY = 20;

/** Rows at first, and with each press of the button. */
const PORTION = 50;

const STATES = ['processed', 'failed', 'received'];

const COLUMNS = ['Request', 'State', 'Received', 'Done', 'Took', 'Kept until'];

/** Shows the requests of a cluster until `signal` is aborted. `page` is as for a report. */
export function requestsView(cluster, page, signal) {
  const overview = el('div');
  const table = requestTable(cluster);
  const filter = toolbar(() => table.show(view.known.requests.filter(filter.matches), true), () => view.lookNow());
  const frame = [overview, filter.element, table.element, el('p', { class: 'hint' }, `Time zone: ${zone()}. ${KEPT}.`)];
  const drawOverview = () => {
    const { requests = [], truncated } = view.known ?? {};
    overview.replaceChildren(truncated ? el('p', { class: 'alert received' }, `The cluster has more requests. The service lists the ${requests.length} newest.`) : '', requests.length > 0 ? timeline(cluster, requests) : '');
  };
  asTimeGoes(drawOverview, signal);
  const showList = ({ requests }) => {
    filter.count(requests);
    if (requests.length === 0) return view.place.replaceChildren(emptyState('search', 'No requests at the moment', `The cluster is known, and none of its requests is recorded any more. ${KEPT}. This page goes on looking.`));
    // What somebody is writing in stays where it is.
    if (!table.element.isConnected) view.place.replaceChildren(...frame);
    drawOverview();
    return table.show(requests.filter(filter.matches));
  };
  const look = async (turn) => {
    const found = await list(cluster, view.known?.tag, turn);
    view.answered(() => {
      if (!found) return;
      tellChanges(view.known?.requests, found.requests);
      view.known = found;
      showList(found);
    });
    filter.looked();
    const { requests } = view.known;
    const pending = requests.find(({ state }) => state === 'received');
    if (!pending) return EVERY;
    const seconds = await wait(cluster, pending.id, turn);
    // A long list is not read as often.
    return Math.max(seconds, Math.min(EVERY, requests.length / 500));
  };
  const view = live(look, page, signal);
  view.instead = ({ kind }) => kind === 'unknown' && emptyState('search', 'No such cluster', 'Your organization has never had a request of this cluster. Compare the ID; if it is right, its first request has not come yet. This page goes on looking.', view.again);
  page.show('Requests of a cluster', [el('p', { class: 'sub' }, 'Cluster ', copyable(cluster, 'cluster ID')), view.banner, view.place], `Requests of ${cluster}`);
}

/** The state and ID to look for, and when the list was read last. */
function toolbar(onChange, onRefresh) {
  const state = el('select', { id: 'filter-state', change: onChange }, el('option', { value: '' }, 'All'), STATES.map((name) => el('option', { value: name }, capital(name))));
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
        option.textContent = `${option.value ? capital(option.value) : 'All'} (${count})`;
      }
    },
    looked: () => { at.textContent = `As of ${new Date(now()).toLocaleTimeString('en-GB')}`; },
  };
}

/** The table, of which `show(requests, isOther)` changes what has changed: focus and selection stay. Others begin with a portion. */
function requestTable(cluster) {
  let limit = PORTION;
  let shown = [];
  const rows = new Map();
  const body = el('tbody', { role: 'rowgroup' });
  // Roles for the narrow form, in which a row is no row for browsers.
  const table = el('table', { id: 'requests', role: 'table', class: 'card' },
    el('caption', { class: 'unseen' }, 'Requests, the newest first'),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, COLUMNS.map((name) => el('th', { scope: 'col', role: 'columnheader' }, name)))),
    body);
  const count = el('span');
  const button = el('button', { class: 'button', type: 'button', click: () => {
    const first = limit;
    limit += PORTION;
    draw();
    body.rows[first].querySelector('a').focus();
  } });
  const more = el('p', { class: 'more' }, count, button);
  const none = el('div');
  const rowOf = (request) => {
    const said = JSON.stringify(request);
    const row = rows.get(request.id) ?? { element: el('tr', { role: 'row' }, el('th', { scope: 'row', role: 'rowheader' }, el('a', { href: addressOf(cluster, request.id) }, request.id))) };
    if (row.said !== said) replaceRest(row.element, ...cellsOf(request));
    row.said = said;
    return [request.id, row];
  };
  const draw = () => {
    const wanted = new Map(shown.slice(0, limit).map(rowOf));
    const had = document.activeElement;
    const place = [...body.rows].indexOf(had.closest('tr'));
    for (const [id, { element }] of rows) if (!wanted.has(id)) element.remove();
    rows.clear();
    let next = body.firstChild;
    for (const [id, row] of wanted) {
      rows.set(id, row);
      if (row.element === next) next = next.nextSibling;
      else body.insertBefore(row.element, next);
    }
    // A row that is moved or has expired took the focus with it.
    if (place >= 0 && had !== document.activeElement) {
      (had.isConnected ? had : body.rows[Math.min(place, wanted.size - 1)]?.querySelector('a') ?? document.querySelector('h1')).focus({ preventScroll: true });
    }
    table.hidden = shown.length === 0;
    more.hidden = shown.length <= limit;
    count.textContent = `${limit} of ${shown.length} are shown. `;
    button.textContent = `Show ${Math.min(PORTION, shown.length - limit)} more`;
    none.replaceChildren(shown.length > 0 ? '' : emptyState('search', 'No request is like that', 'Choose another state or another part of an ID.'));
  };
  return {
    element: el('div', {}, none, table, more),
    show(requests, isOther) {
      if (isOther) limit = PORTION;
      shown = requests;
      draw();
    },
  };
}

function cellsOf(request) {
  const values = [label(request.state), moment(request.received), moment(endOf(request)), tookNow(request), moment(request.expires)];
  return values.map((value, index) => el('td', { role: 'cell', 'data-label': COLUMNS[index + 1] }, el('div', {}, value)));
}

/** Says what is new; many changes at once are a number. */
function tellChanges(before, after) {
  if (!before) return tell(`${after.length} ${after.length === 1 ? 'request' : 'requests'}`);
  const states = new Map(before.map(({ id, state }) => [id, state]));
  const changed = after.filter(({ id, state }) => states.get(id) !== state);
  if (changed.length > 3) return tell(`${changed.length} requests changed`);
  return changed.length > 0 && tell(changed.map(({ id, state }) => `Request ${id} is ${state}`).join('. '));
}
