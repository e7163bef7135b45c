// Calls a running server through openapi-fetch, with the types that openapi-typescript made of docs/openapi.json.
//
// What runs where, and with which tokens, say the variables that tests/clients/run.js sets.

import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

declare const process: { env: Record<string, string | undefined>; exitCode: number };

type State = components['schemas']['State'];

const variable = (name: string): string => process.env[`GATHERING_${name}`] ?? fail(`no GATHERING_${name}`);
const clusterID = variable('CLUSTER');

function fail(why: unknown): never {
  throw new Error(typeof why === 'string' ? why : JSON.stringify(why));
}

function equal(found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) fail({ found, expected });
}

/** A client with the token of this name, or with none. */
function client(name?: string) {
  const headers = name === undefined ? {} : { Authorization: `Bearer ${variable(`TOKEN_${name}`)}` };
  return createClient<paths>({ baseUrl: variable('URL'), headers });
}

const reader = client('READER');
const STATUS = '/cluster/{clusterID}/request/{requestID}/status';
const REPORT = '/cluster/{clusterID}/request/{requestID}/report';
const REQUESTS = '/cluster/{clusterID}/requests';

async function states(): Promise<void> {
  const expected: State[] = ['processed', 'failed', 'received'];
  for (const state of expected) {
    const { data, error } = await reader.GET(STATUS, { params: { path: { clusterID, requestID: state } } });
    if (!data) fail(error);
    equal([data.cluster, data.requestID, data.status, data.reason !== undefined], [clusterID, state, state, state === 'failed']);
  }
}

async function lists(): Promise<void> {
  const all = await reader.GET(REQUESTS, { params: { path: { clusterID } } });
  if (!all.data) fail(all.error);
  equal(all.data.requests.map(({ requestID, status }) => requestID === status), [true, true, true]);
  equal(all.data.truncated, undefined);

  const selected = await reader.POST(REQUESTS, { params: { path: { clusterID } }, body: ['never', 'processed'] });
  if (!selected.data) fail(selected.error);
  const [never, processed] = selected.data.requests;
  equal([never?.valid, never?.status, never?.received], [false, null, null]);
  equal([processed?.valid, typeof processed?.processed], [true, 'string']);
}

async function reports(): Promise<void> {
  const path = { clusterID, requestID: 'processed' };
  const { data, error, response } = await reader.GET(REPORT, { params: { path } });
  if (!data) fail(error);
  // The document is JSON or, for who prefers it, HTML.
  if (typeof data === 'string') fail('HTML');
  equal(data.report, [{ rule_fqdn: 'rules.disk', error_key: 'FULL', description: 'A disk is nearly full.', total_risk: 4 }]);
  const tag = response.headers.get('ETag') ?? fail('no ETag');
  const again = await reader.GET(REPORT, { params: { path, header: { 'If-None-Match': tag } } });
  equal(again.response.status, 304);
}

async function errors(): Promise<void> {
  const ask = async (name: string | undefined, requestID: string) =>
    client(name).GET(STATUS, { params: { path: { clusterID, requestID } } });
  const cases: [number, string | undefined, string][] = [
    [401, undefined, 'processed'],
    [401, 'EXPIRED', 'processed'],
    [403, 'OTHER_CLUSTER', 'processed'],
    [404, 'OTHER_ORGANIZATION', 'processed'],
    [404, 'READER', 'never'],
    [400, 'READER', 'not-an-id!'],
  ];
  for (const [expected, name, requestID] of cases) {
    const { data, error, response } = await ask(name, requestID);
    equal([response.status, data], [expected, undefined]);
    equal(typeof error?.status, 'string');
  }
  const refused = await reader.POST(REQUESTS, { params: { path: { clusterID } }, body: [''] });
  equal([refused.response.status, typeof refused.error?.status], [400, 'string']);
}

async function waiting(): Promise<void> {
  const params = { path: { clusterID, requestID: 'received' }, header: { Prefer: 'wait=1' } };
  const { data, response } = await reader.GET(STATUS, { params });
  equal([data?.status, response.headers.get('Preference-Applied')], ['received', 'wait=1']);
}

async function ingest(): Promise<void> {
  const message: components['schemas']['ResultMessage'] = {
    OrgID: 7,
    ClusterName: clusterID,
    RequestId: 'typescript1',
    LastChecked: '2026-03-01T12:00:00Z',
    Report: { system: {}, fingerprints: [], reports: [] },
  };
  const stored = await client('WRITER').POST('/ingest/results', { body: message });
  if (!stored.data) fail(stored.error);
  equal([stored.data.stored, stored.data.refusals], [1, []]);

  const lines = await client('WRITER').POST('/ingest/results', {
    body: `${JSON.stringify({ ...message, RequestId: 'typescript2' })}\n{}\n`,
    bodySerializer: (body) => body as string,
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  if (!lines.data) fail(lines.error);
  equal([lines.data.stored, lines.data.rejected, lines.data.refusals[0]?.record], [1, 1, 2]);

  const announced = await client('WRITER').POST('/ingest/announcements', { body: { request_id: 'x' } });
  equal(announced.data?.rejected, 1);
  const refused = await reader.POST('/ingest/results', { body: message });
  equal([refused.response.status, typeof refused.error?.status], [403, 'string']);
}

async function service(): Promise<void> {
  const { data, response } = await client().GET('/info', { params: { header: { 'x-rh-insights-request-id': 'typescript-1' } } });
  equal(typeof data?.info.Gathering.BuildVersion, 'string');
  equal(response.headers.get('x-rh-insights-request-id'), 'typescript-1');
}

for (const check of [states, lists, reports, errors, waiting, ingest, service]) {
  await check();
  console.log(`typescript: ${check.name}`);
}
