// A real HAProxy on a free port, with the configuration that deploy/ has for three gateways.

import assert from "node:assert/strict";
import { join } from "node:path";
import { freePort, start } from "./process.js";
import { until } from "./until.js";

const configuration = join(import.meta.dirname, "..", "..", "deploy", "haproxy.cfg");

export class HAProxy {
  #process;
  #log = "";

  static async start(gateways) {
    assert.equal(gateways.length, 3, "the configuration is for three gateways");
    const proxy = new HAProxy();
    const address = `127.0.0.1:${await freePort()}`;
    proxy.origin = `http://${address}`;
    proxy.webSocketURL = `ws://${address}/graphql`;
    const [a, b, c] = gateways.map((gateway) => new URL(gateway.origin).host);
    const env = { ...process.env, LISTEN: address, SLUICE_A: a, SLUICE_B: b, SLUICE_C: c };
    const path = `${process.env.PATH}:/usr/sbin`; // where Debian has it, and users do not look
    proxy.#process = start("haproxy", ["-db", "-f", configuration], {
      env: { ...env, PATH: path },
      onOutput: (text) => (proxy.#log += text),
    });
    let ended;
    proxy.#process.ended.then((how) => (ended = how));
    await until("haproxy answers", async () => {
      if (ended !== undefined) {
        throw new Error(`haproxy ended (${ended}); on Debian, apt-get install haproxy\n${proxy.#log}`);
      }
      const answer = await fetch(proxy.origin).catch(() => null);
      await answer?.body?.cancel();
      return answer;
    });
    return proxy;
  }

  /** Waits until it says of the gateway with that index, since the last call, that it is UP or DOWN. */
  async says(index, what) {
    const line = `Server sluice/${"abc"[index]} is ${what}`;
    await until(`haproxy says: ${line}`, () => this.#log.includes(line), { state: () => this.#log });
    this.#log = "";
  }

  async stop() {
    this.#process.child.kill("SIGKILL");
    await this.#process.ended;
  }
}
