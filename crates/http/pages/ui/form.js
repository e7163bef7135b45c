// The view that one begins with: which cluster, and with which token.

import { el } from './dom.js';
import { needsToken, remember, token } from './session.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const REQUEST = /^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/;

/** The ID of a cluster as the service writes it; null if it is none. */
export function clusterId(text) {
  const id = text.trim().toLowerCase();
  return UUID.test(id) ? id : null;
}

/** The ID of a request; null if it is none. */
export function requestId(text) {
  const id = text.trim();
  return REQUEST.test(id) ? id : null;
}

const NO_CLUSTER = 'Enter the ID of a cluster, a UUID such as 5d5892d3-1f74-4ccf-91af-548dfc9767aa. “oc get clusterversion version -o jsonpath={.spec.clusterID}” prints it.';
const NO_REQUEST = 'The ID of a request has letters and digits, perhaps with hyphens between them, 128 at most. Leave it empty to see all requests.';
const NO_TOKEN = 'Enter a token, three parts with dots between. Whoever runs the service makes one with “gathering token --org N”.';

/** A form for cluster, request and token, or for a token alone after a refusal. Then it calls `go(cluster, request)`. */
export function form({ cluster, request, isRefused = false }, go) {
  const fields = {};
  const current = isRefused ? null : token();
  if (needsToken) {
    fields.token = field('Token', {
      type: 'password',
      autocomplete: 'off',
      hint: current ? 'There is one in this tab already. Leave this empty to go on with it.' : 'Kept in this tab alone, until you close it or have it forgotten.',
      read: (text) => {
        const given = text.trim().replace(/^bearer\s+/i, '') || current;
        return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(given) ? given : null;
      },
      complaint: NO_TOKEN,
    });
  }
  if (!isRefused) {
    fields.cluster = field('Cluster ID', { value: cluster, read: clusterId, complaint: NO_CLUSTER });
    fields.request = field('Request ID', {
      value: request,
      hint: 'Optional: leads to the report of one request.',
      read: (text) => (text.trim() ? requestId(text) : ''),
      complaint: NO_REQUEST,
    });
  }
  const submit = (event) => {
    event.preventDefault();
    const bad = Object.values(fields).filter((each) => !each.check());
    if (bad.length > 0) return bad[0].input.focus();
    if (fields.token) remember(fields.token.value);
    // Nothing of it stays in the document.
    if (fields.token) fields.token.input.value = '';
    return go(fields.cluster?.value, fields.request?.value);
  };
  const button = el('button', { class: 'button primary', type: 'submit' }, isRefused ? 'Go on with this token' : 'Show requests');
  return el('form', { class: 'form', novalidate: true, submit }, Object.values(fields).map(({ group }) => group), el('div', {}, button));
}

/** A field that is checked when the form is sent. */
function field(name, { type = 'text', value, hint, autocomplete = 'on', read, complaint }) {
  const id = `field-${name.toLowerCase().replace(' ', '-')}`;
  const input = el('input', { id, type, value, autocomplete, spellcheck: 'false', autocapitalize: 'none', 'aria-describedby': `${id}-hint` });
  const note = el('p', { id: `${id}-hint`, class: 'hint' }, hint ?? '');
  const each = {
    input,
    group: el('div', { class: 'field' }, el('label', { for: id }, name), input, note),
    check() {
      each.value = read(input.value);
      const isGood = each.value !== null;
      input.setAttribute('aria-invalid', !isGood);
      note.textContent = isGood ? hint ?? '' : complaint;
      note.className = isGood ? 'hint' : 'hint complaint failed';
      return isGood;
    },
  };
  return each;
}
