// What a page looks like: to people, and to those who use an assistive technology.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axeCore from 'axe-core';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../../target/browser');

/** Widths in CSS pixels: the narrowest that has to work, and a common wide one. */
const WIDTHS = [320, 1280];

/**
 * Lets axe-core look at the page and fails with its findings. `except` lists findings that are known, each as `{rule,
 * selector, reason}`: a finding is left out if its element matches the selector. One that matches nothing is an error.
 */
export async function axe(page, { except = [] } = {}) {
  // Not as a script of the page, which its Content-Security-Policy would refuse.
  await page.evaluate(axeCore.source);
  const { found, unused } = await page.evaluate(async (exceptions) => {
    const { violations } = await window.axe.run(document, { preload: false, resultTypes: ['violations'] });
    const used = new Set();
    const isKnown = (rule, target) => exceptions.some((exception, index) => {
      const element = target.length === 1 && document.querySelector(target[0]);
      const known = exception.rule === rule && element && element.matches(exception.selector);
      if (known) used.add(index);
      return known;
    });
    const found = violations.flatMap(({ id, help, nodes }) => nodes
      .filter(({ target }) => !isKnown(id, target))
      .map(({ target, html, failureSummary }) => `${id}: ${help}\n  ${target.join(' > ')}\n  ${html}\n  ${failureSummary}`));
    return { found, unused: exceptions.filter((_, index) => !used.has(index)) };
  }, except.map(({ rule, selector }) => ({ rule, selector })));
  assert.deepEqual(found, [], found.join('\n'));
  assert.deepEqual(unused, [], 'these exceptions are not needed any more');
}

/** Whether the page is wider than its window, so that one has to scroll sideways. */
export function isTooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}

/**
 * Lets axe-core look at the page in light and dark, narrow and wide, asks that nobody has to scroll sideways, and writes a picture of each
 * to `target/browser`. The page is left as it was.
 */
export async function everyLook(page, name, options) {
  await inEveryLook(page, async (look) => {
    await screenshotAs(page, `${name}-${look}`);
    assert.equal(await isTooWide(page), false, `${name} is wider than its window: ${look}`);
    await axe(page, options);
  });
}

/** Writes pictures of the page in light and dark, narrow and wide, to `target/browser`. */
export async function screenshot(page, name) {
  await inEveryLook(page, (look) => screenshotAs(page, `${name}-${look}`));
}

async function inEveryLook(page, visit) {
  const before = page.viewportSize();
  const wasDark = await page.evaluate(() => window.matchMedia('(prefers-color-scheme: dark)').matches);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: before.height });
      await visit(`${colorScheme}-${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: wasDark ? 'dark' : 'light' });
  await page.setViewportSize(before);
}

async function screenshotAs(page, name) {
  mkdirSync(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true, animations: 'disabled' });
}
