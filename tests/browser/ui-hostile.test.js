// Texts of people who would like `/ui` to do something for them. It shows them, and does nothing.

import assert from 'node:assert/strict';
import { CLUSTER, everyLook, test } from './harness.js';
import { ORGANIZATION, REPORT, address, go, intercept, says } from './ui.js';

/** Each is rule content of a rule of its own; it has to be 10 characters long at least. */
const TEXTS = [
  '<script>window.wasHere = 1; alert(1)</script>',
  '<img src=x onerror="window.wasHere = 1; alert(1)"> <svg onload="alert(1)">',
  '<iframe src="https://elsewhere.example/"></iframe> <object data="x"></object> <embed src="x">',
  '<a href="javascript:window.wasHere=1">html link</a> <form action="https://elsewhere.example/"><button>Press</button></form>',
  '<style>body { display: none } @import url(https://elsewhere.example/x.css)</style><link rel=stylesheet href=x>',
  '<base href="https://elsewhere.example/"><meta http-equiv="refresh" content="0;url=https://elsewhere.example/">',
  '[a script](javascript:alert(1)) [data](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==) [vb](vbscript:x)',
  '[tricky](java&#115;cript:alert(1)) [tab](java&Tab;script:alert(1)) [case](JaVaScRiPt:alert(1)) <javascript:alert(1)>',
  '[here](/ui#/cluster/x) [there](//elsewhere.example) [quote](https://elsewhere.example/"onmouseover="alert(1))',
  '![a picture](https://elsewhere.example/picture.png) ![](data:image/svg+xml,<svg/onload=alert(1)>) ![x](x)',
  '</div></section></main><h1>Not your heading</h1><main><section data-risk="4" data-rule="x" data-key="y"><div>x</div></section>',
  '\u202eright to left by force\u202c and \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u2066isolated',
  `${'W'.repeat(1900)} a word that never ends`,
  `${'> '.repeat(200)}deep ${'- '.repeat(100)}deeper`,
  `${'['.repeat(900)}${'*'.repeat(900)}`,
  '```\na fence that is never closed <b>&lt;\n\n[half a link](https://elsewhere.exa',
  '&#0; &#x0; &nbsp; &amp;lt;script&amp;gt; \u0000 \ufffd \ud83d\ude00',
  '{{constructor.constructor("alert(1)")()}} ${alert(1)} %{x}',
];

const hitOf = (index) => `rules.hostile_${String(index).padStart(2, '0')}|KEY_${index}`;

/** Fails if anything of the page is not what it is made of. */
async function checkHarmless(page, server, path) {
  const seen = await page.evaluate(() => ({
    wasHere: window.wasHere,
    names: [...new Set([...document.querySelectorAll('main *')].map((element) => element.tagName.toLowerCase()))],
    handlers: [...document.querySelectorAll('main *')].flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith('on') || name === 'style' || name === 'src' || name === 'srcset')),
    links: [...document.querySelectorAll('main .text a')].map((link) => link.getAttribute('href')),
    headings: [...document.querySelectorAll('h1')].map((heading) => heading.textContent),
  }));
  assert.equal(seen.wasHere, undefined);
  assert.deepEqual(seen.handlers, []);
  for (const bad of ['script', 'img', 'iframe', 'object', 'embed', 'form', 'input', 'style', 'link', 'base', 'meta']) assert.ok(!seen.names.includes(bad), bad);
  for (const link of seen.links) assert.match(link, /^(https?:\/\/|mailto:)/);
  assert.deepEqual(seen.headings, ['Request of a cluster']);
  assert.equal(page.url(), server.url + path, 'it stays where it is');
}

