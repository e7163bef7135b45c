// `/docs`: the OpenAPI document, to read and to try.

import assert from 'node:assert/strict';
import { createServer, request as ask } from 'node:http';
import { CLUSTER, everyLook, result, test } from './harness.js';

async function openDocs(open, server, { path = '/docs', ...options } = {}) {
  const page = await open(server, path, options);
  await page.locator('.opblock').first().waitFor();
  return page;
}

/** Opens an operation, to be filled in. */
async function operation(page, id) {
  const block = page.locator(`.opblock[id$="-${id}"]`);
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  return block;
}

/** Sends what was filled in, and returns the status and the text of the answer. */
async function execute(page, block) {
  const answered = page.waitForResponse((response) => response.request().resourceType() === 'fetch');
  await block.getByRole('button', { name: 'Execute' }).click();
  const answer = await answered;
  const shown = block.locator('.live-responses-table');
  await shown.locator('.response-col_status', { hasText: String(answer.status()) }).first().waitFor();
  return { status: answer.status(), shown: await shown.innerText(), request: answer.request() };
}

/** Asks for the requests of a cluster. */
async function tryList(page) {
  const block = await operation(page, 'listRequests');
  await block.getByPlaceholder('clusterID').fill(CLUSTER);
  return { block, ...await execute(page, block) };
}

test('every operation of the document is there, to be opened and read', async ({ start, open }) => {
  const server = await start();
  const page = await openDocs(open, server);
  const { paths } = await (await fetch(`${server.url}/openapi.json`)).json();
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  assert.ok(operations.length >= 7);
  assert.equal(await page.locator('.opblock').count(), operations.length);
  for (const { operationId, responses } of operations) {
    const block = page.locator(`.opblock[id$="-${operationId}"]`);
    await block.locator('.opblock-summary-control').click();
    await block.getByRole('button', { name: 'Try it out' }).waitFor();
    const statuses = await block.locator('.responses-table .response').evaluateAll((rows) => rows.map((row) => row.dataset.code));
    assert.deepEqual(statuses.sort(), Object.keys(responses).sort(), operationId);
  }
});

test('a call is tried with the token, and its answer shown', async ({ start, open }) => {
  const server = await start();
  await server.postResult(42, CLUSTER, 'req1');
  const page = await openDocs(open, server);
  // As it is copied from a command line.
  await page.getByLabel('Token').fill(`Bearer ${server.token(42)}  `);
  const { block, status, shown, request } = await tryList(page);
  assert.equal(status, 200);
  assert.match(shown, /"requestID": "req1"/);
  assert.match(await block.locator('.curl-command').innerText(), /Authorization: Bearer <token>/);
  const { authorization, prefer, 'if-none-match': ifNoneMatch } = await request.allHeaders();
  assert.match(authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
  assert.deepEqual([prefer, ifNoneMatch], [undefined, undefined], 'only what was filled in is sent');
  const [, , signature] = authorization.split('.');
  assert.ok(!(await page.content()).includes(signature), 'no picture of the page has the token');
});

test('a call with a body is tried', async ({ start, open }) => {
  const server = await start();
  const page = await openDocs(open, server);
  await page.getByLabel('Token').fill(server.token(42, { scope: 'read write' }));
  const select = await operation(page, 'selectRequests');
  await select.getByPlaceholder('clusterID').fill(CLUSTER);
  await select.locator('textarea').fill('["req1"]');
  assert.match((await execute(page, select)).shown, /"valid": false/);

  const announce = await operation(page, 'ingestAnnouncements');
  assert.match((await execute(page, announce)).shown, /"stored": 1/, 'the example is an announcement that is taken');
  const ingest = await operation(page, 'ingestResults');
  const answer = await execute(page, ingest);
  assert.equal(answer.status, 200);
  assert.match(answer.shown, /"stored": 1/, 'the example is a message that is taken');

  // Many messages come as a file of lines.
  await ingest.locator('.body-param-content-type select, .opblock-section-request-body select').first().selectOption('application/x-ndjson');
  const lines = [result(42, CLUSTER, 'req2'), result(42, CLUSTER, 'req3'), {}].map((message) => JSON.stringify(message)).join('\n');
  await ingest.locator('input[type=file]').setInputFiles({ name: 'results.ndjson', mimeType: 'application/x-ndjson', buffer: Buffer.from(lines) });
  const many = await execute(page, ingest);
  assert.equal(many.status, 200);
  assert.match(many.shown, /"stored": 2/);
  assert.match(many.shown, /"rejected": 1/);
});

test('without a token, with another one and after it was taken out, the call is refused', async ({ start, open }) => {
  const server = await start();
  await server.postResult(42, CLUSTER, 'req1');
  const page = await openDocs(open, server);
  const { block, status, shown } = await tryList(page);
  assert.equal(status, 401);
  assert.match(shown, /bearer token is required/);
  await page.getByLabel('Token').fill(server.token(42, { lifetime: -3600 }));
  assert.equal((await execute(page, block)).status, 401);
  await page.getByLabel('Token').fill(server.token(43));
  assert.equal((await execute(page, block)).status, 404);
  await page.getByLabel('Token').fill(server.token(42));
  assert.equal((await execute(page, block)).status, 200);
  await page.getByLabel('Token').fill('');
  assert.equal((await execute(page, block)).status, 401);
});

test('the token is kept nowhere and is gone when the page is loaded again', async ({ start, open }) => {
  const server = await start();
  await server.postResult(42, CLUSTER, 'req1');
  const page = await openDocs(open, server);
  const token = server.token(42);
  await page.getByLabel('Token').fill(token);
  assert.equal((await tryList(page)).status, 200);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  assert.ok(!kept.includes(token.split('.')[2]), kept);
  await page.reload();
  await page.locator('.opblock').first().waitFor();
  assert.equal(await page.getByLabel('Token').inputValue(), '');
  const block = page.locator('.opblock[id$="-listRequests"]');
  await block.getByRole('button', { name: 'Try it out' }).click();
  await block.getByPlaceholder('clusterID').fill(CLUSTER);
  assert.equal((await execute(page, block)).status, 401);
});

test('an address leads to an operation', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/docs#/requests/getRequestReport');
  await page.locator('#operations-requests-getRequestReport').getByRole('button', { name: 'Try it out' }).waitFor();
});

