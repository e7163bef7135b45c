// The first view of `/ui`: what it takes, and that a token stays in its tab.

import assert from 'node:assert/strict';
import { CLUSTER, everyLook, test } from './harness.js';
import { ORGANIZATION, address, behindProxy, enter, go, says } from './ui.js';

test('the first view says what is wrong with what was entered', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  await everyLook(page, 'ui-form');
  await page.getByRole('button', { name: 'Show requests' }).click();
  await says(page, /Enter a token, three parts/, /Enter the ID of a cluster, a UUID/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'field-token');
  assert.equal(await page.getByLabel('Cluster ID').getAttribute('aria-invalid'), 'true');
  for (const [cluster, request] of [['5d5892d3', ''], [`${CLUSTER}0`, ''], ['../../info', ''], ['<b>', ''], [CLUSTER, 'a/b'], [CLUSTER, '-a'], [CLUSTER, 'x'.repeat(129)]]) {
    await enter(page, { token: 'a.b.c', cluster, request });
    await page.locator('[aria-invalid]').first().waitFor();
    assert.equal(new URL(page.url()).hash, '', `${cluster} ${request}`);
  }
  await everyLook(page, 'ui-form-invalid');
  for (const token of ['not a token', 'a.b', '\u{e9}.b.c', 'a.b.c\nx']) {
    await enter(page, { token, cluster: CLUSTER });
    await says(page, /Enter a token, three parts/);
  }
});

test('a cluster is taken in each spelling, a token also as a header has it', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui/');
  await enter(page, { token: `  Bearer ${server.token(ORGANIZATION)} `, cluster: ` ${CLUSTER.toUpperCase()} ` });
  await page.getByRole('link', { name: 'req1' }).waitFor();
  assert.equal(new URL(page.url()).hash, `#/cluster/${CLUSTER}`);
});

test('a token is in the tab alone, and gone when it is to be forgotten', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const token = server.token(ORGANIZATION);
  const page = await open(server, '/ui');
  const asked = [];
  page.on('request', (request) => asked.push(request));
  await enter(page, { token });
  await page.getByRole('link', { name: 'req1' }).click();
  await says(page, 'Nothing was found');

  const secret = token.split('.')[2];
  for (const request of asked) {
    assert.ok(!request.url().includes(secret) && !(request.postData() ?? '').includes(secret), request.url());
  }
  const kept = await page.evaluate(() => ({
    address: location.href,
    history: JSON.stringify(history.state),
    document: document.documentElement.outerHTML,
    fields: [...document.querySelectorAll('input')].map((input) => input.value).join(' '),
    local: JSON.stringify(localStorage),
    cookie: document.cookie,
    name: window.name,
  }));
  for (const [where, text] of Object.entries(kept)) assert.ok(!(text ?? '').includes(secret), where);
  assert.ok((await page.evaluate(() => JSON.stringify(sessionStorage))).includes(secret));
  assert.ok(!server.log.includes(secret));

  await page.reload();
  await says(page, 'Nothing was found');
  await page.getByRole('button', { name: 'Forget the token' }).click();
  await page.getByLabel('Token').waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify(sessionStorage)), '{}');
  assert.equal(await page.getByRole('button', { name: 'Forget the token' }).isVisible(), false);
  await page.goBack();
  await says(page, 'A token is needed to see this cluster.');
  assert.equal(await page.getByText('Nothing was found').count(), 0, 'nothing is left of what it showed');
});

test('what was forgotten does not come back with a page that the browser kept alive', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, 'Nothing was found');
  assert.equal((await fetch(`${server.url}/ui`)).headers.get('cache-control'), 'no-store', 'most keep no such page alive');
  await page.evaluate(() => {
    // By another page in the same tab, meanwhile.
    sessionStorage.clear();
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
  });
  await says(page, 'A token is needed to see this cluster.');
});

test('an address can be passed on: it says what to show, and asks for a token', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, address('req1'));
  await says(page, 'A token is needed to see this cluster.');
  assert.equal(await page.getByLabel('Cluster ID').inputValue(), CLUSTER);
  assert.equal(await page.getByLabel('Request ID').inputValue(), 'req1');
  await page.getByLabel('Token').fill(server.token(ORGANIZATION));
  await page.keyboard.press('Enter');
  await says(page, 'Nothing was found');
});

