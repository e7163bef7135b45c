// The real program, on free ports, with a SQLite file of its own in a temporary folder.

import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { announcement, result, writeContent } from './data.js';
import { mint } from './token.js';

// Longer than any start or stop takes; what hangs fails its test.
const PATIENCE = 60_000;

const ADDRESSES = /answering on (https?:\/\/[^\s,"]+), admin on (https?:\/\/[^\s,"]+)/;

const OF_SURROUNDINGS = /^(GATHERING.*|RUST_LOG|ACG_CONFIG|SSL_CERT_FILE|SSL_CERT_DIR)$/;

/**
 * Starts a server and waits until it answers. `set` has settings, such as `{'ui.enabled': 'false'}`, values as `--set` takes
 * them; `content` is rule content, as `writeContent` has it.
 */
export async function start({ set = {}, content = [] } = {}) {
  const server = new Server(set);
  try {
    if (content.length > 0) server.importContent(content);
    await server.serve();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

// What still runs when a test was ended before it could stop its servers.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

class Server {
  /** Where the API answers, such as `http://127.0.0.1:40123`. */
  url;
  /** Where probes and metrics answer. */
  admin;
  #folder = mkdtempSync(join(tmpdir(), 'gathering-browser-'));
  #secret = randomBytes(32).toString('hex');
  #settings;
  #process;
  #ended;
  #log = '';
  #contents = 0;

  constructor(set) {
    writeFileSync(join(this.#folder, 'hmac.key'), this.#secret);
    const settings = {
      'auth.keys.hmac_secret_file': 'hmac.key',
      'storage.url': 'sqlite://test.db',
      'http.bind': '127.0.0.1:0',
      'admin.bind': '127.0.0.1:0',
      'http.shutdown_delay': '0s',
      'log.filter': 'info',
      ...set,
    };
    this.#settings = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  }

  async serve() {
    this.#process = spawn(program(), ['serve', ...this.#settings], { ...this.#surroundings(), stdio: ['ignore', 'ignore', 'pipe'] });
    const child = this.#process;
    running.add(child);
    child.once('close', () => running.delete(child));
    this.#ended = new Promise((done) => child.once('close', done).once('error', done));
    const answering = new Promise((done) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        this.#log += `${line}\n`;
        const found = ADDRESSES.exec(line);
        if (found) done(found);
      });
    });
    const found = await within(Promise.race([answering, this.#ended]));
    if (!Array.isArray(found)) throw new Error(`the server does not answer: ${this.#log}`);
    [, this.url, this.admin] = found;
  }

  /** What it wrote to its log so far. */
  get log() {
    return this.#log;
  }

  /** A token of the organization; `mint` in `token.js` says what options there are. */
  token(organization, options) {
    return mint(this.#secret, organization, options);
  }

  /** Replaces the rule content with `keys`, as `writeContent` has them. */
  importContent(keys) {
    const folder = `content${++this.#contents}`;
    writeContent(join(this.#folder, folder), keys);
    const imported = spawnSync(program(), ['import', 'content', folder, ...this.#settings], { ...this.#surroundings(), encoding: 'utf8', timeout: PATIENCE });
    if (imported.status !== 0) throw new Error(`the rule content is refused: ${imported.stderr}${imported.error ?? ''}`);
  }

  /** Posts the result of a request; `result` in `data.js` says what options there are. */
  postResult(organization, cluster, request, options) {
    return this.post('/ingest/results', result(organization, cluster, request, options));
  }

  /** Posts the announcement of a request, which is pending until its result comes. */
  announce(organization, cluster, request, options) {
    return this.post('/ingest/announcements', announcement(organization, cluster, request, options));
  }

  /** Posts one message; whatever becomes of it but being recorded is an error. */
  async post(path, message) {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${this.token(1, { scope: 'write:any' })}` };
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(this.url + path, { method: 'POST', headers, body: JSON.stringify(message), signal });
    const body = await answer.json();
    if (answer.status !== 200 || body.stored + body.failed !== 1) throw new Error(`${answer.status} ${JSON.stringify(body)}`);
  }

  /** Stops it and starts it anew with what it has recorded, on other ports. */
  async restart() {
    await this.#end();
    await this.serve();
  }

  /** Stops it, if it runs, and removes what it wrote. */
  async stop() {
    try {
      if (this.#process) await this.#end();
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #end() {
    this.#process.kill('SIGTERM');
    await within(this.#ended).catch((error) => {
      this.#process.kill('SIGKILL');
      throw error;
    });
  }

  #surroundings() {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_SURROUNDINGS.test(name)));
    return { cwd: this.#folder, env };
  }
}

/** The program that is tested, which `make test-browser` names. */
function program() {
  if (!process.env.GATHERING_PROGRAM) throw new Error('GATHERING_PROGRAM names no program: run the tests with `make test-browser`');
  return resolve(process.env.GATHERING_PROGRAM);
}

async function within(promise) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`nothing happened within ${PATIENCE} ms`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
