// Three gateways behind HAProxy are restarted one after another, while events are published. Their clients
// are those of graphql-ws, which come back by themselves, and keep what `extensions.cursor` says last.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { webSocketClient } from "./clients/graphql-ws.js";
import { check } from "./support/check.js";
import { adminKey, authorization } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { HAProxy } from "./support/haproxy.js";
import { Redis } from "./support/redis.js";
import { stockChanged } from "./support/shop.js";
import { until } from "./support/until.js";

const products = ["1", "2"];
const clientsOfEach = 100;
const settings = [
  ["--drain-delay", "2s"], // HAProxy asks once a second
  ["--drain-window", "2s"],
  ["--retain", "stock.*=10m/1000"],
  ["--trusted-proxies", "127.0.0.1/32"],
].flat();

/** Publishes numbered events through the proxy, each until it is acknowledged, one after another. */
class Publisher {
  published = 0;
  tries = 0;
  #stopped = false;

  constructor(proxy, productId) {
    this.done = this.#run(`${proxy.origin}/publish/stock.${productId}`, productId);
    this.done.catch(() => {}); // until somebody asks
  }

  async #run(url, productId) {
    for (; !this.#stopped; await pause(20)) {
      const number = this.published + 1;
      const headers = { "Content-Type": "application/json", "Idempotency-Key": `${number}`, ...authorization(adminKey) };
      const event = { productId, stock: number, revision: number, changedAt: "2026-11-21T10:00:00Z" };
      this.tries++;
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.status === 204) this.published = number;
      else assert.ok(!answer || answer.status >= 500, `an event is refused with ${answer?.status}`);
    }
  }

  async stop() {
    this.#stopped = true;
    await this.done;
  }
}

/** One client of a product, which remembers where it is. */
class Subscriber {
  numbers = [];
  closes = [];

  constructor(proxy, productId) {
    this.productId = productId;
    const on = { closed: ({ code, reason }) => this.closes.push(`${code} ${reason}`) };
    const retryWait = () => pause(Math.random() * 500);
    this.client = webSocketClient(proxy, { retryAttempts: Infinity, retryWait, on });
    // The client sends this again, as it is by then, when it comes back.
    const payload = { query: stockChanged, variables: { id: productId }, extensions: { resume: true } };
    const next = ({ data, errors, extensions }) => {
      if (errors) this.ended = errors;
      else this.numbers.push(data.stockChanged.stock);
      if (extensions?.cursor) payload.extensions.resume = extensions.cursor;
    };
    this.client.subscribe(payload, {
      next,
      error: (error) => (this.ended = error),
      complete: () => (this.ended ??= "complete"),
    });
  }
}

describe("three gateways behind HAProxy, restarted one after another", () => {
  let redis;
  let proxy;
  let publishers = [];
  const gateways = [];
  const subscribers = [];
  before(async () => {
    redis = await Redis.start();
    for (let i = 0; i < 3; i++) gateways.push(await Gateway.start(redis, ...settings));
    proxy = await HAProxy.start(gateways);
    for (const productId of products) {
      for (let i = 0; i < clientsOfEach; i++) subscribers.push(new Subscriber(proxy, productId));
    }
    await membersOf(gateways);
  });
  after(async () => {
    for (const publisher of publishers) await publisher.stop();
    for (const { client } of subscribers) await client.dispose();
    await proxy?.stop();
    for (const gateway of gateways) await gateway.discard();
    await redis?.stop();
  });

  /** Waits until these gateways have all clients between them. */
  const membersOf = async (some) => {
    let stats;
    await until(
      "all clients have subscribed",
      async () => {
        stats = await Promise.all(some.map((gateway) => gateway.stats()));
        const members = stats.reduce((sum, { members }) => sum + members, 0);
        return members === subscribers.length && stats.every(({ starting }) => starting === 0);
      },
      { state: () => JSON.stringify([stats.map(({ members }) => members), subscribers.find(({ ended }) => ended)?.ended]) },
    );
    return stats.map(({ members }) => members);
  };

  check("HAProxy gives each its share", async () => {
    for (const members of await membersOf(gateways)) {
      assert.ok(members > subscribers.length / 4 && members < subscribers.length / 2, `${members} of ${subscribers.length}`);
    }
  });

  check("everybody comes back elsewhere, told by 1012, and the processes end well", async () => {
    publishers = products.map((productId) => new Publisher(proxy, productId));
    // Who has no event yet has no cursor.
    await until("everybody has an event", () => subscribers.every(({ numbers }) => numbers.length > 0));
    for (const [i, gateway] of gateways.entries()) {
      const stopping = gateway.stop();
      await proxy.says(i, "DOWN");
      assert.equal(await stopping, 0, "the exit code");
      await membersOf(gateways.filter((other) => other !== gateway));
      await gateway.start();
      await proxy.says(i, "UP");
    }
    for (const { closes, ended } of subscribers) {
      assert.equal(ended, undefined);
      assert.deepEqual(new Set(closes), new Set(["1012 Restarting"]));
    }
  });

  check("nobody has lost an event, or has one twice, or out of order", async () => {
    for (const publisher of publishers) await publisher.stop();
    const published = new Map(products.map((productId, i) => [productId, publishers[i].published]));
    await until("everybody has the last event", () =>
      subscribers.every(({ productId, numbers, ended }) => ended || numbers.at(-1) === published.get(productId)),
    );
    for (const { productId, numbers, ended } of subscribers) {
      assert.equal(ended, undefined);
      const wrong = numbers.findIndex((number, i) => number !== i + 1);
      assert.equal(wrong, -1, `after event ${wrong} came ${numbers.slice(wrong, wrong + 5)}`);
      assert.equal(numbers.length, published.get(productId));
    }
    assert.ok(Math.min(...published.values()) > 100, "there was something to lose");
  });
});
