// The page `/`.

import assert from 'node:assert/strict';
import { everyLook, test } from './harness.js';

test('the first page leads to the others', async ({ start, open }) => {
  const server = await start();
  const page = await open(server, '/');
  await everyLook(page, 'index');
  await page.getByRole('link', { name: 'Requests of a cluster' }).click();
  await page.getByLabel('Cluster ID').waitFor();
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('heading', { name: 'gathering' }).waitFor();
  for (const name of ['OpenAPI document', 'What runs here']) {
    const href = await page.getByRole('link', { name }).getAttribute('href');
    const answer = await page.request.get(new URL(href, page.url()).href);
    assert.equal(answer.status(), 200, href);
  }
});

test('without pages it is a plain one', async ({ start, open }) => {
  const server = await start({ set: { 'ui.enabled': 'false' } });
  const page = await open(server, '/');
  assert.deepEqual(await page.getByRole('link').allTextContents(), ['OpenAPI document', 'What runs here']);
  await everyLook(page, 'index-plain');
});
