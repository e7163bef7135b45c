// Starts a server and lets Schemathesis loose on it: the same calls each time.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { start } from '../browser/harness/server.js';

// Longer than it takes on a busy machine.
const PATIENCE = 900_000;
const ORGANIZATION = 42;

// No call has to wait longer than this, since many ask to wait for requests that never come.
const server = await start({ set: { 'wait.max': '20ms' }, content: [{ hit: 'rules.disk|FULL', text: 'A disk is nearly full.', risk: 4 }] });
// It keeps files of its own where it runs.
const folder = mkdtempSync(join(tmpdir(), 'gathering-openapi-'));
try {
  // The request of the document's examples, so that some calls find one.
  const { paths } = await (await fetch(`${server.url}/openapi.json`)).json();
  const { parameters } = paths['/cluster/{clusterID}/request/{requestID}/report'].get;
  const [cluster, request] = ['clusterID', 'requestID'].map((name) => parameters.find((parameter) => parameter.name === name).example);
  await server.postResult(ORGANIZATION, cluster, request, { hits: ['rules.disk|FULL', 'rules.unknown|KEY'] });

  const options = [
    'run', `${server.url}/openapi.json`,
    '--header', `Authorization: Bearer ${server.token(ORGANIZATION, { scope: 'read write' })}`,
    '--checks', 'all', '--continue-on-failure', '--max-examples', '100', '--request-timeout', '60',
    '--generation-deterministic',
    // What its health checks look at is how fast this machine is.
    '--suppress-health-check', 'all',
    '--no-color',
  ];
  const run = spawnSync(resolve(process.env.SCHEMATHESIS), options, { cwd: folder, stdio: 'inherit', timeout: PATIENCE });
  if (run.error) throw run.error;
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
}
