// A report as HTML, taken apart. What comes from the service is harmless already; this makes sure of it once more, and is the only
// place where text becomes markup: a document of its own, in which nothing runs, and of which known elements are copied.

import { Problem } from './api.js';
import { el } from './dom.js';

/** The elements of rendered Markdown that are copied; of others what is in them. */
const ELEMENTS = new Set(['P', 'PRE', 'CODE', 'BLOCKQUOTE', 'UL', 'OL', 'LI', 'EM', 'STRONG', 'DEL', 'BR', 'HR', 'H3', 'H4', 'H5', 'H6', 'A']);

/** Elements whose content is no text to read. */
const LEFT_OUT = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'NOSCRIPT', 'IFRAME', 'OBJECT', 'TITLE', 'TEXTAREA']);

/** Deeper than what the service writes. */
const MAX_DEPTH = 64;

const policy = window.trustedTypes?.createPolicy('report', { createHTML: (text) => text });

/** What the report of this request says: `{state, reason, hits}`, each hit `{risk, rule, key, description}` with nodes to show. */
export function readReport(html, cluster, request) {
  const parsed = new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html');
  const main = parsed.querySelector('main');
  if (main?.dataset.cluster !== cluster || main.dataset.request !== request) throw new Problem('strange');
  const hits = [...main.querySelectorAll(':scope > section[data-risk]')].map((section) => ({
    risk: Number(section.dataset.risk),
    rule: section.dataset.rule,
    key: section.dataset.key,
    description: copied(section.querySelector(':scope > div'), 0),
  }));
  const reason = main.querySelector(':scope > [data-reason]')?.textContent ?? null;
  return { state: main.dataset.state, reason, hits };
}

/** The known elements and all texts within a node. */
function copied(node, depth) {
  const kept = [];
  for (const child of node?.childNodes ?? []) {
    if (child.nodeType === Node.TEXT_NODE) kept.push(child.data);
    if (child.nodeType !== Node.ELEMENT_NODE || LEFT_OUT.has(child.tagName)) continue;
    const within = depth < MAX_DEPTH ? copied(child, depth + 1) : [child.textContent];
    const attributes = ELEMENTS.has(child.tagName) ? attributesOf(child) : null;
    kept.push(...(attributes ? [el(child.tagName.toLowerCase(), attributes, within)] : within));
  }
  return kept;
}

/** The attributes that an element keeps; null for a link that leads nowhere good. */
function attributesOf(element) {
  if (element.tagName === 'OL') return { start: Number.parseInt(element.getAttribute('start'), 10) || null };
  if (element.tagName !== 'A') return {};
  const href = element.getAttribute('href') ?? '';
  const isGood = /^(https?:\/\/|mailto:)/i.test(href) && URL.canParse(href);
  return isGood ? { href, rel: 'noopener noreferrer nofollow', target: '_blank' } : null;
}
