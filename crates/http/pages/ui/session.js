// The token, which stays in this tab: it is in no address, no attribute and nothing that other tabs or later visits see.

const KEY = 'gathering.token';

/** Whether callers say with a token who they are; otherwise something in front of the service says it. */
export const needsToken = document.documentElement.dataset.auth === 'token';

// Where the browser keeps nothing at all, the token is gone with the next load of the page.
let inMemory = null;

export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? inMemory;
  } catch {
    return inMemory;
  }
}

export function remember(text) {
  inMemory = text;
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // It is in memory.
  }
}

export function forget() {
  inMemory = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There is nothing to forget.
  }
}
