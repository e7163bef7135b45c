// The token, which stays in this tab: no address, no attribute, no other tab and no later visit has it.

const KEY = 'gathering.token';

/** Whether callers say with a token who they are; otherwise something in front of the service says it. */
export const needsToken = document.documentElement.dataset.auth === 'token';

// Where the browser keeps nothing, the token is gone with the next load.
let inMemory = null;

function inTab(use) {
  try {
    return use(sessionStorage);
  } catch {
    return null;
  }
}

export function token() {
  return inTab((storage) => storage.getItem(KEY)) ?? inMemory;
}

export function remember(text) {
  inMemory = text;
  inTab((storage) => storage.setItem(KEY, text));
}

export function forget() {
  inMemory = null;
  inTab((storage) => storage.removeItem(KEY));
}
