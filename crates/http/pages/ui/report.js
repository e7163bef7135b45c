// The view of one request: where it stands, and its report.

import { find, report, wait } from './api.js';
import { copyable } from './copy.js';
import { el, label, sign, tell } from './dom.js';
import { readReport } from './fragment.js';
import { keepLooking } from './pace.js';
import { KEPT, emptyState, endBanner, problemBanner, problemState } from './problems.js';
import { addressOf, endOf, moment, stateName, took } from './request.js';
import { now } from './time.js';

/** Seconds between two looks at a request that is done. */
const EVERY = 20;

const RISKS = { 4: 'critical', 3: 'important', 2: 'moderate', 1: 'low' };
const NAMES = { critical: 'Critical', important: 'Important', moderate: 'Moderate', low: 'Low' };

/** Shows a request until `signal` is aborted. `page` has `show(nodes)` and `askToken(problem)`. */
export function reportView(cluster, id, page, signal) {
  /** What is shown. */
  let known = null;
  const banner = el('div', {});
  const facts = el('div', {});
  const content = el('div', {}, el('p', { class: 'loading' }, 'Asking the service…'));
  page.show('Request of a cluster', [
    el('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, el('a', { href: addressOf(cluster) }, 'Requests of the cluster ', el('span', { class: 'id' }, cluster))),
    banner,
    facts,
    content,
  ]);

  const again = () => el('button', { class: 'button', type: 'button', click: () => lookNow() }, 'Try now');
  const showLost = () => {
    if (known) {
      facts.replaceChildren();
      content.replaceChildren(emptyState('received', 'The request has expired', `It was here while you looked. Requests are kept for ${KEPT} after they were last changed, and then forgotten with their reports.`));
    } else if (!content.querySelector('.unknown')) {
      content.replaceChildren(el('div', { class: 'unknown' }, emptyState('search', 'No such request', `Your organization has no request with this ID for this cluster. It may have expired: requests are kept for ${KEPT} after they were last changed. If it is new, it may not have come yet: this page goes on looking.`, again())));
    }
  };
  const look = async (turn) => {
    const found = await find(cluster, id, turn);
    endBanner(banner);
    if (!found.valid) {
      showLost();
      // What has expired does not come back; what is unknown may come.
      return known ? null : wait(cluster, id, turn);
    }
    if (!known || known.state !== found.state || known.expires !== found.expires) {
      const read = found.state === 'received' ? null : await readIfThere(cluster, id, turn);
      // It has changed, or gone, between the two questions.
      if (found.state === 'processed' && !read || read && read.state !== found.state) return 0;
      facts.replaceChildren(factsOf(found));
      content.replaceChildren(...contentOf(found, read));
      tell(`Request ${id} is ${found.state}`);
      known = found;
    }
    if (found.state === 'received') return wait(cluster, id, turn);
    // When it goes, this is to be seen at once.
    return Math.min(EVERY, Math.max(1, (found.expires - now()) / 1000 + 1));
  };
  const lookNow = keepLooking(look, (problem, seconds) => {
    if (problem.kind === 'unauthorized' || problem.kind === 'forbidden') return page.askToken(problem);
    if (known && seconds !== null) return banner.replaceChildren(problemBanner(problem), again());
    known = null;
    facts.replaceChildren();
    return content.replaceChildren(problemState(problem, seconds === null ? '' : again()));
  }, signal);
}

/** The report; null where the service is set to say nothing of requests that have failed. */
async function readIfThere(cluster, id, signal) {
  try {
    return readReport(await report(cluster, id, signal));
  } catch (problem) {
    if (problem.kind === 'unknown') return null;
    throw problem;
  }
}

function factsOf(request) {
  const fact = (name, ...value) => el('div', {}, el('dt', {}, name), el('dd', {}, ...value));
  return el('dl', { class: 'card facts' },
    fact('Request ID', copyable(request.id, 'request ID')),
    fact('State', label(request.state, stateName(request.state))),
    fact('Received', moment(request.received)),
    fact(request.state === 'failed' ? 'Failed' : 'Processed', moment(endOf(request))),
    fact('The pipeline took', took(request)),
    fact('Kept until', moment(request.expires)));
}

function contentOf({ state }, read) {
  if (state === 'received') {
    return [el('section', { class: 'card empty' }, el('div', { class: 'big waiting' }, sign('received')), el('h2', {}, 'Waiting for the result'), el('p', {}, 'The cluster has sent its data, and the analysis is not done. This page shows the report as soon as it is there.'))];
  }
  if (state === 'failed') {
    return [el('section', { class: 'alert failed' }, sign('failed'), el('div', {}, el('h2', {}, 'The result could not be used'),
      read?.reason ? el('p', {}, 'Reason: ', el('bdi', {}, read.reason)) : el('p', {}, 'The service is set to say nothing of why.'),
      el('p', {}, 'There is no report. A new gathering of the cluster makes a new request; whoever runs the pipeline finds the message in its log.')))];
  }
  const { hits } = read;
  if (hits.length === 0) return [emptyState('processed', 'Nothing was found', 'The analysis found nothing that the cluster should be told of. Rules that your organization acknowledged or disabled are left out.')];
  const risks = Object.values(RISKS).reverse().map((name) => [name, hits.filter((hit) => RISKS[hit.risk] === name).length]).filter(([, count]) => count > 0);
  return [
    el('p', { class: 'summary' }, `${hits.length} ${hits.length === 1 ? 'finding' : 'findings'}: `, risks.map(([name, count]) => label(name, `${count} ${name}`))),
    ...hits.map(hitCard),
  ];
}

function hitCard({ risk, rule, key, description }) {
  const name = RISKS[risk] ?? 'low';
  return el('article', { class: `card hit ${name}` },
    el('h2', {}, label(name, NAMES[name]), el('bdi', {}, key)),
    el('div', { class: 'text', dir: 'auto' }, description),
    el('dl', { class: 'names' },
      el('div', {}, el('dt', {}, 'Rule'), el('dd', {}, copyable(rule, 'rule'))),
      el('div', {}, el('dt', {}, 'Error key'), el('dd', {}, copyable(key, 'error key')))));
}
