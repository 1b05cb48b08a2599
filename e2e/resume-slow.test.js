// A client that does not read for a while: what is kept waits for it in the log, and not in the gateway.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe } from "node:test";
import { WebSocket } from "ws";
import { check } from "./support/check.js";
import { Gateway } from "./support/gateway.js";
import { stockEvent } from "./support/shop.js";
import { until } from "./support/until.js";

const events = 2000;
const readers = 20;

/** A product whose description makes a result of 1 KiB. */
const large = (id) => ({
  id,
  name: "a large one",
  description: "x".repeat(1000),
  category: "tests",
  price: "1.00",
  currency: "EUR",
  stock: 1,
  revision: 1,
  updatedAt: "2026-11-21T10:00:00Z",
});

const query = 'subscription { stockChanged(productId: "1") { stock product { description } } }';

describe("readers that stand still", () => {
  let gateway;
  before(async () => (gateway = await Gateway.start(undefined, "--retain", "stock.*=10m/5000")));
  after(() => gateway?.discard());

  /** Subscribes over a bare WebSocket, and keeps what arrives. */
  const subscribe = async (extensions) => {
    const socket = new WebSocket(gateway.webSocketURL, "graphql-transport-ws");
    const seen = { stocks: [], closed: undefined };
    const send = (message) => socket.send(JSON.stringify(message));
    socket.on("message", (text) => {
      const { type, payload } = JSON.parse(text);
      if (type === "connection_ack") send({ id: "1", type: "subscribe", payload: { query, extensions } });
      if (type === "next") seen.stocks.push(payload.data.stockChanged.stock);
      if (type === "ping") send({ type: "pong" });
    });
    socket.on("close", (code) => (seen.closed = code));
    await once(socket, "open");
    send({ type: "connection_init" });
    return { socket, seen };
  };

  /** What the gateway has on its heap once that is swept, in bytes. */
  const memory = async () => {
    const profile = await (await fetch(`${gateway.operator}/debug/pprof/heap?gc=1&debug=1`)).text();
    return Number(/^# HeapAlloc = (\d+)$/m.exec(profile)[1]);
  };

  check("have everything in order when they read again, and cost the gateway no memory", async () => {
    const reading = await subscribe();
    const still = [];
    for (let i = 0; i < readers; i++) still.push(await subscribe(i % 2 ? { resume: true } : undefined));
    await gateway.members(1 + readers);
    for (const { socket } of still) socket.pause();
    await memory(); // what pools hold goes with the second sweep
    const before = await memory();
    for (let stock = 1; stock <= events; stock++) {
      await gateway.publish("stock.1", stockEvent("1", stock, large("1")));
    }
    await until("who reads has all", () => reading.seen.stocks.length === events);
    const stats = await gateway.stats();
    await memory();
    const grown = (await memory()) - before;
    assert.equal(stats.behind, readers, "all that stand still are behind");
    assert(still.every(({ seen }) => seen.stocks.length < events));
    const whole = events * readers * 1024;
    assert(grown < whole / 2, `${grown} bytes more, of ${whole} that all readers together have not read`);
    for (const { socket } of still) socket.resume();
    const expected = Array.from({ length: events }, (_, i) => i + 1);
    for (const { seen } of still) {
      await until("it has all", () => seen.stocks.length >= events, { state: () => JSON.stringify(seen).slice(-100) });
      assert.deepEqual(seen.stocks, expected);
      assert.equal(seen.closed, undefined);
    }
    await gateway.members(1 + readers); // none is behind any more
    assert.equal((await gateway.stats()).behind, 0);
    await gateway.publish("stock.1", stockEvent("1", events + 1, large("1")));
    await until("the next one arrives live", () => still.every(({ seen }) => seen.stocks.at(-1) === events + 1));
    for (const { socket } of [reading, ...still]) socket.close(1000);
    await gateway.quiet();
  });
});
