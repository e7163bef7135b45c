// Elements, made without markup: what is shown is always text.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes (functions are listeners; null and false leave an attribute out) and children (texts, elements, null). */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for elements of SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
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
  cloud: 'M4.5 12.5a3 3 0 0 1 0-6 4 4 0 0 1 7.500 1 2.500 2.500 0 0 1 0 5zM2 2l12 12',
};

/** A sign beside a text that says the same. */
export function sign(name) {
  return svg('svg', { class: 'sign', viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' }, svg('path', { d: SIGNS[name] }));
}

/** A label, such as a state or a risk, by its kind. */
export function label(kind, text) {
  return el('span', { class: `label ${kind}` }, sign(kind), text);
}

/** Says something to those who do not see the page change. The same text twice is news if it is said `again`. */
export function tell(text, again = false) {
  const news = document.getElementById('news');
  if (news.textContent !== text) news.textContent = text;
  else if (again) news.textContent = `${text}\u00a0`;
}
