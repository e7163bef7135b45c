// Shows the OpenAPI document with Swagger UI, and sends what is in the field at the top with the calls that are tried. It is
// kept in this page alone: another tab, or this one after it was loaded again, does not have it.
'use strict';

(() => {
  const { api, auth } = document.documentElement.dataset;
  // A page that the browser kept alive would have the credential yet.
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());

  // How callers say who they are: the scheme in the document, and what the field is called. With others there is no field.
  const CREDENTIALS = {
    token: {
      scheme: 'bearerToken',
      label: 'Token',
      hint: 'Whoever runs the service makes one with “gathering token --org N”; the demo prints one. It is sent with each call that you try, stays in this page, and is gone when you leave it.',
    },
    'identity-header': {
      scheme: 'identityHeader',
      label: 'x-rh-identity',
      hint: 'The gateway puts this header in. To try calls without one, put in an identity in base64. It stays in this page and is gone when you leave it.',
    },
  };

  // What is said where there is none to enter.
  const WITHOUT = {
    'client-certificate': 'Callers are known by a certificate: calls that you try are sent with the one that your browser has for this service.',
    none: 'Nobody is asked who calls. Calls that you try need no token.',
  };

  // What of Swagger UI is shown in another way, or not at all: the title and the field above it take the place of its own, and
  // a path within a button is a text, since nobody can press a link there.
  const ourParts = ({ React }) => {
    const nothing = () => () => null;
    // The line to copy may be sent to somebody, and stays when the field is emptied.
    const withoutCredential = (headers) => headers?.map((value, name) => {
      if (/^authorization$/i.test(name)) return 'Bearer <token>';
      return /^x-rh-identity$/i.test(name) ? '<identity>' : value;
    });
    return {
      wrapComponents: {
        InfoContainer: nothing,
        authorizeBtn: nothing,
        authorizeOperationBtn: nothing,
        curl: (Curl) => ({ request, ...props }) =>
          React.createElement(Curl, { ...props, request: request.update('headers', withoutCredential) }),
        DeepLink: () => ({ text }) => React.createElement('span', null, text),
      },
    };
  };

  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const followScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
  dark.addEventListener('change', followScheme);
  followScheme();

  nameWhatHasNoName(document.getElementById('swagger-ui'));
  const ui = window.SwaggerUIBundle({
    dom_id: '#swagger-ui',
    url: `${api}openapi.json`,
    presets: [window.SwaggerUIBundle.presets.apis],
    plugins: [ourParts],
    deepLinking: true,
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    persistAuthorization: false,
    queryConfigEnabled: false,
    validatorUrl: 'none',
    onComplete: () => (CREDENTIALS[auth] ? offerField(CREDENTIALS[auth]) : explain(WITHOUT[auth])),
  });

  function explain(text) {
    const form = document.getElementById('credential');
    form.querySelector('label').hidden = true;
    document.getElementById('credential-value').hidden = true;
    document.getElementById('credential-hint').textContent = text;
    form.hidden = false;
  }

  function offerField(credential) {
    const form = document.getElementById('credential');
    if (!form.hidden) return;
    const input = document.getElementById('credential-value');
    form.querySelector('label').textContent = credential.label;
    document.getElementById('credential-hint').textContent = credential.hint;
    form.addEventListener('submit', (event) => event.preventDefault());
    let isSent = false;
    const take = () => {
      // What was copied may have the header's first word, and the end of its line.
      const value = input.value.replace(/^\s*Bearer\s/i, '').replace(/\s/g, '');
      if (isSent) ui.authActions.logout([credential.scheme]);
      if (value) ui.preauthorizeApiKey(credential.scheme, value);
      isSent = value !== '';
    };
    input.addEventListener('input', take);
    form.hidden = false;
    // Browsers may put in again what was there before the page was loaded anew.
    take();
  }

  // Swagger UI leaves out what an assistive technology needs: names of buttons with a picture alone, of fields for bodies and
  // of regions that there are several of, and a way to scroll by keyboard.
  function nameWhatHasNoName(root) {
    const name = (selector, text) => {
      for (const element of root.querySelectorAll(`${selector}:not([aria-label])`)) element.setAttribute('aria-label', text(element));
    };
    const operation = (element) => element.closest('.opblock').querySelector('.opblock-summary-path').textContent;
    const method = (element) => element.closest('.opblock').querySelector('.opblock-summary-method').textContent;
    const mend = () => {
      name('.copy-to-clipboard > button', () => 'Copy');
      name('.body-param__text', (element) => `Body of ${method(element)} ${operation(element)}`);
      name('.responses-table[role]', (element) => `Responses of ${method(element)} ${operation(element)}`);
      for (const block of root.querySelectorAll('pre:not([tabindex])')) block.tabIndex = 0;
    };
    new MutationObserver(mend).observe(root, { childList: true, subtree: true });
  }
})();
