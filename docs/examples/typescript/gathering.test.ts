// How a client is tested against a real gathering.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const program = process.env.GATHERING_PROGRAM ?? "gathering";
const cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
// A hit that the demo's rule content knows, as critical.
const critical = "demo_rules.external.memory_pressure|NODE_MEMORY_EXHAUSTED";

/** What gathering says in its line. */
interface Line {
  api: string;
  admin: string;
  token: string;
  organization: number;
}

type State = "received" | "failed" | "processed";
interface Report {
  report: { rule_fqdn: string; error_key: string; description: string; total_risk: number }[];
}

/** A server with a database of its own. */
class Gathering {
  private constructor(
    private readonly line: Line,
    readonly stop: () => Promise<void>,
  ) {}

  /** Starts a server without any request. */
  static async start(...settings: string[]): Promise<Gathering> {
    const set = ["http.bind=127.0.0.1:0", "admin.bind=127.0.0.1:0", ...settings];
    const options = ["--json", "--until-eof", "--messages", "/dev/null", ...set.flatMap((one) => ["--set", one])];
    const child = spawn(program, ["demo", ...options], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const stop = async () => {
      // It ends with its standard input, also if this process is killed.
      child.stdin.end();
      assert.deepEqual(await ended, [0, null]);
    };
    for await (const line of createInterface(child.stdout)) {
      return new Gathering(JSON.parse(line) as Line, stop);
    }
    throw new Error(`gathering ended with ${await ended}`);
  }

  call(path: string, options: RequestInit = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.line.token}`, "Content-Type": "application/json" };
    return fetch(this.line.api + path, { ...options, headers });
  }

  /** Prints a sample message, and takes the pipeline's part by sending it. */
  async post(kind: "result" | "announcement", ...sample: string[]): Promise<void> {
    const options = ["--org", String(this.line.organization), "--cluster", cluster, ...sample];
    const body = execFileSync(program, ["sample", kind, ...options], { encoding: "utf8" });
    const answer = await this.call(`/ingest/${kind}s`, { method: "POST", body });
    assert.equal(answer.status, 200);
    const { stored, failed } = await answer.json() as { stored: number; failed: number };
    assert.equal(stored + failed, 1);
  }

  /** What a client polls: the state of a request, nothing for one that is not known. */
  async status(request: string): Promise<State | undefined> {
    const answer = await this.call(`/cluster/${cluster}/request/${request}/status`);
    const body = await answer.json() as { status: State };
    return answer.status === 404 ? undefined : body.status;
  }

  /** Polls until a request has this state. */
  async until(request: string, state: State | undefined): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
      if ((await this.status(request)) === state) {
        return;
      }
    }
    assert.fail(`${request} never was ${state}`);
  }

  async report(request: string): Promise<Report> {
    return await (await this.call(`/cluster/${cluster}/request/${request}/report`)).json() as Report;
  }
}

test("a report is there once its request is processed", async (t) => {
  const server = await Gathering.start();
  t.after(server.stop);
  assert.equal(await server.status("abc"), undefined);
  await server.post("announcement", "--request", "abc");
  await server.until("abc", "received");

  await server.post("result", "--request", "abc", "--hit", critical);
  await server.until("abc", "processed");
  const { report } = await server.report("abc");
  assert.deepEqual(report.map((hit) => hit.total_risk), [4]);
});

test("a request that failed", async (t) => {
  const server = await Gathering.start();
  t.after(server.stop);
  await server.post("result", "--request", "abc", "--failed");
  await server.until("abc", "failed");
});

test("a request that expires", async (t) => {
  const server = await Gathering.start("storage.retention=2s");
  t.after(server.stop);
  await server.post("result", "--request", "abc");
  await server.until("abc", undefined);
});
