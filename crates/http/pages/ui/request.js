// What is shown of a request, in the list and by itself.

import { el } from './dom.js';
import { duration, fromNow, inFull, now } from './time.js';

const RETENTION = Number(document.documentElement.dataset.retention) * 1000;

/** The address of a request's view, or of its cluster's. */
export function addressOf(cluster, request) {
  return `#/cluster/${cluster}${request ? `/request/${request}` : ''}`;
}

export function stateName(state) {
  return { received: 'Received', processed: 'Processed', failed: 'Failed' }[state] ?? state;
}

/** When the pipeline was done with a request; null while it is not. Of a failed one it is when the service last changed it. */
export function endOf({ state, processed, expires }) {
  if (state === 'failed') return expires - RETENTION;
  return state === 'processed' ? processed : null;
}

/** How long the pipeline took, or has taken so far. */
export function took(request) {
  const end = endOf(request);
  return end === null ? `${duration(now() - request.received)} so far` : duration(end - request.received);
}

/** A time, and how far away it is. */
export function moment(time) {
  if (time === null) return el('span', { class: 'none' }, el('span', { 'aria-hidden': 'true' }, '–'), el('span', { class: 'unseen' }, 'not yet'));
  return el('span', { class: 'moment' }, el('span', { 'data-time': time }, fromNow(time)), el('time', { datetime: new Date(time).toISOString() }, inFull(time)));
}

// What is far away or near by now is said anew while it is shown.
setInterval(() => {
  for (const element of document.querySelectorAll('[data-time]')) {
    const text = fromNow(Number(element.dataset.time));
    if (element.textContent !== text) element.textContent = text;
  }
}, 10_000);
