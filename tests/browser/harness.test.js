// The harness itself: it sees what pages must not do, and its servers show what they were given.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { CLUSTER, axe, isTooWide, test } from './harness.js';

/** Answers each path with a page, under a strict Content-Security-Policy. */
async function pages(bodies) {
  const server = createServer((request, response) => {
    const body = bodies[request.url];
    response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'text/html', 'Content-Security-Policy': "default-src 'self'" });
    response.end(`<!doctype html><html lang="en"><title>Test</title><main><h1>Test</h1>${body}</main>`);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** What the page did that it must not; nothing is left of it. */
async function troublesOf(page, expected) {
  const deadline = Date.now() + 30_000;
  while (!page.troubles.some((trouble) => expected.test(trouble))) {
    assert.ok(Date.now() < deadline, `no trouble like ${expected}: ${page.troubles.join('; ')}`);
    await new Promise((later) => setTimeout(later, 20));
  }
  return page.troubles.splice(0);
}

const MISDEEDS = [
  ['an inline script', '<script>1</script>', /Content-Security-Policy: script-src-elem/],
  ['an inline style', '<p style="color: red">red</p>', /Content-Security-Policy: style-src-attr/],
  ['a picture from elsewhere', '<img alt="" src="http://elsewhere.example/picture.png">', /elsewhere\.example/],
  ['a picture that is missing', '<img alt="" src="/missing.png">', /404 for .*missing\.png/],
  ['a picture within the page', '<img alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', /Content-Security-Policy: img-src/],
];

for (const [name, body, expected] of MISDEEDS) {
  test(`a page with ${name} is noticed`, async ({ open }) => {
    const server = await pages({ '/': body });
    try {
      await troublesOf(await open(server, '/'), expected);
    } finally {
      server.close();
    }
  });
}

test('errors of scripts, lines of the console and windows are noticed', async ({ open }) => {
  const server = await pages({ '/': '<p>text</p>' });
  try {
    const page = await open(server, '/');
    assert.deepEqual(page.troubles, []);
    await page.evaluate(() => { console.error('something odd'); });
    await troublesOf(page, /console: something odd/);
    await page.evaluate(() => { setTimeout(() => { throw new Error('a defect'); }); });
    await troublesOf(page, /error: .*a defect/);
    await page.evaluate(() => { window.open('about:blank'); });
    await troublesOf(page, /a window was opened/);
    await page.evaluate(() => fetch('http://elsewhere.example/').catch(() => undefined));
    await troublesOf(page, /elsewhere\.example/);
  } finally {
    server.close();
  }
});

test('axe-core finds what is wrong, but for exceptions, each of which has to be needed', async ({ open }) => {
  const server = await pages({ '/': '<button class="odd"></button>', '/good': '<button>Press</button>' });
  try {
    const known = { rule: 'button-name', selector: '.odd', reason: 'this test' };
    const page = await open(server, '/');
    await assert.rejects(axe(page), /button-name/);
    await assert.rejects(axe(page, { except: [{ ...known, selector: '.other' }] }), /button-name/);
    await axe(page, { except: [known] });
    const good = await open(server, '/good');
    await axe(good);
    await assert.rejects(axe(good, { except: [known] }), /not needed/);
  } finally {
    server.close();
  }
});

test('a page that is too wide is told from one that is not', async ({ open }) => {
  const long = 'a'.repeat(400);
  const server = await pages({ '/': `<p>${long}</p>`, '/good': `<p>${long.replaceAll('a', 'a ')}</p>` });
  try {
    assert.equal(await isTooWide(await open(server, '/', { width: 320 })), true);
    assert.equal(await isTooWide(await open(server, '/good', { width: 320 })), false);
  } finally {
    server.close();
  }
});

test('a server answers pages of its own with what was posted and imported', async ({ start, open }) => {
  const server = await start({ content: [{ hit: 'rules.disk|FULL', text: 'A disk is nearly full.', risk: 4 }] });
  await server.postResult(42, CLUSTER, 'req1', { hits: ['rules.disk|FULL'] });
  await server.postResult(42, CLUSTER, 'req2', { failed: true });
  await server.announce(42, CLUSTER, 'req3');
  const page = await open(server, '/openapi.json');
  const ask = (token, path) => page.evaluate(async ([authorization, asked]) => {
    const answer = await fetch(asked, { headers: { Authorization: authorization } });
    return { status: answer.status, body: await answer.json() };
  }, [`Bearer ${token}`, `/cluster/${CLUSTER}${path}`]);

  const list = await ask(server.token(42), '/requests');
  const states = Object.fromEntries(list.body.requests.map(({ requestID, status }) => [requestID, status]));
  assert.deepEqual(states, { req1: 'processed', req2: 'failed', req3: 'received' });
  const report = await ask(server.token(42), '/request/req1/report');
  assert.deepEqual(report.body.report.map((entry) => [entry.description, entry.total_risk]), [['A disk is nearly full.', 4]]);

  assert.equal((await ask(server.token(43), '/requests')).status, 404);
  assert.equal((await ask(server.token(42, { lifetime: -3600 }), '/requests')).status, 401);
  assert.equal((await ask(server.token(42, { cluster: '6d5892d3-1f74-4ccf-91af-548dfc9767aa' }), '/requests')).status, 403);
});

test('what a server refuses is an error of the test', async ({ start }) => {
  await assert.rejects(start({ set: { 'http.no_such_key': '1' } }), /no_such_key/);
  const server = await start();
  await assert.rejects(server.postResult(0, CLUSTER, 'req1'), /rejected/);
});
