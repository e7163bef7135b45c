// What the page asks the API.

import { needsToken, token } from './session.js';
import { learnClock } from './time.js';

const BASE = document.documentElement.dataset.api;

/** The longest wait for a result, in seconds; proxies often give up at 30. */
const WAIT = 20;

/** Where the service lets nobody wait as long, seconds from one wait to the next. */
const LEAST = 5;

/** How long an answer may take beside that, in milliseconds. */
const PATIENCE = 30_000;

/** Why there is no answer: `kind` is what to do about it, `sentence` what the service says, `retryAfter` seconds or null. */
export class Problem extends Error {
  constructor(kind, sentence = '', retryAfter = null) {
    super(sentence || kind);
    Object.assign(this, { kind, sentence, retryAfter });
  }
}

const KINDS = { 400: 'invalid', 401: 'unauthorized', 403: 'forbidden', 404: 'unknown', 408: 'unavailable', 413: 'oversize', 429: 'busy', 431: 'oversize', 502: 'unavailable', 503: 'unavailable', 504: 'unavailable' };

/** The requests of a cluster, `{requests, truncated, tag}`; null if they are still those of `tag`. */
export async function list(cluster, tag, signal) {
  const answer = await call(`cluster/${cluster}/requests`, { headers: tag ? { 'If-None-Match': tag } : {}, signal });
  if (answer.status === 304) return null;
  const { requests, truncated = false } = await json(answer);
  if (!Array.isArray(requests)) throw new Problem('strange');
  return { requests: requests.map(entry), truncated, tag: answer.headers.get('ETag') };
}

/** One request, whether or not it is recorded: `valid` says so. */
export async function find(cluster, request, signal) {
  const body = JSON.stringify([request]);
  const answer = await call(`cluster/${cluster}/requests`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal });
  const { requests } = await json(answer);
  if (requests?.length !== 1 || requests[0]?.requestID !== request) throw new Problem('strange');
  return entry(requests[0]);
}

/** The report of a request as HTML. */
export async function report(cluster, request, signal) {
  const answer = await call(path(cluster, request), { headers: { Accept: 'text/html' }, signal });
  if (!answer.headers.get('Content-Type')?.startsWith('text/html')) throw new Problem('strange');
  return body(answer, 'text');
}

/**
 * Waits until a request is processed or has failed, or for some seconds. It returns how many seconds to let pass before waiting
 * again: none, unless the service does not let callers wait.
 */
export async function wait(cluster, request, signal) {
  let headers;
  try {
    ({ headers } = await call(path(cluster, request), { headers: { Prefer: `wait=${WAIT}` }, signal, patience: WAIT * 1000 + PATIENCE }));
  } catch (problem) {
    // It is not known yet, or the service is set to say so of those that are pending.
    if (problem.kind !== 'unknown') throw problem;
    ({ headers } = problem);
  }
  const waited = Number(/^wait=(\d+)$/.exec(headers.get('Preference-Applied'))?.[1] ?? 0);
  return waited > 0 ? Math.max(0, LEAST - waited) : retryAfter(headers) ?? LEAST;
}

const path = (cluster, request) => `cluster/${cluster}/request/${request}/report`;

/** An entry of a list, times in milliseconds. One not valid has an ID alone. */
function entry(given) {
  const { requestID: id, valid, status: state } = given ?? {};
  const [received, processed, expires] = ['received', 'processed', 'expires'].map((name) => (given?.[name] ? Date.parse(given[name]) : null));
  const isWhole = valid === false || typeof state === 'string' && received !== null && expires !== null && (state !== 'processed' || processed !== null);
  if (typeof id !== 'string' || !isWhole || [received, processed, expires].some(Number.isNaN)) throw new Problem('strange');
  return { id, valid: valid === true, state, received, processed, expires };
}

/** Calls the API. What is neither a success nor a 304 is a problem. */
async function call(asked, { headers, signal, patience = PATIENCE, ...rest }) {
  const credentials = needsToken ? { Authorization: `Bearer ${token()}` } : {};
  let answer;
  try {
    answer = await fetch(BASE + asked, {
      ...rest,
      headers: { Accept: 'application/json', ...headers, ...credentials },
      // Nothing of a report is left on a disk.
      cache: 'no-store',
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    });
  } catch {
    signal.throwIfAborted();
    throw new Problem(navigator.onLine ? 'unreachable' : 'offline');
  }
  learnClock(answer.headers.get('Date'));
  if (answer.ok || answer.status === 304) return answer;
  const said = await answer.json().catch(() => ({}));
  signal.throwIfAborted();
  const sentence = typeof said?.status === 'string' ? said.status : '';
  // A 404 of something else must not be taken for one of the service.
  const kind = answer.status === 404 && !sentence ? 'strange' : KINDS[answer.status] ?? (answer.status < 500 ? 'strange' : 'defect');
  throw Object.assign(new Problem(kind, sentence, retryAfter(answer.headers)), { headers: answer.headers });
}

async function json(answer) {
  const object = await body(answer, 'json');
  if (typeof object !== 'object' || object === null) throw new Problem('strange');
  return object;
}

/** The body, which may be that of a login page, or cut off. */
async function body(answer, form) {
  try {
    return await answer[form]();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(error instanceof SyntaxError ? 'strange' : 'unreachable');
  }
}

/** An hour at most. */
function retryAfter(headers) {
  const seconds = Number.parseInt(headers.get('Retry-After'), 10);
  return Number.isFinite(seconds) ? Math.min(seconds, 3600) : null;
}
