// Copying what is shown.

import { el, tell } from './dom.js';

/** A text as code, with a button that copies it. `what` says what it is. */
export function copyable(text, what) {
  const code = el('code', { dir: 'auto' }, text);
  const copy = async () => {
    const done = await copied(code, text);
    button.textContent = done ? 'Copied' : 'Selected';
    tell(done ? `${what} copied` : `${what} selected: copy it with Ctrl and C, or Command and C`, true);
    setTimeout(() => { button.textContent = 'Copy'; }, 3000);
  };
  const button = el('button', { class: 'button small', type: 'button', 'aria-label': `Copy ${what}`, click: copy }, 'Copy');
  return el('span', { class: 'copyable' }, code, button);
}

/** Whether the text was copied. Without TLS there is no clipboard: then it is selected. */
async function copied(code, text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return false;
  }
}
