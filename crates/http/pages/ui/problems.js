// What is said where there is no answer, and what one can do about it.

import { el, sign, tell } from './dom.js';
import { needsToken } from './session.js';
import { RETENTION } from './request.js';
import { duration } from './time.js';

export const KEPT = `Requests are kept for ${duration(RETENTION)} after they were last changed`;

const WORDS = {
  unauthorized: needsToken
    ? ['lock', 'The token is not accepted', 'It may have expired, or be for another service. Enter another one below.']
    : ['lock', 'The service does not know who you are', 'A gateway in front of it, or a certificate of your browser, has to say so.'],
  forbidden: ['lock', 'Not for you to see', needsToken
    ? 'Your token is good, but not for this: it is for another cluster, or may not read. Ask for another cluster, or enter another token below.'
    : 'The service knows you, and you may not see this cluster. Ask for another one.'],
  invalid: ['warning', 'The service cannot read this', 'The address of this page may have been changed. Begin anew with the ID of the cluster.'],
  oversize: ['lock', 'The call is too long', 'The token, or a cookie of your browser, is longer than the service takes. Enter another one, or log in anew.'],
  unknown: ['search', 'Not found', 'Your organization has no record of it.'],
  busy: ['warning', 'Too many calls', 'You, or your organization, ask more often than the service allows.'],
  unavailable: ['cloud', 'The service cannot answer at the moment', 'It is there, but its database or what it needs is not. What is recorded is not lost.'],
  unreachable: ['cloud', 'The service cannot be reached', 'It may be starting anew, the network may be away, or you may have to log in again: then load this page again.'],
  offline: ['cloud', 'You are offline', 'This computer has no network. The page goes on once it has.'],
  strange: ['warning', 'Something else answered', 'The answer is not one of this service, or does not fit the question. A login page or a proxy may stand in front of it: load this page again.'],
  defect: ['warning', 'The service has a defect', 'Whoever runs it finds the cause in its log.'],
};

/** What stands in place of a view: a sign, a heading, what to do, and perhaps something to do it with. */
export function emptyState(kind, heading, text, ...actions) {
  tell(heading);
  return el('section', { class: 'card empty' }, sign(kind), el('h2', {}, heading), el('p', {}, text), ...actions);
}

/** The same for a problem. */
export function problemState(problem, ...actions) {
  const [kind, heading, text] = WORDS[problem.kind];
  return emptyState(kind, heading, text, said(problem), ...actions);
}

/** A problem above a view that shows what was known before. */
export function problemBanner(problem) {
  const [kind, heading, text] = WORDS[problem.kind];
  tell(heading);
  return el('div', { class: 'alert moderate' }, sign(kind), el('div', {}, el('strong', {}, heading), el('p', {}, text), said(problem)));
}

function said({ sentence }) {
  return sentence ? el('p', {}, 'The service says: ', el('q', { dir: 'auto' }, sentence)) : null;
}
