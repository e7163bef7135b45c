// What changes in `/ui` while one looks: times, lists, and where one was. The clock of the browser is the test's.

import assert from 'node:assert/strict';
import { CLUSTER, test } from './harness.js';
import { LIST, ORGANIZATION, REPORT, address, behindProxy, go, intercept, listOf, says, until, watchWaits } from './ui.js';

/** A time of the service, and what it says then. */
const NOON = '2026-03-01T12:00:00Z';
const at = (minutes) => new Date(Date.parse(NOON) + minutes * 60_000).toISOString();
const pending = (requestID, received = -2) => ({ requestID, valid: true, received: at(received), processed: null, status: 'received', expires: at(received + 1440) });
const processed = (requestID, received = -5) => ({ ...pending(requestID, received), processed: at(received + 1), status: 'processed', expires: at(received + 1441) });
const asOfNoon = (requests, headers = {}) => ({ ...listOf(requests), headers: { Date: new Date(NOON).toUTCString(), ...headers } });
const never = () => new Promise(() => {});

/** A page whose clock stands still but for what the test lets pass. */
async function openAt(open, server, time, options) {
  const page = await open(server, '/ui', options);
  await page.clock.install({ time: new Date(Date.parse(time) - 600_000) });
  await page.clock.pauseAt(new Date(time));
  // Timers that there were before are not the clock's.
  await page.reload();
  return page;
}

/** Lets time pass in steps, so that answers come in between. */
async function pass(page, seconds) {
  for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1000);
}

test('how long a pending request takes goes on, in the table, on the time line and by itself', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, NOON);
  await intercept(page, LIST, () => listOf([pending('req1')]));
  await intercept(page, REPORT, never);
  await go(page, server.token(ORGANIZATION), address());
  await says(page, /^2\smin so far$/);
  const line = () => page.getByRole('img').getAttribute('aria-label');
  assert.match(await line(), /took 2\smin so far/);
  // Less than what the page waits for a result.
  await pass(page, 40);
  await says(page, /^2\smin (3\d|40)\ss so far$/);
  assert.match(await line(), /took 2\smin (3\d|40)\ss so far/);
  await page.getByRole('link', { name: 'req1' }).click();
  await says(page, /^2\smin 40\ss so far$/);
  await pass(page, 40);
  await says(page, /^3\smin (1\d|20)\ss so far$/);
});

test('every time is that of the service, in the zone of the browser, whose clock may be wrong', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, '2026-03-04T01:30:00Z', { timezoneId: 'Asia/Kolkata' });
  await intercept(page, LIST, () => asOfNoon([processed('req1')]));
  await go(page, server.token(ORGANIZATION), address());
  await says(page, 'As of 17:30:00', /Time zone: Asia\/(Kolkata|Calcutta)\./, /^5\smin ago$/, '1 Mar, 17:25:00', /^in 23\sh 56\smin$/);
});

test('a list is looked at every 20 seconds at most, and nothing of it is kept by the browser', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, NOON);
  let calls = 0;
  await intercept(page, LIST, () => {
    calls += 1;
    return asOfNoon([processed('req1')]);
  });
  await page.evaluate(() => {
    const plain = window.fetch;
    window.caches_ = [];
    window.fetch = (address, options) => {
      window.caches_.push(options.cache);
      return plain(address, options);
    };
  });
  await go(page, server.token(ORGANIZATION), address());
  await page.getByRole('link', { name: 'req1' }).waitFor();
  assert.equal(calls, 1);
  await page.clock.runFor(19_900);
  assert.equal(calls, 1);
  await page.clock.runFor(200);
  await until(() => calls === 2);
  assert.deepEqual(await page.evaluate(() => window.caches_), ['no-store', 'no-store']);
});

test('a long Retry-After counts, and a short one makes nobody ask faster', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, NOON);
  let calls = 0;
  let retryAfter = '0';
  await intercept(page, LIST, () => {
    calls += 1;
    return { status: 503, headers: { 'Retry-After': retryAfter }, json: { status: 'Not now' } };
  });
  const next = async (least, most) => {
    const before = calls;
    await page.clock.runFor(least * 1000);
    assert.equal(calls, before, `not within ${least} s`);
    await page.clock.runFor((most - least) * 1000);
    await until(() => calls === before + 1, `within ${most} s`);
    // The answer has to be there before time goes on.
    await page.evaluate(() => 0);
    await new Promise((later) => setTimeout(later, 300));
  };
  await go(page, server.token(ORGANIZATION), address());
  await says(page, 'The service cannot answer at the moment');
  await next(1.9, 2.6);
  await next(3.9, 5.1);
  retryAfter = '600';
  await next(7.9, 10.1);
  await next(599, 751);
});

