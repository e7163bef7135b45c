// Requests on a time line: from when they were received, over when they were processed or failed, to when they go.

import { el } from './dom.js';
import { addressOf, endOf, took } from './request.js';
import { inFull, now, onAxis } from './time.js';

/** How many requests there is room for, and how many marks on the axis. */
const LANES = 12;
const MARKS = 7;

/** What lies between two marks, in seconds. */
const STEPS = [1, 5, 15, 60, 300, 900, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000];

/** The time line of the newest requests of a cluster. Without sight or a mouse, there is the table. */
export function timeline(cluster, requests) {
  const shown = requests.slice(0, LANES);
  const at = now();
  const range = rangeOf(shown, at);
  const x = (time) => `${(100 * Math.min(Math.max((time - range.from) / (range.to - range.from), 0), 1)).toFixed(2)}%`;
  const more = requests.length > shown.length ? `The ${shown.length} newest of ${requests.length} requests` : `${shown.length} ${shown.length === 1 ? 'request' : 'requests'}`;
  const text = `Time line from ${inFull(range.from)} to ${inFull(range.to)}. ${more}: ${shown.map((request) => `${request.id} ${request.state}, took ${took(request)}`).join('; ')}.`;
  return el('figure', { class: 'card timeline' },
    el('figcaption', {}, el('strong', {}, more), ' ',
      el('span', { class: 'legend' }, key('processed', 'processed'), key('failed', 'failed'), key('received', 'in the pipeline'), key('kept', 'kept'))),
    el('div', { role: 'img', 'aria-label': text }, ...shown.map((request) => lane(cluster, request, x, at)), axis(range, x, at)));
}

/** From the first to the last moment of the requests, with now; times far off are cut. */
function rangeOf(requests, at) {
  const retention = Math.max(1000, ...requests.map(({ expires }) => expires - at));
  const first = Math.min(at, ...requests.map(({ received }) => received));
  const from = Math.max(first, at - 2 * retention);
  return { from, to: at + retention, step: STEPS.find((step) => (at + retention - from) / 1000 / step <= MARKS) ?? STEPS.at(-1) };
}

function lane(cluster, request, x, at) {
  const end = endOf(request) ?? at;
  const bar = (name, from, to, y, height) => el('line', { class: `bar ${name}`, x1: x(from), x2: x(Math.max(from, to)), y1: y, y2: y, 'stroke-width': height });
  return el('div', { class: 'lane', click: () => { location.hash = addressOf(cluster, request.id); } },
    el('span', { class: 'name' }, short(request.id)),
    el('svg', { height: 18, width: '100%', 'aria-hidden': 'true' },
      el('title', {}, `${request.id}: ${request.state}, took ${took(request)}`),
      bar('kept', end, request.expires, 9, 6),
      bar(request.state, request.received, end, 9, 10),
      el('circle', { class: `bar ${request.state}`, cx: x(end), cy: 9, r: 5 }),
      nowMark(x, at)));
}

/** An ID by its two ends: those of one day may begin alike. */
function short(id) {
  return id.length > 24 ? `${id.slice(0, 12)}…${id.slice(-9)}` : id;
}

const nowMark = (x, at) => el('line', { class: 'now', x1: x(at), x2: x(at), y1: 0, y2: '100%' });

function axis({ from, to, step }, x, at) {
  const marks = [];
  // Marks are at whole hours of the reader's day.
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  const size = step * 1000;
  for (let time = Math.ceil((from - offset) / size) * size + offset; time <= to; time += size) marks.push(time);
  const middle = (time) => (time - from) / (to - from);
  return el('div', { class: 'lane axis' },
    el('span', { class: 'name' }),
    el('svg', { height: '2.2rem', width: '100%', 'aria-hidden': 'true' },
      marks.filter((time) => middle(time) > 0.04 && middle(time) < 0.96).map((time, index) => el('text', { class: index % 2 ? 'odd' : null, x: x(time), y: '.9rem', 'text-anchor': 'middle' }, onAxis(time, step))),
      nowMark(x, at),
      el('text', { class: 'now-text', x: x(at), y: '1.95rem', 'text-anchor': middle(at) < 0.1 ? 'start' : middle(at) > 0.9 ? 'end' : 'middle' }, 'now')));
}

function key(name, text) {
  return el('span', {}, el('svg', { width: 16, height: 10, 'aria-hidden': 'true' }, el('line', { class: `bar ${name}`, x1: 0, x2: 16, y1: 5, y2: 5, 'stroke-width': name === 'kept' ? 6 : 10 })), text);
}
