// What is shown of a request, in the list and by itself.

import { el } from './dom.js';
import { duration, fromNow, inFull, now } from './time.js';

/** How long requests are kept, in milliseconds. */
export const RETENTION = Number(document.documentElement.dataset.retention) * 1000;

/** The address of a request's view, or of its cluster's. */
export function addressOf(cluster, request) {
  return `#/cluster/${cluster}${request ? `/request/${request}` : ''}`;
}

/** When the pipeline was done with a request; null while it is not. Of a failed one it is when the service last changed it. */
export function endOf({ state, processed, expires }) {
  if (state === 'failed') return expires - RETENTION;
  return state === 'processed' ? processed : null;
}

/** How long the pipeline took, or has taken so far. */
export function took(request) {
  const end = endOf(request);
  return end === null ? soFar(request.received) : duration(end - request.received);
}

/** The same, to be shown. */
export function tookNow(request) {
  return el('span', { 'data-since': endOf(request) === null && request.received }, took(request));
}

const soFar = (time) => `${duration(now() - time)} so far`;

/** A time, and how far away it is. */
export function moment(time) {
  if (time === null) return 'not yet';
  return el('span', { class: 'moment' }, el('span', { 'data-time': time }, fromNow(time)), el('time', { datetime: new Date(time).toISOString() }, inFull(time)));
}

/** Calls `change` now and then until `signal` is aborted, for what changes as time goes. */
export function asTimeGoes(change, signal) {
  const timer = setInterval(change, 10_000);
  signal?.addEventListener('abort', () => clearInterval(timer));
}

asTimeGoes(() => {
  for (const element of document.querySelectorAll('[data-time], [data-since]')) {
    const { time, since } = element.dataset;
    const text = since ? soFar(Number(since)) : fromNow(Number(time));
    if (element.textContent !== text) element.textContent = text;
  }
});
