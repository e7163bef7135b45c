// The fragment of the address says which view is shown.

import { el } from './dom.js';
import { clusterId, form, requestId } from './form.js';
import { emptyState, problemState } from './problems.js';
import { addressOf } from './request.js';
import { reportView } from './report.js';
import { requestsView } from './requests.js';
import { forget, needsToken, token } from './session.js';

const main = document.getElementById('main');
const forgetButton = document.getElementById('forget');

/** Ends what the view that is shown is doing. */
let leave = new AbortController();

/** What the address asks for: `{cluster, request}`, either null; null if the address leads nowhere. */
function route() {
  const parts = /^#?\/?(?:cluster\/([^/]+)(?:\/request\/([^/]+))?\/?)?$/.exec(location.hash);
  if (!parts) return null;
  const [, cluster = '', request = ''] = parts;
  if (!cluster) return { cluster: null, request: null };
  const asked = { cluster: clusterId(cluster), request: request ? requestId(request) : null };
  return asked.cluster && (asked.request || !request) ? asked : null;
}

/** Whether the page was just loaded. */
let isFirst = true;

/** Shows a view: a heading, which gets the focus, and what is below. `tab` names the tab. */
function show(title, nodes, tab = title) {
  const heading = el('h1', { tabindex: '-1' }, title);
  main.replaceChildren(heading, ...nodes);
  document.title = `${tab} · gathering`;
  forgetButton.hidden = !needsToken || token() === null;
  if (!isFirst) {
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  }
  isFirst = false;
}

function go(cluster, request) {
  const address = addressOf(cluster, request);
  if (location.hash === address) render();
  else location.hash = address;
}

function render() {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const asked = route();
  const page = {
    show,
    askToken: (problem) => {
      leave.abort();
      show('Requests of a cluster', [problemState(problem), needsToken ? el('div', { class: 'card' }, form({ isRefused: true }, render)) : '']);
    },
  };
  if (!asked) {
    show('This address leads nowhere', [emptyState('search', 'Not an address of this page', 'The ID of the cluster or of the request in it is none.', el('a', { class: 'button', href: '#/' }, 'Begin anew'))]);
  } else if (!asked.cluster || needsToken && token() === null) {
    show('Requests of a cluster', [
      el('p', { class: 'sub' }, asked.cluster ? 'A token is needed to see this cluster.' : 'See what became of the data that a cluster sent: whether its analysis is done, how long it took, and what it found.'),
      el('div', { class: 'card' }, form(asked, go)),
    ]);
  } else if (asked.request) {
    reportView(asked.cluster, asked.request, page, signal);
  } else {
    requestsView(asked.cluster, page, signal);
  }
}

forgetButton.addEventListener('click', () => {
  forget();
  // What was shown with it goes as well.
  if (location.hash === '#/') render();
  else location.hash = '#/';
});
document.getElementById('skip').addEventListener('click', (event) => {
  // The fragment is for views.
  event.preventDefault();
  main.focus();
});
window.addEventListener('hashchange', render);
// A page kept alive may hold what was forgotten.
window.addEventListener('pageshow', (event) => event.persisted && location.reload());
render();
