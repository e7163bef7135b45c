// Pages of the browser that notice everything that a page of ours must not do.

import { chromium } from 'playwright-core';

// Longer than anything takes on a busy machine; what hangs fails its test.
const PATIENCE = 30_000;

/** Starts the browser. Names other than this machine's address lead nowhere. */
export function launch() {
  const executablePath = process.env.GATHERING_CHROMIUM;
  if (!executablePath) throw new Error('GATHERING_CHROMIUM names no browser: run the tests with `make test-browser`');
  return chromium.launch({
    executablePath,
    // The sandbox is for other users than root only.
    chromiumSandbox: process.getuid() !== 0,
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-dev-shm-usage'],
  });
}

/**
 * Opens an address in a page of its own: nothing is shared with other pages, cookies and storage included. The page and a
 * list are returned: the list gets a text for each violation of the Content-Security-Policy, error of scripts or of the
 * console, resource that did not come, and request to anywhere but `origin`. What calls of scripts (`fetch`) are answered is
 * theirs to handle and no trouble.
 */
export async function open(browser, origin, path, { width = 1280, height = 800, scheme = 'light', reducedMotion = 'reduce', timezoneId = 'UTC', javaScriptEnabled = true, status = 200 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion, timezoneId, javaScriptEnabled, locale: 'en-GB' });
  context.setDefaultTimeout(PATIENCE);
  const troubles = [];
  await context.exposeBinding('reportViolation', (_, violation) => troubles.push(`Content-Security-Policy: ${violation}`));
  await context.addInitScript(() => {
    // Taken at once, before a script of the page could put something in its place.
    const report = window.reportViolation;
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber, sample }) => {
      report(`${violatedDirective} refuses ${blockedURI} of ${sourceFile}:${lineNumber} ${sample}`);
    });
  });
  const page = await context.newPage();
  watch(page, origin, troubles);
  const answer = await page.goto(origin + path);
  if (answer.status() !== status) throw new Error(`${path} is answered with ${answer.status()}`);
  return { page, troubles };
}

function watch(page, origin, troubles) {
  page.on('pageerror', (error) => troubles.push(`error: ${error.stack ?? error}`));
  page.on('crash', () => troubles.push('the page crashed'));
  page.on('popup', (popup) => troubles.push(`a window was opened: ${popup.url()}`));
  page.on('console', (message) => {
    // Those that did not load are judged below, where it is known what they were for.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) troubles.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    // What lies within the page itself.
    if (url.startsWith('data:') || url.startsWith('blob:')) return;
    if (new URL(url).origin !== origin) troubles.push(`a request to ${url}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && isPartOfPage(response.request())) troubles.push(`${response.status()} for ${response.url()}`);
  });
  page.on('requestfailed', (request) => {
    // What is still on its way when a page is left, such as its icon, is given up.
    if (isPartOfPage(request) && request.failure()?.errorText !== 'net::ERR_ABORTED') troubles.push(`${request.failure()?.errorText} for ${request.url()}`);
  });
}

/** Whether it is a script, style sheet, picture or the like, not a call of a script or the page itself. */
function isPartOfPage(request) {
  return !['fetch', 'xhr', 'document'].includes(request.resourceType());
}
