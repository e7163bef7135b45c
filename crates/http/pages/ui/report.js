// The view of one request: where it stands, and its report.

import { Problem, find, report, wait } from './api.js';
import { copyable } from './copy.js';
import { el, label, replaceRest, sign, tell } from './dom.js';
import { readReport } from './fragment.js';
import { live } from './live.js';
import { KEPT, emptyState } from './problems.js';
import { addressOf, endOf, moment, tookNow } from './request.js';
import { now } from './time.js';

/** Seconds between two looks at a request that is done. */
const EVERY = 20;

const RISKS = { 4: 'critical', 3: 'important', 2: 'moderate', 1: 'low' };

/** Shows a request until `signal` is aborted. `page` has `show(title, nodes, tab)` and `askToken(problem)`. */
export function reportView(cluster, id, page, signal) {
  /** Whether the report did not fit what was said of the request before. */
  let isTorn = false;
  const facts = el('dl', { class: 'card facts' }, fact('Request ID', copyable(id, 'request ID')));
  const showLost = () => {
    if (view.known) {
      view.place.replaceChildren(emptyState('received', 'The request has expired', `It was here while you looked. ${KEPT}, and then forgotten with their reports.`));
    } else if (!view.place.querySelector('.unknown')) {
      view.place.replaceChildren(el('div', { class: 'unknown' }, emptyState('search', 'No such request', `Your organization has no request with this ID for this cluster. It may have expired. ${KEPT}. If it is new, it may not have come yet: this page goes on looking.`, view.again)));
    }
  };
  const show = (found, read) => {
    replaceRest(facts, ...factsOf(found));
    if (!facts.isConnected) view.place.replaceChildren(facts);
    replaceRest(view.place, ...contentOf(found, read));
    tell(`Request ${id} is ${found.state}`);
    view.known = found;
  };
  const look = async (turn) => {
    const found = await find(cluster, id, turn);
    view.answered(() => { if (!found.valid) showLost(); });
    // What has expired does not come back; what is unknown may come.
    if (!found.valid) return view.known ? null : wait(cluster, id, turn);
    const { state, expires } = found;
    if (view.known?.state !== state || view.known.expires !== expires) {
      const read = state === 'processed' || state === 'failed' ? await readIfThere(cluster, id, turn) : null;
      const wasTorn = isTorn;
      isTorn = read ? read.state !== state : state === 'processed';
      // It may have changed, or gone, between the two questions, but not each time.
      if (isTorn && wasTorn) throw new Problem('strange');
      if (isTorn) return 0;
      view.answered(() => show(found, read));
    }
    if (state === 'received') return wait(cluster, id, turn);
    // When it goes, this is to be seen at once.
    return Math.min(EVERY, Math.max(1, (expires - now()) / 1000 + 1));
  };
  const view = live(look, page, signal);
  page.show('Request of a cluster', [
    el('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, el('a', { href: addressOf(cluster) }, 'Requests of the cluster ', el('span', { class: 'id' }, cluster))),
    view.banner,
    view.place,
  ], `Request ${id}`);
}

/** The report; null where the service says nothing of failed requests. */
async function readIfThere(cluster, id, signal) {
  try {
    return readReport(await report(cluster, id, signal), cluster, id);
  } catch (problem) {
    if (problem.kind === 'unknown') return null;
    throw problem;
  }
}

function fact(name, ...value) {
  return el('div', {}, el('dt', {}, name), el('dd', {}, ...value));
}

function factsOf(request) {
  return [
    fact('State', label(request.state)),
    fact('Received', moment(request.received)),
    fact(request.state === 'failed' ? 'Failed' : 'Processed', moment(endOf(request))),
    fact('The pipeline took', tookNow(request)),
    fact('Kept until', moment(request.expires)),
  ];
}

function contentOf({ state }, read) {
  if (state === 'received') {
    return [el('div', { class: 'waiting' }, emptyState('received', 'Waiting for the result', 'The cluster has sent its data, and the analysis is not done. This page shows the report as soon as it is there.'))];
  }
  if (state === 'failed') {
    return [el('section', { class: 'alert failed' }, sign('failed'), el('div', {}, el('h2', {}, 'The result could not be used'),
      read?.reason ? el('p', {}, 'Reason: ', el('bdi', {}, read.reason)) : el('p', {}, 'The service is set to say nothing of why.'),
      el('p', {}, 'There is no report. A new gathering of the cluster makes a new request; whoever runs the pipeline finds the message in its log.')))];
  }
  if (state !== 'processed') {
    return [emptyState('search', 'A state that this page does not know', 'It may be older than the service: load it again. The API has the report.')];
  }
  const { hits } = read;
  if (hits.length === 0) return [emptyState('processed', 'Nothing was found', 'The analysis found nothing that the cluster should be told of. Rules that your organization acknowledged or disabled are left out.')];
  const risks = Object.values(RISKS).reverse().map((name) => [name, hits.filter((hit) => RISKS[hit.risk] === name).length]).filter(([, count]) => count > 0);
  return [
    el('p', {}, `${hits.length} ${hits.length === 1 ? 'finding' : 'findings'}: `, risks.map(([name, count]) => label(name, `${count} ${name}`))),
    ...hits.map(hitCard),
  ];
}

function hitCard({ risk, rule, key, description }) {
  const name = RISKS[risk] ?? 'low';
  return el('article', { class: `card hit ${name}` },
    el('h2', {}, label(name), el('bdi', {}, key)),
    el('div', { class: 'text', dir: 'auto' }, description),
    el('dl', { class: 'names' },
      el('div', {}, el('dt', {}, 'Rule'), el('dd', {}, copyable(rule, 'rule'))),
      el('div', {}, el('dt', {}, 'Error key'), el('dd', {}, copyable(key, 'error key')))));
}
