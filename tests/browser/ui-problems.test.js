// Where `/ui` gets no answer: each reason has words of its own, and says what to do.

import assert from 'node:assert/strict';
import { CLUSTER, everyLook, test } from './harness.js';
import { LIST, ORGANIZATION, REPORT, address, day, enter, go, intercept, listOf, says, until } from './ui.js';

const OTHER_CLUSTER = '6d5892d3-1f74-4ccf-91af-548dfc9767aa';

test('a token that is not accepted, with what the service says of it, and another one', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  await enter(page, { token: server.token(ORGANIZATION, { lifetime: -3600 }) });
  await says(page, 'The token is not accepted', /The service says: .*expired/);
  await everyLook(page, 'ui-problem-unauthorized');
  await page.getByLabel('Token').fill('a.b.c');
  await page.getByRole('button', { name: 'Go on with this token' }).click();
  await says(page, 'The token is not accepted', /The service says: /);
  await page.getByLabel('Token').fill(server.token(ORGANIZATION));
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'req1' }).waitFor();
  assert.equal(new URL(page.url()).hash, `#/cluster/${CLUSTER}`, 'the address stays');
});

test('a token that is for another cluster, or may not read', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  for (const [token, path] of [
    [server.token(ORGANIZATION, { cluster: OTHER_CLUSTER }), address()],
    [server.token(ORGANIZATION, { cluster: OTHER_CLUSTER }), address('req1')],
    [server.token(ORGANIZATION, { scope: 'write' }), address()],
  ]) {
    await go(page, token, path);
    await says(page, 'Not for you to see', /The service says: Forbidden/);
  }
  await page.getByRole('button', { name: 'Go on with this token' }).click();
  await says(page, /Enter a token, three parts/);
  await page.getByLabel('Token').fill(server.token(ORGANIZATION));
  await page.keyboard.press('Enter');
  await says(page, 'No such cluster');
  await go(page, server.token(ORGANIZATION, { scope: 'write' }), address());
  await says(page, 'Not for you to see');
  await everyLook(page, 'ui-problem-forbidden');
});

test('a token that is too long is said to be', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  await enter(page, { token: `a.${'b'.repeat(120_000)}.c` });
  await says(page, 'The token is not accepted', /the token is longer than 16384 characters/);
  for (const status of [413, 431]) {
    await page.unrouteAll();
    await intercept(page, LIST, () => ({ status, contentType: 'text/html', body: '' }));
    await go(page, 'a.b.c', address());
    await says(page, 'The call is too long', /is longer than the service takes/);
  }
  await everyLook(page, 'ui-problem-oversize');
  await page.unrouteAll();
  await page.getByLabel('Token').fill(server.token(ORGANIZATION));
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'req1' }).waitFor();
});

test('where a gateway says who calls, there is no token to enter', async ({ start, open }) => {
  const server = await start({ set: { 'auth.mode': 'identity-header', 'auth.trusted_proxies': '["127.0.0.1/32"]' } });
  const page = await open(server, address());
  await says(page, 'The service does not know who you are', /The service says: /);
  assert.equal(await page.getByLabel('Token').count(), 0);
  await everyLook(page, 'ui-problem-no-identity');
});

