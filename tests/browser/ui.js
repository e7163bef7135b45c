// What tests of `/ui` have in common.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { CLUSTER } from './harness.js';

export const ORGANIZATION = 42;

/** The address of a cluster's view, or of a request's. */
export function address(request, cluster = CLUSTER) {
  return `/ui#/cluster/${cluster}${request ? `/request/${request}` : ''}`;
}

/** Fills in the form of the first view and sends it. */
export async function enter(page, { token, cluster = CLUSTER, request = '' }) {
  if (token) await page.getByLabel('Token').fill(token);
  await page.getByLabel('Cluster ID').fill(cluster);
  await page.getByLabel('Request ID').fill(request);
  await page.getByRole('button', { name: 'Show requests' }).click();
}

/** Shows a view anew, to one who has entered this token. `path` is one of `address`. */
export async function go(page, token, path) {
  await page.evaluate(async ([text, hash]) => {
    if (text) sessionStorage.setItem('gathering.token', text);
    const changed = () => new Promise((done) => window.addEventListener('hashchange', done, { once: true }));
    if (location.hash !== '#/') {
      const left = changed();
      location.hash = '#/';
      await left;
    }
    location.hash = hash;
  }, [token, path.slice('/ui'.length)]);
}

/** Waits until the main part of the page says all of these. */
export async function says(page, ...texts) {
  for (const text of texts) await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor();
}

/** A proxy with what `open` needs of a server. It passes on what comes below `prefix`, to where the server is then; `close()` ends it. */
export async function behindProxy(server, prefix = '') {
  const proxy = createServer((call, answer) => {
    if (!call.url.startsWith(`${prefix}/`)) return answer.writeHead(404).end();
    const onward = request(new URL(server.url + call.url.slice(prefix.length)), { method: call.method, headers: call.headers }, (got) => {
      got.once('error', () => answer.destroy());
      got.pipe(answer.writeHead(got.statusCode, got.headers));
    });
    onward.once('error', () => answer.destroy());
    answer.once('close', () => onward.destroy());
    return call.pipe(onward);
  });
  await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));
  const close = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${proxy.address().port}`, close };
}

/** Waits until `look` returns something. */
export async function until(look, what = 'what is waited for did not come') {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, what);
    await new Promise((later) => setTimeout(later, 50));
  }
}

/** Answers calls of the API whose path matches with what `answer(request)` returns, as `route.fulfill` takes it; null lets them through. */
export async function intercept(page, path, answer) {
  await page.route((url) => path.test(url.pathname), async (route) => {
    const given = await answer(route.request());
    if (given === null) return route.continue();
    if (given === 'lost') return route.abort('connectionrefused');
    const { json, ...rest } = given;
    return route.fulfill({ contentType: 'application/json; charset=utf-8', ...rest, ...(json ? { body: JSON.stringify(json) } : {}) });
  });
}

export const LIST = /\/requests$/;
export const REPORT = /\/report$/;

/** The calls that the page makes: those that wait for a result, and how many of them there were at once at most. */
export function watchWaits(page) {
  const waits = { open: new Set(), most: 0, count: 0, ended: [] };
  page.on('request', (request) => {
    if (!request.headers().prefer) return;
    waits.open.add(request);
    waits.count += 1;
    waits.most = Math.max(waits.most, waits.open.size);
  });
  const end = (how) => (request) => {
    if (waits.open.delete(request)) waits.ended.push(how);
  };
  page.on('requestfinished', end('answered'));
  page.on('requestfailed', end('given up'));
  return waits;
}

/** An entry of a list, with times in minutes before now. */
export function entry(requestID, status, { received, ended = null, kept = 24 * 60 }) {
  const at = (minutes) => (minutes === null ? null : new Date(Date.now() - minutes * 60_000).toISOString());
  const changed = ended ?? received;
  return { requestID, valid: true, received: at(received), processed: status === 'processed' ? at(ended) : null, status, expires: at(changed - kept) };
}

/** A list that has each state, as of a day. */
export function day() {
  return [
    entry('6d2eede257644308a8949c4ec251c5c4', 'received', { received: 2 }),
    entry('f31c8a90b7d24e1c95a6d0e8b2c47a11', 'processed', { received: 95, ended: 92 }),
    entry('0b7e4d5c6a1f4e23b8c9d0a1e2f30412', 'failed', { received: 260, ended: 251 }),
    entry('a4c8e1f09b7d4a5e8c2b6f3d1e0a9713', 'processed', { received: 410, ended: 340 }),
    entry('5e9d3b7a1c2f4860a7b8c9d0e1f20314', 'processed', { received: 700, ended: 696 }),
    entry('c1d2e3f4a5b64798890a1b2c3d4e5f15', 'processed', { received: 1100, ended: 1090 }),
    entry('9f8e7d6c5b4a43210fedcba987654316', 'processed', { received: 1380, ended: 1377 }),
  ];
}

/** An answer with a list. */
export function listOf(requests, rest = {}) {
  return { json: { cluster: CLUSTER, requests, status: 'ok', ...rest } };
}

/** Rule content of each risk. */
export const CONTENT = [
  {
    hit: 'ccx_rules_ocp.external.rules.nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET',
    risk: 4,
    text: 'Some nodes have **less memory** than the cluster needs. See which ones:\n\n```\noc get nodes -o wide\n```\n\n1. Give the nodes more memory.\n2. Restart them *one at a time*.\n\nSee [how to resize nodes](https://docs.example.com/nodes).\n',
  },
  { hit: 'ccx_rules_ocp.external.rules.disk_space|DISK_NEARLY_FULL', risk: 3, text: 'A disk is nearly full.\n\n> Without space the node stops taking pods.\n' },
  { hit: 'ccx_rules_ocp.external.rules.certificates|CERTIFICATE_EXPIRES', risk: 2, text: 'A certificate expires within a month: `oc get secrets` lists it.\n' },
  { hit: 'ccx_rules_ocp.external.rules.notes|A_NOTE', risk: 1, text: 'The cluster has\n\n- an old console plugin\n- a namespace without quota\n' },
];

export const HITS = CONTENT.map(({ hit }) => hit);
