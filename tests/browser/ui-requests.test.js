// The view of a cluster in `/ui`: table, time line, and what keeps them up to date.

import assert from 'node:assert/strict';
import { CLUSTER, everyLook, isTooWide, screenshot, test } from './harness.js';
import { LIST, ORGANIZATION, REPORT, address, day, entry, go, intercept, listOf, says, until, watchWaits } from './ui.js';

/** The texts of the rows, cell by cell. */
function rows(page) {
  return page.locator('tbody tr').evaluateAll((found) => found.map((row) => [...row.children].map((cell) => cell.innerText.replace(/\s+/g, ' ').trim())));
}

test('requests of every state are in a table and on a time line', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  await intercept(page, LIST, (request) => (request.method() === 'GET' ? listOf(day()) : null));
  // The result never comes.
  await intercept(page, REPORT, () => new Promise(() => {}));
  await go(page, server.token(ORGANIZATION), address());
  await page.locator('tbody tr').first().waitFor();
  const [received, processed, failed] = await rows(page);
  assert.deepEqual([received[1], received[3]], ['Received', 'not yet']);
  assert.match(received[0], /^6d2eede257644308a8949c4ec251c5c4$/);
  assert.match(received[4], /^2 min( \d+ s)? so far$/);
  assert.match(received[5], /^in 23 h 5\d min \d+ \w+, \d\d:\d\d:\d\d$/);
  assert.equal(processed[1], 'Processed');
  assert.match(processed[2], /^1 h ago /);
  assert.equal(processed[4], '3 min');
  assert.equal(failed[1], 'Failed');
  assert.match(failed[3], /^4 h ago /);
  assert.equal(failed[4], '9 min');
  const line = await page.getByRole('img').getAttribute('aria-label');
  assert.match(line, /^Time line from .* to .*\. 7 requests: 6d2eede257644308a8949c4ec251c5c4 received, took 2\smin.* so far; /);
  assert.equal(await page.locator('time').first().getAttribute('datetime').then((text) => new Date(text).toISOString()), await page.locator('time').first().getAttribute('datetime'));
  await everyLook(page, 'ui-requests');

  await page.getByLabel('State').selectOption({ label: 'Failed (1)' });
  assert.equal((await rows(page)).length, 1);
  await page.getByLabel('State').selectOption({ label: 'All (7)' });
  await page.getByLabel('Request ID contains').fill('  A4C8 ');
  assert.deepEqual((await rows(page)).map(([id]) => id), ['a4c8e1f09b7d4a5e8c2b6f3d1e0a9713']);
  await page.getByLabel('Request ID contains').fill('nope');
  await says(page, 'No request is like that');
  await everyLook(page, 'ui-requests-none-like-that');
  await page.getByLabel('Request ID contains').fill('');
  await page.locator('.lane').nth(2).click();
  assert.equal(new URL(page.url()).hash, `#/cluster/${CLUSTER}/request/0b7e4d5c6a1f4e23b8c9d0a1e2f30412`);
});

test('colours that the system forces, and a letter size of twice as much do no harm', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  await intercept(page, LIST, () => listOf(day()));
  await intercept(page, REPORT, () => new Promise(() => {}));
  await go(page, server.token(ORGANIZATION), address());
  await page.locator('tbody tr').first().waitFor();
  await page.emulateMedia({ forcedColors: 'active' });
  const strokes = await page.locator('svg .bar').evaluateAll((bars) => new Set(bars.map((bar) => getComputedStyle(bar).stroke)).size);
  assert.ok(strokes <= 2, 'bars have the colours of the system');
  const looks = await page.locator('.legend line').evaluateAll((bars) => new Set(bars.map((bar) => getComputedStyle(bar).strokeDasharray + bar.getAttribute('stroke-width'))).size);
  assert.equal(looks, 4, 'the bars of the legend are told apart without colours');
  await everyLook(page, 'ui-requests-forced-colours');
  await page.emulateMedia({ forcedColors: 'none' });
  await page.setViewportSize({ width: 640, height: 800 });
  await page.evaluate(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync('html { font-size: 200% }'); document.adoptedStyleSheets = [sheet]; });
  assert.equal(await isTooWide(page), false);
  const size = (selector) => page.locator(selector).first().evaluate((element) => [Number.parseFloat(getComputedStyle(element).fontSize), element.clientHeight]);
  assert.deepEqual((await size('main'))[0], 32);
  assert.ok((await size('#filter-id'))[1] >= 80, 'a field is as high as its letters need');
  assert.equal((await size('.now-text'))[0], 24);
  assert.equal(await page.locator('#skip').evaluate((element) => element.getBoundingClientRect().bottom <= 0), true, 'what is to be skipped is out of sight');
  await screenshot(page, 'ui-requests-large');
});

test('a request that comes, and one that is processed, are seen without a reload', async ({ start, open }) => {
  const server = await start();
  await server.announce(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  const waits = watchWaits(page);
  await go(page, server.token(ORGANIZATION), address());
  await page.getByRole('link', { name: 'req1' }).focus();
  await until(() => waits.open.size === 1);
  await server.announce(ORGANIZATION, CLUSTER, 'req2');
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  await page.getByRole('row', { name: /req1/ }).getByText('Processed').waitFor();
  await page.getByRole('link', { name: 'req2' }).waitFor();
  assert.match(await page.locator('#news').textContent(), /Request req1 is processed/);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'req1', 'the focus stays where it is');
  await until(() => waits.open.size === 1);
  assert.equal(waits.most, 1, 'one wait at a time');
});

