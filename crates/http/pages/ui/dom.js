// Elements, made without markup: what is shown is always text.

const OF_SVG = ['svg', 'path', 'line', 'circle', 'text', 'title'];

/** An element with attributes (functions listen; null and false are left out) and children (texts, elements, null). */
export function el(name, attributes = {}, ...children) {
  const element = document.createElementNS(`http://www.w3.org/${OF_SVG.includes(name) ? '2000/svg' : '1999/xhtml'}`, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (isThere(value)) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter(isThere));
  return element;
}

const isThere = (value) => value !== null && value !== undefined && value !== false;

/** Replaces all children but the first, which keeps the focus. */
export function replaceRest(element, ...children) {
  while (element.children.length > 1) element.lastChild.remove();
  element.append(...children);
}

/** What each sign looks like, as lines in a square of 16. */
const SIGNS = {
  critical: 'M3 8l5-5 5 5M3 13l5-5 5 5',
  important: 'M3 10l5-5 5 5',
  moderate: 'M3 6h10M3 10h10',
  low: 'M3 6l5 5 5-5',
  processed: 'M3 8.5l3.5 3.5L13 5',
  failed: 'M4 4l8 8M12 4l-8 8',
  received: 'M8 4v4l3 2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0',
  warning: 'M8 2l7 12H1zM8 6.5v3M8 11.5v.5',
  search: 'M11 7A4 4 0 1 1 3 7a4 4 0 0 1 8 0M10 10l4 4',
  lock: 'M4 7.5h8v6H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2',
  cloud: 'M4.5 12.5a3 3 0 0 1 0-6 4 4 0 0 1 7.5 1 2.5 2.5 0 0 1 0 5zM2 2l12 12',
};

/** A sign beside a text that says the same. */
export function sign(name) {
  return el('svg', { class: 'sign', viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' }, el('path', { d: SIGNS[name] }));
}

/** A word such as `critical`, as a text begins. */
export function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A label, such as a state or a risk, by its kind. */
export function label(kind, text = capital(kind)) {
  return el('span', { class: `label ${kind}` }, sign(kind), text);
}

/** Says something to those who do not see the page. The same text is news if it is said `again`. */
export function tell(text, again = false) {
  const news = document.getElementById('news');
  if (news.textContent !== text) news.textContent = text;
  else if (again) news.textContent = `${text}\u00a0`;
}
