// The view of a request in `/ui`: each state, and what comes while one looks.

import assert from 'node:assert/strict';
import { CLUSTER, everyLook, test } from './harness.js';
import { CONTENT, HITS, LIST, ORGANIZATION, REPORT, address, day, go, intercept, listOf, says, until, watchWaits } from './ui.js';

test('a report has its findings by risk, with texts as Markdown has them', async ({ start, open }) => {
  const server = await start({ content: CONTENT });
  await server.postResult(ORGANIZATION, CLUSTER, 'f31c8a90b7d24e1c95a6d0e8b2c47a11', { hits: HITS, gathered: new Date(Date.now() - 140_000) });
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address('f31c8a90b7d24e1c95a6d0e8b2c47a11'));
  await says(page, '4 findings:');
  assert.deepEqual(await page.locator('article .label').allTextContents(), ['Critical', 'Important', 'Moderate', 'Low']);
  const first = page.locator('article').first();
  assert.equal(await first.locator('pre').textContent(), 'oc get nodes -o wide\n');
  assert.deepEqual(await first.locator('ol li').allTextContents(), ['Give the nodes more memory.', 'Restart them one at a time.']);
  const link = first.getByRole('link', { name: 'how to resize nodes' });
  assert.deepEqual(await Promise.all(['href', 'rel', 'target'].map((name) => link.getAttribute(name))), ['https://docs.example.com/nodes', 'noopener noreferrer nofollow', '_blank']);
  assert.match(await page.locator('.facts').innerText(), /The pipeline took\n2\smin 2\d\ss/);
  await everyLook(page, 'ui-report');
});

test('rule and key are copied, or selected where the browser keeps the clipboard to itself', async ({ start, open }) => {
  const server = await start({ content: CONTENT });
  await server.postResult(ORGANIZATION, CLUSTER, 'req1', { hits: HITS.slice(1, 2) });
  const page = await open(server, '/ui');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await go(page, server.token(ORGANIZATION), address('req1'));
  await page.getByRole('button', { name: 'Copy rule' }).click();
  await page.locator('#news', { hasText: 'rule copied' }).waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'ccx_rules_ocp.external.rules.disk_space');
  await page.getByRole('button', { name: 'Copy error key' }).press('Enter');
  await until(async () => (await page.evaluate(() => navigator.clipboard.readText())) === 'DISK_NEARLY_FULL');
  await page.getByText('Copied').first().waitFor();
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.getByRole('button', { name: 'Copy request ID' }).click();
  await page.locator('#news', { hasText: 'request ID selected' }).waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => getSelection().toString()), 'req1');
});

test('a result is shown once it comes, and a newer one in its place', async ({ start, open }) => {
  const server = await start({ content: CONTENT });
  await server.announce(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  const waits = watchWaits(page);
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, 'Waiting for the result', /so far/);
  await everyLook(page, 'ui-report-received');
  const motion = () => page.locator('.waiting .sign').evaluate((element) => getComputedStyle(element).animationName);
  assert.equal(await motion(), 'none');
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  assert.equal(await motion(), 'turn');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await until(() => waits.open.size === 1);
  await server.postResult(ORGANIZATION, CLUSTER, 'req1', { failed: true });
  await says(page, 'The result could not be used', /^Reason:/, 'the report is empty');
  assert.match(await page.locator('#news').textContent(), /Request req1 is failed/);
  await everyLook(page, 'ui-report-failed');
  await server.postResult(ORGANIZATION, CLUSTER, 'req1', { hits: HITS.slice(0, 1) });
  await says(page, '1 finding:');
  assert.equal(waits.most, 1);
});

test('a request without findings, and one that nobody knows, each have words', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'healthy');
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address('healthy'));
  await says(page, 'Nothing was found');
  await everyLook(page, 'ui-report-healthy');
  const waits = watchWaits(page);
  await go(page, server.token(ORGANIZATION), address('soon'));
  await says(page, 'No such request', /kept for 1\sday/);
  await everyLook(page, 'ui-report-unknown');
  await until(() => waits.open.size === 1);
  await server.postResult(ORGANIZATION, CLUSTER, 'soon');
  await says(page, 'Nothing was found');
});

test('a request that expires while one looks is said to have', async ({ start, open }) => {
  const server = await start({ set: { 'storage.retention': '30s' } });
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, 'Nothing was found');
  await until(() => page.getByText('The request has expired').first().isVisible());
  await says(page, /kept for 30\ss/);
  assert.match(await page.locator('#news').textContent(), /The request has expired/);
  await everyLook(page, 'ui-report-expired');
});

