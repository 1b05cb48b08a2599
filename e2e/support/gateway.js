// The real binary, with a database of its own, on free ports that it keeps over a restart.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { adminKey, authorization, configuration } from "./credentials.js";
import { folder, freePort, start } from "./process.js";
import { until, within } from "./until.js";

let built = process.env.SLUICE_BIN;

// The file stays, so that only the first of the test files, or none, has something to link.
function binary() {
  if (!built) {
    const target = join(import.meta.dirname, "..", ".build", "sluice");
    execFileSync("go", ["build", "-o", target, "./cmd/sluice"], {
      cwd: join(import.meta.dirname, "..", ".."),
      stdio: ["ignore", "inherit", "inherit"],
    });
    built = target; // one that could not be built leaves an old one there
  }
  return built;
}

const running = new Set();

/** What the gateways of this test file wrote since the last call. */
export function takeLogs() {
  return [...running].map((gateway) => `--- log of ${gateway.origin}\n${gateway.takeLog()}`).join("");
}

export class Gateway {
  #process;
  #args;
  #ended; // how the process ended, once it has
  #log = "";

  /** `settings` are more flags. Without a Redis its events stay in the process. */
  static async start(redis, ...settings) {
    const gateway = new Gateway();
    const [port, operatorPort] = [await freePort(), await freePort()];
    const own = folder();
    writeFileSync(join(own, "sluice.yaml"), configuration());
    gateway.origin = `http://127.0.0.1:${port}`;
    gateway.url = `${gateway.origin}/graphql`;
    gateway.streamURL = `${gateway.url}/stream`;
    gateway.webSocketURL = `ws://127.0.0.1:${port}/graphql`;
    gateway.operator = `http://127.0.0.1:${operatorPort}`;
    gateway.renewURL = `${gateway.origin}/auth/renew`;
    gateway.#args = [
      ["--config", join(own, "sluice.yaml")],
      ["--listen", `127.0.0.1:${port}`],
      ["--operator-listen", `127.0.0.1:${operatorPort}`],
      redis ? ["--redis", redis.url] : [],
      ["--database", join(own, "sluice.db")],
      settings,
    ].flat();
    running.add(gateway);
    await gateway.start();
    return gateway;
  }

  async start() {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_"));
    this.#ended = undefined;
    this.#process = start(binary(), this.#args, {
      env: { ...Object.fromEntries(inherited), SLUICE_DRAIN_DELAY: "0s", SLUICE_DRAIN_WINDOW: "200ms" },
      onOutput: (text) => (this.#log += text),
    });
    this.#process.ended.then((how) => (this.#ended = how));
    await until("the gateway is ready", async () => {
      if (this.#ended !== undefined) throw new Error(`the gateway ended at its start (${this.#ended})\n${this.#log}`);
      const answer = await fetch(`${this.origin}/readyz`).catch(() => null);
      await answer?.body?.cancel();
      return answer?.status === 200;
    });
  }

  takeLog() {
    const taken = this.#log;
    this.#log = "";
    return taken;
  }

  /** SIGTERM, as an operator would; resolves to the exit code. */
  async stop() {
    if (this.#ended === undefined) this.#process.child.kill("SIGTERM");
    return within("the gateway ends after SIGTERM", this.#process.ended);
  }

  /** SIGKILL; it may be started again. */
  async kill() {
    this.#process.child.kill("SIGKILL");
    await this.#process.ended;
  }

  /** The end of its use in a test file. */
  async discard() {
    await this.kill();
    running.delete(this);
  }

  /** An operation by plain fetch; resolves to the answer. */
  post(query, { variables, token, accept = "application/json", signal } = {}) {
    const headers = { "Content-Type": "application/json", Accept: accept, ...authorization(token) };
    return fetch(this.url, { method: "POST", headers, body: JSON.stringify({ query, variables }), signal });
  }

  /** What the back end does, over plain HTTP; resolves to the data. */
  async execute(query, variables, token = adminKey) {
    const answer = await this.post(query, { variables, token });
    const { data, errors } = await answer.json();
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }

  /** POST /publish; resolves when the gateway has the event. `key` is the event's Idempotency-Key. */
  async publish(topic, event, key) {
    const headers = { "Content-Type": "application/json", ...authorization(adminKey) };
    if (key) headers["Idempotency-Key"] = key;
    const body = JSON.stringify(event);
    const answer = await fetch(`${this.origin}/publish/${topic}`, { method: "POST", headers, body });
    assert.equal(answer.status, 204, await answer.text());
  }

  async stats() {
    const answer = await fetch(`${this.operator}/stats`);
    assert.equal(answer.status, 200, "the operators' /stats");
    return answer.json();
  }

  /** Waits until so many operations are subscribed, at the broker too. */
  async members(count, options) {
    let stats;
    await until(
      `the gateway has ${count} member(s)`,
      async () => {
        stats = await this.stats();
        assert.equal(typeof stats.starting, "number", "/stats tells `starting`");
        return stats.members === count && stats.starting === 0;
      },
      { ...options, state: () => JSON.stringify(stats) },
    );
  }

  /** Waits until no client is connected any more. */
  async quiet() {
    let stats;
    await until(
      "the gateway has no sessions and no members",
      async () => {
        stats = await this.stats();
        return stats.sessions === 0 && stats.members === 0;
      },
      { state: () => JSON.stringify(stats) },
    );
  }
}