/** Notes dialogs, which tests have none of. */
function watchDialogs(page) {
  page.on('dialog', (dialog) => {
    page.troubles.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
}

test('hostile rule content does nothing', async ({ start, open }) => {
  const content = TEXTS.map((text, index) => ({ hit: hitOf(index), text: text.replaceAll('\u0000', ''), risk: 1 + (index % 4) }));
  const server = await start({ content, set: { 'report.max_description': '2048' } });
  await server.postResult(ORGANIZATION, CLUSTER, 'req1', { hits: content.map(({ hit }) => hit) });
  const page = await open(server, '/ui');
  watchDialogs(page);
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, `${TEXTS.length} findings:`);
  assert.equal(await page.locator('article').count(), TEXTS.length);
  await checkHarmless(page, server, address('req1'));
  await says(page, '<script>window.wasHere = 1; alert(1)</script>', 'a script', '</div></section></main>', '{{constructor.constructor("alert(1)")()}}');
  await everyLook(page, 'ui-hostile');
  // Nothing of it has an effect on what is beside it.
  const order = await page.evaluate(() => [...document.querySelectorAll('article dd code')].map((code) => code.textContent).filter((text) => text.startsWith('KEY_')));
  assert.equal(new Set(order).size, TEXTS.length);
});

test('a report that is hostile itself does nothing either', async ({ start, open }) => {
  const server = await start();
  await server.postResult(ORGANIZATION, CLUSTER, 'req1');
  const page = await open(server, '/ui');
  watchDialogs(page);
  const text = `<p onclick="alert(1)" style="color:red" id="main" class="button">plain <b>bold</b></p><script>window.wasHere = 1</script><img src=x onerror=alert(1)>
    <svg><script>alert(1)</script><a href="javascript:alert(1)">svg</a></svg><math><mtext><img src=x onerror=alert(1)></mtext></math>
    <a href="javascript:alert(1)">js</a><a href=" https://elsewhere.example">space</a><a href="https://good.example/" onclick="alert(1)" target="_top">good</a>
    <template><script>alert(1)</script></template><textarea></textarea><iframe srcdoc="<script>alert(1)</script>"></iframe><form action=x><input name=y></form>
    <ol start="7"><li>seven</ol>${'<blockquote>'.repeat(400)}deep${'</blockquote>'.repeat(400)}`;
  const html = `<!doctype html><main data-cluster="${CLUSTER}" data-request="req1" data-state="processed"><section data-risk="9" data-rule="&lt;img src=x onerror=alert(1)&gt;" data-key="KEY"><div>${text}</div></section></main>`;
  await intercept(page, REPORT, () => ({ contentType: 'text/html; charset=utf-8', body: html }));
  await go(page, server.token(ORGANIZATION), address('req1'));
  await says(page, '1 finding:', 'plain bold', 'deep', '<img src=x onerror=alert(1)>');
  await checkHarmless(page, server, address('req1'));
  assert.deepEqual(await page.locator('.text a').evaluateAll((links) => links.map((link) => [link.textContent, link.target])), [['good', '_blank']]);
  assert.equal(await page.locator('.text ol').getAttribute('start'), '7');
  assert.equal(await page.locator('.text p').first().getAttribute('class'), null);
  // The policy holds also in the document that is taken apart and never shown.
  for (const trouble of page.troubles.splice(0)) assert.match(trouble, /(script|style)-src-attr refuses inline of .*\/fragment\.js|^console: (Executing inline event handler|Applying inline style) violates/);
});

test('the policy of the page lets no script make markup', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/ui');
  const refused = await page.evaluate(() => new Promise((done) => setTimeout(() => {
    const tries = {
      innerHTML: () => { document.body.innerHTML = '<p>x</p>'; },
      parser: () => new DOMParser().parseFromString('<p>x</p>', 'text/html'),
      eval: () => window.eval('1'),
      policy: () => window.trustedTypes.createPolicy('another', { createHTML: (text) => text }),
    };
    done(Object.entries(tries).filter(([, run]) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    }).map(([name]) => name));
  })));
  assert.deepEqual(refused, ['innerHTML', 'parser', 'eval', 'policy']);
  assert.ok(page.troubles.length >= 4, 'they are noticed');
  page.troubles.splice(0);
});