test('where pending and failed requests are not shown to callers, the page tells them from unknown ones', async ({ start, open }) => {
  const server = await start({ set: { 'http.pending_status': '404' } });
  await server.announce(ORGANIZATION, CLUSTER, 'pending');
  await server.postResult(ORGANIZATION, CLUSTER, 'broken', { failed: true });
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address('broken'));
  await says(page, 'The result could not be used', 'The service is set to say nothing of why.');
  await go(page, server.token(ORGANIZATION), address('pending'));
  await says(page, 'Waiting for the result');
  await server.postResult(ORGANIZATION, CLUSTER, 'pending');
  await says(page, 'Nothing was found');
});

test('what a later release says of a request is not taken for what this page knows', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  const later = { ...day()[1], requestID: 'req1', status: 'postponed' };
  await intercept(page, LIST, () => listOf([later]));
  await intercept(page, REPORT, () => ({ contentType: 'text/html', body: `<main data-cluster="${CLUSTER}" data-request="req1" data-state="postponed"></main>` }));
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, 'A state that this page does not know', 'postponed');
  assert.equal(await page.getByText('Nothing was found').count(), 0);
  assert.equal(await page.title(), 'Request req1 · gathering');
  await everyLook(page, 'ui-report-later');
});

test('the answer to another question is not shown', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  const shown = { ...day()[1], requestID: 'req1' };
  let [cluster, asked, listed] = [CLUSTER, 'req2', shown];
  await intercept(page, LIST, () => listOf([listed]));
  await intercept(page, REPORT, () => ({ contentType: 'text/html', body: `<main data-cluster="${cluster}" data-request="${asked}" data-state="processed"></main>` }));
  for (const next of [[CLUSTER, 'req2', shown], [CLUSTER.replace('5', '6'), 'req1', shown], [CLUSTER, 'req1', { ...shown, requestID: 'req2' }]]) {
    [cluster, asked, listed] = next;
    await go(page, server.token(ORGANIZATION), address('req1'));
    await says(page, 'Something else answered');
  }
  [cluster, asked, listed] = [CLUSTER, 'req1', shown];
  await page.getByRole('button', { name: 'Try now' }).click();
  await says(page, 'Nothing was found');
});

test('code goes from left to right in a text that goes from right to left', async ({ start, open }) => {
  const server = await start({ content: [{ hit: HITS[0], risk: 1, text: '\u05e9\u05dc\u05d5\u05dd `oc get nodes -o wide`\n\n```\n--all\n```\n' }] });
  await server.postResult(ORGANIZATION, CLUSTER, 'req1', { hits: HITS.slice(0, 1) });
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, '1 finding:');
  const directions = await page.locator('.text, .text code, .text pre').evaluateAll((found) => found.map((element) => [element.tagName, getComputedStyle(element).direction]));
  assert.deepEqual(directions, [['DIV', 'rtl'], ['CODE', 'ltr'], ['PRE', 'ltr']]);
});

// The pictures of the documentation, of data that shows something.
test('pictures of a day', async ({ start, open }) => {
  const server = await start({ content: CONTENT });
  const shown = day()[1];
  await server.postResult(ORGANIZATION, CLUSTER, shown.requestID, { hits: HITS });
  const page = await open(server, '/ui', { width: 1080 });
  await intercept(page, LIST, (request) => listOf(request.method() === 'GET' ? day() : [shown]));
  await intercept(page, REPORT, (request) => (request.headers().prefer ? new Promise(() => {}) : null));
  await go(page, server.token(ORGANIZATION), address());
  await page.locator('tbody tr').first().waitFor();
  await page.screenshot({ path: 'target/browser/docs-ui-requests.png', fullPage: true });
  await page.setViewportSize({ width: 860, height: 800 });
  await page.getByRole('link', { name: shown.requestID }).click();
  await says(page, '4 findings:');
  await page.screenshot({ path: 'target/browser/docs-ui-report.png', fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: 'target/browser/docs-ui-report-dark.png', fullPage: true });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 320, height: 640 });
  await page.screenshot({ path: 'target/browser/docs-ui-narrow.png', clip: { x: 0, y: 0, width: 320, height: 1000 }, fullPage: true });
});
