// What tests of pages start from: a server and pages of their own, gone when the test is over.

import assert from 'node:assert/strict';
import { after, test as plainTest } from 'node:test';
import { launch, open } from './harness/page.js';
import { start } from './harness/server.js';

export { CLUSTER, announcement, result } from './harness/data.js';
export { axe, everyLook, isTooWide, screenshot } from './harness/looks.js';

// Longer than any test takes on a machine that does much else.
const PATIENCE = 600_000;

let browser;

/** One browser for all tests of a file; its pages share nothing. */
async function sharedBrowser() {
  browser ??= launch();
  return browser;
}

after(async () => (await browser)?.close());

/**
 * A test. `run` is given `start(options)`, which starts a server (`harness/server.js`), and `open(server, path, options)`, which
 * opens a page of it (`harness/page.js`). The test fails if a page of it did anything that pages must not do, unless it
 * has taken that out of `page.troubles`.
 */
export function test(name, run) {
  plainTest(name, { timeout: PATIENCE }, async () => {
    const servers = [];
    const pages = [];
    const tools = {
      async start(options) {
        const server = await start(options);
        servers.push(server);
        return server;
      },
      async open(server, path, options) {
        const { page, troubles } = await open(await sharedBrowser(), server.url, path, options);
        page.troubles = troubles;
        pages.push(page);
        return page;
      },
    };
    try {
      await run(tools);
      for (const page of pages) assert.deepEqual(page.troubles, []);
    } finally {
      await Promise.all(pages.map((page) => page.context().close()));
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
}