const PASSING = [
  ['the service cannot answer', () => ({ status: 503, headers: { 'Retry-After': '1' }, json: { status: 'The storage cannot answer at the moment' } }), 'The service cannot answer at the moment', 'unavailable'],
  ['too many calls', () => ({ status: 429, headers: { 'Retry-After': '2' }, json: { status: 'Too Many Requests' } }), 'Too many calls', 'busy'],
  ['nothing answers', () => 'lost', 'The service cannot be reached', 'unreachable'],
  ['a proxy answers that it is too late', () => ({ status: 504, contentType: 'text/html', body: '<h1>Gateway Timeout</h1>' }), 'The service cannot answer at the moment', 'gateway'],
  ['a page to log in answers', () => ({ status: 200, contentType: 'text/html', body: '<form>Log in</form>' }), 'Something else answered', 'strange'],
  ['something else does not know the path', () => ({ status: 404, contentType: 'text/html', body: 'Not Found' }), 'Something else answered', 'strange-404'],
  ['the answer is JSON of something else', () => ({ json: ['x'] }), 'Something else answered', 'strange-json'],
  ['there is nothing in the list', () => ({ json: { requests: [null] } }), 'Something else answered', 'strange-entry'],
  ['a time cannot be read', () => listOf([{ ...day()[1], expires: 'tomorrow' }]), 'Something else answered', 'strange-time'],
  ['a time is not of this world', () => listOf([{ ...day()[2], expires: '+275760-09-13T00:00:00Z', received: '-271821-04-20T00:00:00Z' }, { ...day()[1], processed: null }]), 'Something else answered', 'strange-end'],
  ['something else refuses the call', () => ({ status: 418, json: { status: 'I am a teapot' } }), 'Something else answered', 'strange-418'],
  ['the call came too slowly', () => ({ status: 408, contentType: 'text/plain', body: '' }), 'The service cannot answer at the moment', 'late'],
  ['a defect', () => ({ status: 500, json: { status: 'Internal Server Error' } }), 'The service has a defect', 'defect'],
];

for (const [name, answer, heading, picture] of PASSING) {
  test(`${name}: it is said, and tried again by itself`, async ({ start, open }) => {
    const server = await start();
    await server.postResult(ORGANIZATION, CLUSTER, 'req1');
    const page = await open(server, '/ui');
    let isAway = true;
    let calls = 0;
    await intercept(page, LIST, () => {
      calls += 1;
      return isAway ? answer() : null;
    });
    await go(page, server.token(ORGANIZATION), address());
    await says(page, heading);
    assert.equal(await page.locator('#news').textContent(), heading, 'it is said to those who do not see it');
    await everyLook(page, `ui-problem-${picture}`);
    await until(() => calls > 1);
    isAway = false;
    await page.getByRole('link', { name: 'req1' }).waitFor();
    await go(page, server.token(ORGANIZATION), address('req1'));
    await says(page, 'Nothing was found');
    isAway = true;
    await go(page, server.token(ORGANIZATION), address('req1'));
    await says(page, heading);
    isAway = false;
    await page.getByRole('button', { name: 'Try now' }).click();
    await says(page, 'Nothing was found');
  });
}

test('what was known stays to be seen while the service is away', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  let isAway = false;
  await intercept(page, LIST, () => (isAway ? 'lost' : listOf(day())));
  await intercept(page, REPORT, () => (isAway ? 'lost' : new Promise(() => {})));
  await go(page, server.token(ORGANIZATION), address());
  await page.locator('tbody tr').first().waitFor();
  isAway = true;
  await page.getByRole('button', { name: 'Refresh' }).click();
  await says(page, 'The service cannot be reached');
  assert.equal(await page.locator('tbody tr').count(), 7);
  await everyLook(page, 'ui-problem-banner');
  isAway = false;
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.locator('#news', { hasText: 'The service answers again' }).waitFor({ state: 'attached' });
  assert.equal(await page.locator('main').getByText('The service cannot be reached').count(), 0);
});

test('without a network the page says so, and goes on when there is one', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  await page.evaluate((text) => sessionStorage.setItem('gathering.token', text), server.token(ORGANIZATION));
  await page.context().setOffline(true);
  await page.evaluate((hash) => { location.hash = hash; }, address().slice('/ui'.length));
  await says(page, 'You are offline');
  await everyLook(page, 'ui-problem-offline');
  await page.context().setOffline(false);
  await page.getByRole('link', { name: 'req1' }).waitFor();
  // The browser looks after icons as it likes.
  page.troubles.splice(0, page.troubles.length, ...page.troubles.filter((trouble) => !/DISCONNECTED for .*icon\.svg/.test(trouble)));
});

test('failures are tried again more and more seldom', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  const times = [];
  await intercept(page, LIST, () => {
    times.push(Date.now());
    return 'lost';
  });
  await go(page, server.token(ORGANIZATION), address());
  await until(() => times.length === 3);
  assert.ok(times[1] - times[0] >= 1900 && times[2] - times[1] >= 3900, times.map((time) => time - times[0]).join(' '));
});