test('back, forward and other addresses lead where they say', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  await enter(page, { token: server.token(ORGANIZATION) });
  await page.getByRole('link', { name: 'req1' }).click();
  await says(page, 'Nothing was found');
  await page.goBack();
  await page.getByRole('link', { name: 'req1' }).waitFor();
  await page.goBack();
  await page.getByLabel('Cluster ID').waitFor();
  await page.goForward();
  await page.goForward();
  await says(page, 'Nothing was found');
  for (const odd of ['/x', '/cluster', '/cluster/x', `/cluster/${CLUSTER}/request/a%2Fb`, `/cluster/${CLUSTER}/report`, '/cluster/%', '<img src=x onerror=alert(1)>']) {
    await page.goto(`${server.url}/ui#${odd}`);
    await says(page, 'Not an address of this page');
  }
  await everyLook(page, 'ui-no-address');
  await page.getByRole('link', { name: 'Begin anew' }).click();
  await page.getByLabel('Cluster ID').waitFor();
});

test('one gets everywhere without a mouse, and the heading of each view has the focus', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.id);
  const tabTo = async (name) => {
    for (let presses = 0; presses < 30; presses += 1) {
      await page.keyboard.press('Tab');
      if (await focused() === name) {
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(outline, 'solid', `${name} does not show that it has the focus`);
        return;
      }
    }
    assert.fail(`no press of Tab leads to ${name}`);
  };
  await tabTo('Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.equal(new URL(page.url()).hash, '', 'views alone are in the fragment');
  await tabTo('field-token');
  await page.keyboard.type(server.token(ORGANIZATION));
  await tabTo('field-cluster-id');
  await page.keyboard.type(CLUSTER);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'req1' }).waitFor();
  assert.equal(await focused(), 'Requests of a cluster');
  await tabTo('req1');
  await page.keyboard.press('Enter');
  await says(page, 'Nothing was found');
  assert.equal(await focused(), 'Request of a cluster');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await focused(), 'Forget the token');
  await page.keyboard.press('Enter');
  await page.getByLabel('Token').waitFor();
});

test('where no token is asked for, there is no field for one', async ({ start, open }) => {
  const server = await start({ set: { 'auth.mode': 'disabled', 'auth.disabled_org': '42' } });
  const page = await open(server, '/ui');
  await page.getByLabel('Cluster ID').waitFor();
  assert.equal(await page.getByLabel('Token').count(), 0);
  await enter(page, {});
  await says(page, 'No such cluster');
  assert.equal(await page.getByRole('button', { name: 'Forget the token' }).isVisible(), false);
});

test('it works behind a proxy that puts something in front, and below another base path', async ({ start, open }) => {
  const server = await start({ set: { 'http.base_paths': '["/api/v2"]' } });
  const page = await open(server, '/ui');
  await go(page, server.token(ORGANIZATION), address());
  await says(page, 'No such cluster');
  const outside = await behindProxy(server, '/some/where');
  try {
    for (const path of ['/some/where/ui', '/some/where/ui/']) {
      const through = await open(outside, path);
      await enter(through, { token: server.token(ORGANIZATION) });
      await says(through, 'No such cluster');
    }
  } finally {
    outside.close();
  }
});

test('where the certificate of the browser says who calls, there is no field for a token either', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  await page.route('**/ui', async (route) => {
    const answer = await route.fetch();
    return route.fulfill({ response: answer, body: (await answer.text()).replace('data-auth="token"', 'data-auth="client-certificate"') });
  });
  await page.reload();
  await page.getByLabel('Cluster ID').waitFor();
  assert.equal(await page.getByLabel('Token').count(), 0);
  await enter(page, {});
  await says(page, 'The service does not know who you are');
});

test('without JavaScript the page says so', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui', { javaScriptEnabled: false });
  await says(page, /This page needs JavaScript/);
  assert.equal(await page.getByRole('link', { name: 'the API' }).getAttribute('href'), './openapi.json');
});
