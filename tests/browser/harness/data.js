// What a server is given to show: result messages, announcements and rule content, as the pipeline writes them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A cluster for tests that need just one. */
export const CLUSTER = '5d5892d3-1f74-4ccf-91af-548dfc9767aa';

/**
 * A result message. `hits` are texts such as `rules.disk|FULL`; `failed` makes it one without a usable report; `gathered` is
 * a date. `with` replaces any attributes.
 */
export function result(organization, cluster, request, { hits = [], failed = false, gathered = new Date(), with: attributes = {} } = {}) {
  const reports = hits.map((hit) => {
    const [module, key] = hit.split('|');
    return { component: `${module}.report`, key, details: {} };
  });
  return {
    OrgID: organization,
    AccountNumber: 1,
    ClusterName: cluster,
    RequestId: request,
    LastChecked: gathered.toISOString(),
    Version: 2,
    Metadata: { gathering_time: gathered.toISOString() },
    Report: failed ? {} : { system: { metadata: {}, hostname: null }, reports, fingerprints: [], info: [] },
    ...attributes,
  };
}

/** The announcement of an upload, which makes its request a pending one. `gathered` is a date. */
export function announcement(organization, cluster, request, { gathered = new Date() } = {}) {
  const identity = { identity: { internal: { org_id: String(organization) }, system: { cluster_id: cluster } } };
  return {
    b64_identity: Buffer.from(JSON.stringify(identity)).toString('base64'),
    request_id: request,
    service: 'openshift',
    timestamp: gathered.toISOString(),
  };
}

/** Writes rule content: each of `keys` is `{hit, text, risk}`, the risk from 1 to 4. */
export function writeContent(folder, keys) {
  const write = (path, text) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('config.yaml', 'impact: {Risk1: 1, Risk2: 2, Risk3: 3, Risk4: 4}\n');
  mkdirSync(join(folder, 'internal'), { recursive: true });
  mkdirSync(join(folder, 'external'), { recursive: true });
  for (const { hit, text, risk } of keys) {
    const [module, key] = hit.split('|');
    const rule = join('external', module);
    write(join(rule, 'plugin.yaml'), `name: ${JSON.stringify(module)}\npython_module: ${JSON.stringify(module)}\n`);
    write(join(rule, key, 'generic.md'), text);
    write(join(rule, key, 'reason.md'), 'A reason.');
    const metadata = { description: `${module} ${key}`, impact: `Risk${risk}`, likelihood: risk, status: 'active', publish_date: '2026-01-01 00:00:00', tags: [] };
    write(join(rule, key, 'metadata.yaml'), JSON.stringify(metadata));
  }
}