test('a list and a report that do not fit each other are not asked for again and again', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, NOON);
  let calls = 0;
  const html = `<!doctype html><main data-cluster="${CLUSTER}" data-request="req1" data-state="failed"></main>`;
  await intercept(page, LIST, () => {
    calls += 1;
    return asOfNoon([processed('req1')]);
  });
  await intercept(page, REPORT, () => ({ contentType: 'text/html; charset=utf-8', body: html }));
  await go(page, server.token(ORGANIZATION), address('req1'));
  await until(() => calls === 1);
  await until(async () => {
    await page.clock.runFor(100);
    return page.getByText('Something else answered').first().isVisible();
  });
  const before = calls;
  await pass(page, 30);
  assert.ok(calls - before <= 4, `${calls - before} calls within 30 s`);
});

test('who looks at a long list stays where they are while it changes', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, NOON);
  let requests = Array.from({ length: 120 }, (_, index) => processed(`req${index}`, -5 - index));
  await intercept(page, LIST, () => asOfNoon(requests));
  await go(page, server.token(ORGANIZATION), address());
  const more = page.getByRole('button', { name: 'Show 50 more' });
  await more.focus();
  await page.evaluate(() => getSelection().selectAllChildren(document.querySelectorAll('tbody time')[21]));
  const selected = await page.evaluate(() => getSelection().toString());
  assert.ok(selected.length > 8);
  requests = [processed('fresh', -4), ...requests.map((request, index) => (index === 3 ? { ...request, status: 'failed', processed: null } : request))];
  await page.clock.runFor(21_000);
  await page.getByRole('link', { name: 'fresh' }).waitFor();
  await page.getByRole('row', { name: /req3 / }).getByText('Failed').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Show 50 more');
  assert.equal(await page.evaluate(() => getSelection().toString()), selected);
  assert.equal(await page.locator('tbody tr').count(), 50);
  assert.deepEqual(await page.locator('tbody th').evaluateAll((cells) => cells.slice(0, 5).map((cell) => cell.textContent)), ['fresh', 'req0', 'req1', 'req2', 'req3']);
  requests = requests.slice(60).reverse();
  await page.clock.runFor(21_000);
  await until(async () => await page.locator('tbody th').first().textContent() === 'req119');
  assert.equal(await page.locator('tbody th').last().textContent(), 'req70');
});

test('who is at a request that moves stays at it, and is led to its neighbour when it expires', async ({ start, open }) => {
  const server = await start();
  const page = await openAt(open, server, NOON);
  let requests = [processed('req1', -5), processed('req2', -6), processed('req3', -7)];
  await intercept(page, LIST, () => asOfNoon(requests));
  await go(page, server.token(ORGANIZATION), address());
  await page.getByRole('link', { name: 'req3' }).focus();
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  const look = async (next, first) => {
    requests = next;
    await page.clock.runFor(21_000);
    await until(async () => await page.locator('tbody th').first().textContent() === first && await page.locator('tbody tr').count() === next.length);
  };
  await look([...requests].reverse(), 'req3');
  assert.equal(await focused(), 'req3');
  await look([...requests].reverse(), 'req1');
  assert.equal(await focused(), 'req3');
  await look(requests.slice(0, 2), 'req1');
  assert.equal(await focused(), 'req2');
  await look([...requests, processed('req0', -9)].slice(1), 'req2');
  assert.equal(await focused(), 'req2');
  await look(requests.slice(1), 'req0');
  assert.equal(await focused(), 'req0');
});

test('who presses “Try now” stays at it while it fails, and is led to the heading when it does not', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  for (const path of [address(), address('req1')]) {
    let answer = () => asOfNoon([processed('req1')]);
    let calls = 0;
    const html = `<!doctype html><main data-cluster="${CLUSTER}" data-request="req1" data-state="processed"></main>`;
    await page.unrouteAll();
    await intercept(page, LIST, () => {
      calls += 1;
      return answer();
    });
    await intercept(page, REPORT, () => ({ contentType: 'text/html; charset=utf-8', body: html }));
    // In place of the view, above it, and of another kind.
    answer = () => 'lost';
    await go(page, server.token(ORGANIZATION), path);
    const button = page.getByRole('button', { name: 'Try now' });
    for (const next of ['lost', { status: 503, json: { status: 'Not now' } }]) {
      answer = () => next;
      const before = calls;
      await button.press('Enter');
      await until(() => calls > before);
      await says(page, next === 'lost' ? 'The service cannot be reached' : 'The service cannot answer at the moment');
      assert.equal(await focused(), 'Try now');
    }
    answer = () => asOfNoon([processed('req1')]);
    await button.press('Enter');
    await says(page, /^1\smin$/);
    assert.match(await focused(), /^Requests? of a cluster$/);
  }
});

test('a service that starts anew during a wait is found again', async ({ start, open }) => {
  const server = await start();
  await server.announce(ORGANIZATION, CLUSTER, 'req1');
  const proxy = await behindProxy(server);
  try {
    const page = await open(proxy, '/ui');
    const waits = watchWaits(page);
    await go(page, server.token(ORGANIZATION), address('req1'));
    await until(() => waits.open.size === 1);
    await server.restart();
    await server.postResult(ORGANIZATION, CLUSTER, 'req1');
    await says(page, 'Nothing was found');
    assert.equal(waits.most, 1);
  } finally {
    proxy.close();
  }
});