test('calls go where the page is: under another base path, with a slash at the end, and behind a proxy that puts something in front', async ({ start, open }) => {
  const server = await start({ set: { 'http.base_paths': '["/api/v2", "/other"]' } });
  const proxy = createServer((incoming, outgoing) => {
    const target = new URL(incoming.url.replace(/^\/in\/front/, ''), server.url);
    incoming.pipe(ask(target, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    }));
  });
  await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));
  const behind = { url: `http://127.0.0.1:${proxy.address().port}` };
  try {
    for (const [where, path, expected] of [
      [server, '/docs', `${server.url}/api/v2/`],
      [server, '/docs/', `${server.url}/api/v2/`],
      [behind, '/in/front/docs', `${behind.url}/in/front/api/v2/`],
      [behind, '/in/front/docs/', `${behind.url}/in/front/api/v2/`],
    ]) {
      const page = await openDocs(open, where, { path });
      await page.getByLabel('Token').fill(server.token(42));
      const { status, request } = await tryList(page);
      assert.equal(request.url(), `${expected}cluster/${CLUSTER}/requests`);
      assert.equal(status, 404, 'by the service, which does not know the cluster');
    }
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('an identity is sent behind a gateway, and nothing is asked for where nobody is asked', async ({ start, open }) => {
  const gateway = await start({ set: { 'auth.mode': 'identity-header', 'auth.trusted_proxies': '["127.0.0.1"]' } });
  const page = await openDocs(open, gateway);
  const identity = { identity: { org_id: '42', type: 'User', internal: { org_id: '42' } } };
  await page.getByLabel('x-rh-identity').fill(Buffer.from(JSON.stringify(identity)).toString('base64'));
  assert.equal((await tryList(page)).status, 404);

  const forAll = await start({ set: { 'auth.mode': 'disabled' } });
  const free = await openDocs(open, forAll);
  await free.getByText('Nobody is asked who calls.').waitFor();
  assert.equal(await free.locator('#credential-value').isVisible(), false);
  assert.equal((await tryList(free)).status, 404);
});

test('where the browser kept the page alive, it is loaded anew, without a token', async ({ start, open }) => {
  const server = await start();
  const page = await openDocs(open, server);
  await page.getByLabel('Token').fill(server.token(42));
  await page.evaluate(() => {
    window.isOld = true;
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
  });
  await page.waitForFunction(() => !window.isOld);
  await page.getByLabel('Token').waitFor();
  assert.equal(await page.getByLabel('Token').inputValue(), '');
});

test('it can be read in light and dark, narrow and wide, and without eyes', async ({ start, open }) => {
  const server = await start();
  await everyLook(await openDocs(open, server), 'docs');
});

test('so can the answer to a call that was tried', async ({ start, open }) => {
  const server = await start();
  await server.postResult(42, CLUSTER, 'req1');
  const page = await openDocs(open, server);
  await page.getByLabel('Token').fill(server.token(42));
  await tryList(page);
  await everyLook(page, 'docs-tried');
});

test('so can all operations at once, to be tried, one of them refused', async ({ start, open }) => {
  const page = await openDocs(open, await start());
  for (const id of ['getRequestReport', 'getRequestStatus', 'listRequests', 'selectRequests', 'ingestAnnouncements', 'info']) {
    await operation(page, id);
  }
  await execute(page, await operation(page, 'ingestResults'));
  await everyLook(page, 'docs-all');
});

test('what rule content says does nothing, in JSON and as HTML', async ({ start, open }) => {
  const text = '<script>window.evil = 1</script><img src="http://elsewhere.example/x" onerror="window.evil = 2"> [x](javascript:window.evil=3)';
  const server = await start({ content: [{ hit: 'rules.evil|KEY', text, risk: 4 }] });
  await server.postResult(42, CLUSTER, 'req1', { hits: ['rules.evil|KEY'] });
  const page = await openDocs(open, server);
  await page.getByLabel('Token').fill(server.token(42));
  const block = await operation(page, 'getRequestReport');
  await block.getByPlaceholder('clusterID').fill(CLUSTER);
  await block.getByPlaceholder('requestID').fill('req1');
  for (const type of ['application/json', 'text/html']) {
    await block.locator('.response[data-code="200"] select').first().selectOption(type);
    const { status, shown } = await execute(page, block);
    assert.equal(status, 200);
    assert.match(shown, /window\.evil = 1/, type);
    assert.equal(await block.locator('.live-responses-table').locator('script, img, a[href^="javascript"]').count(), 0, type);
  }
  assert.equal(await page.evaluate(() => window.evil), undefined);
});

test('an address cannot have it show the document of somebody else', async ({ start, open }) => {
  const server = await start();
  const elsewhere = 'http://elsewhere.example/openapi.json';
  const page = await openDocs(open, server, { path: `/docs?url=${elsewhere}&configUrl=${elsewhere}&urls.primaryName=x&persistAuthorization=true#/%3Cimg%20src=x%20onerror=alert(1)%3E` });
  assert.equal(await page.locator('.opblock').count(), 7);
});

test('it is done by keyboard', async ({ start, open }) => {
  const server = await start();
  const page = await openDocs(open, server);
  await page.getByLabel('Token').focus();
  await page.keyboard.type(server.token(42));
  // There is nothing to be sent by itself.
  await page.keyboard.press('Enter');
  assert.equal(page.url(), `${server.url}/docs`);
  const block = page.locator('.opblock[id$="-info"]');
  await tabTo(page, block.locator('.opblock-summary-control'));
  await page.keyboard.press('Enter');
  await tabTo(page, block.getByRole('button', { name: 'Try it out' }));
  await page.keyboard.press('Enter');
  await tabTo(page, block.getByRole('button', { name: 'Execute' }));
  await page.keyboard.press('Enter');
  await block.locator('.live-responses-table').getByText('OCPRulesVersion').first().waitFor();
});

/** Goes on until the element has the focus. */
async function tabTo(page, locator) {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`no way by keyboard to ${locator}`);
}

