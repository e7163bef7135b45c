// Tokens, signed with the secret of one test.

import { createHmac } from 'node:crypto';

/**
 * A token of `organization`. `scope` is its words, `cluster` binds it, `lifetime` is in seconds and may be negative, which
 * makes an expired one.
 */
export function mint(secret, organization, { scope = 'read', cluster, lifetime = 3600 } = {}) {
  const claims = { org_id: organization, scope, exp: Math.floor(Date.now() / 1000) + lifetime };
  if (cluster) claims.cluster_id = cluster;
  const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
