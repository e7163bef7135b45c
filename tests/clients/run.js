// Starts a server with requests in every state and runs a command against it. The command finds in its environment the URL, the
// cluster and tokens: GATHERING_URL, GATHERING_CLUSTER, GATHERING_TOKEN_READER and the others below.
//
// usage: node run.js COMMAND [ARGUMENT…]

import { spawnSync } from 'node:child_process';
import { CLUSTER } from '../browser/harness/data.js';
import { start } from '../browser/harness/server.js';

// Longer than any command takes on a busy machine.
const PATIENCE = 300_000;
const ORGANIZATION = 7;

const server = await start({ content: [{ hit: 'rules.disk|FULL', text: 'A disk is nearly full.', risk: 4 }] });
try {
  await server.postResult(ORGANIZATION, CLUSTER, 'processed', { hits: ['rules.disk|FULL'] });
  await server.postResult(ORGANIZATION, CLUSTER, 'failed', { failed: true });
  await server.announce(ORGANIZATION, CLUSTER, 'received');
  const env = {
    ...process.env,
    GATHERING_URL: server.url,
    GATHERING_CLUSTER: CLUSTER,
    GATHERING_TOKEN_READER: server.token(ORGANIZATION),
    GATHERING_TOKEN_WRITER: server.token(ORGANIZATION, { scope: 'read write' }),
    GATHERING_TOKEN_EXPIRED: server.token(ORGANIZATION, { lifetime: -3600 }),
    GATHERING_TOKEN_OTHER_ORGANIZATION: server.token(ORGANIZATION + 1),
    GATHERING_TOKEN_OTHER_CLUSTER: server.token(ORGANIZATION, { cluster: '6d5892d3-1f74-4ccf-91af-548dfc9767aa' }),
  };
  const [command, ...more] = process.argv.slice(2);
  const run = spawnSync(command, more, { env, stdio: 'inherit', timeout: PATIENCE });
  if (run.error) throw run.error;
  process.exitCode = run.status ?? 1;
} finally {
  await server.stop();
}