test('without JavaScript the page says so, and does not say that it is loading', async ({ start, open }) => {
  const page = await open(await start(), '/docs', { javaScriptEnabled: false });
  await page.locator('noscript p', { hasText: 'This page needs JavaScript.' }).waitFor();
  assert.equal(await page.getByText('Loading…').isVisible(), false);
});

test('where pages are switched off there is none', async ({ start, open }) => {
  const server = await start({ set: { 'ui.enabled': 'false' } });
  for (const path of ['/docs', '/docs/docs.js', '/docs/swagger-ui.css']) assert.equal((await fetch(server.url + path)).status, 404);
  await open(server, '/docs', { status: 404 });
});

test('whoever may load it, it is loaded whole: files, headers and what is asked again', async ({ start }) => {
  const server = await start();
  const document = await fetch(`${server.url}/docs`);
  assert.equal(document.headers.get('content-type'), 'text/html; charset=utf-8');
  const policy = document.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';/);
  for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'docs.js', 'docs.css']) {
    const answer = await fetch(`${server.url}/docs/${file}`);
    assert.equal(answer.status, 200, file);
    assert.ok((await answer.text()).length > 1000, file);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    const again = await fetch(`${server.url}/docs/${file}`, { headers: { 'If-None-Match': answer.headers.get('etag') } });
    assert.equal(again.status, 304, file);
  }
});