test('nobody waits while the page is hidden, or for a view that was left', async ({ start, open }) => {
  const server = await start();
  await server.announce(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  const waits = watchWaits(page);
  await go(page, server.token(ORGANIZATION), address());
  await until(() => waits.open.size === 1);
  const hide = (isHidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
  await hide(true);
  await until(() => waits.open.size === 0);
  assert.deepEqual(waits.ended, ['given up']);
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  await new Promise((later) => setTimeout(later, 1500));
  assert.equal(waits.count, 1);
  assert.equal(await page.getByRole('row', { name: /req1/ }).getByText('Received').count(), 1);
  await hide(false);
  await page.getByRole('row', { name: /req1/ }).getByText('Processed').waitFor();

  await server.announce(ORGANIZATION, CLUSTER, 'req2');
  await page.getByRole('button', { name: 'Refresh' }).click();
  await until(() => waits.open.size === 1);
  await page.getByRole('link', { name: 'req2' }).click();
  await says(page, 'Waiting for the result');
  await until(() => waits.open.size === 1 && waits.count === 3);
  assert.deepEqual([waits.most, waits.ended], [1, ['given up', 'given up']]);
  await page.getByRole('link', { name: 'Clusters' }).click();
  await until(() => waits.open.size === 0);
});

const WITHOUT_WAITS = [{ 'wait.max_waiters': '0', 'wait.retry_after': '2s' }, { 'wait.max': '0s', 'wait.retry_after': '2s' }];

for (const set of WITHOUT_WAITS) {
  test(`who is not let wait does not ask again at once: ${Object.keys(set)[0]}`, async ({ start, open }) => {
    const server = await start({ set });
    await server.announce(ORGANIZATION, CLUSTER, 'req1');
    const page = await open(server, '/ui');
    const times = [];
    page.on('request', (request) => { if (request.headers().prefer) times.push(Date.now()); });
    await go(page, server.token(ORGANIZATION), address());
    await until(() => times.length === 3);
    for (const [index, time] of times.slice(1).entries()) assert.ok(time - times[index] >= 1900, `${time - times[index]} ms`);
  });
}

test('thousands of requests are shown portion by portion', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  const many = Array.from({ length: 10_000 }, (_, index) => entry(`request${String(index).padStart(24, '0')}`, 'processed', { received: index / 10, ended: index / 10 - 0.05 }));
  await intercept(page, LIST, () => listOf(many, { truncated: true }));
  await go(page, server.token(ORGANIZATION), address());
  await says(page, 'The cluster has more requests. The service lists the 10000 newest.', 'The 12 newest of 10000 requests');
  assert.equal(await page.locator('tbody tr').count(), 50);
  assert.equal(await page.locator('.lane:not(.axis)').count(), 12);
  await page.getByRole('button', { name: 'Show 50 more' }).click();
  assert.equal(await page.locator('tbody tr').count(), 100);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /00050$/, 'the focus is on the first of those that are new');
  await page.getByLabel('Request ID contains').fill('999');
  await until(async () => (await page.locator('tbody tr').count()) < 50);
  await page.getByLabel('Request ID contains').fill('');
  await everyLook(page, 'ui-requests-many');
});

test('a cluster without requests, and one that nobody knows, each have words', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address());
  await says(page, 'No such cluster', /its first request has not come yet/);
  await everyLook(page, 'ui-requests-no-cluster');
  await server.announce(ORGANIZATION, CLUSTER, 'req1');
  // It may have looked by itself meanwhile.
  await page.getByRole('button', { name: 'Try now' }).click({ timeout: 5000 }).catch(() => {});
  await page.getByRole('link', { name: 'req1' }).waitFor();
  await intercept(page, LIST, () => listOf([]));
  await page.getByRole('button', { name: 'Refresh' }).click();
  await says(page, 'No requests at the moment', /kept for 1\sday/);
  await everyLook(page, 'ui-requests-empty');
});

test('what does not fit any scale is shown without harm', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  const odd = [
    // Gathered by a cluster whose clock is ahead, and by one whose clock is at the beginning.
    entry('ahead', 'processed', { received: -600, ended: 1 }),
    { ...entry('long-ago', 'processed', { received: 5, ended: 5 }), received: '0001-01-01T00:00:00Z' },
    entry('same', 'processed', { received: 0, ended: 0 }),
    { ...entry('x'.repeat(128), 'received', { received: 3 }) },
    { ...entry('of-later', 'received', { received: 3 }), status: 'of-a-later-release' },
  ];
  await intercept(page, LIST, () => listOf(odd));
  await intercept(page, REPORT, () => new Promise(() => {}));
  await go(page, server.token(ORGANIZATION), address());
  await says(page, 'not known: clocks differ');
  await everyLook(page, 'ui-requests-odd');
});
