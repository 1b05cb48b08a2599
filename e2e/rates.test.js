// How fast a client may send, on all nodes together and over one socket.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { graphqlWS } from "./clients/graphql-ws.js";
import { check } from "./support/check.js";
import { checkConnected, follow, watchSocket } from "./support/connected.js";
import { sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { Redis } from "./support/redis.js";
import { priceChanged, priceEvent } from "./support/shop.js";
import { until, within } from "./support/until.js";

let redis;
before(async () => (redis = await Redis.start()));
after(() => redis?.stop());

const shortQuery = "{ __typename }";

describe("a rate of five requests a second on two gateways", () => {
  const rate = 5;
  const gateways = [];
  before(async () => {
    for (let i = 0; i < 2; i++) gateways.push(await Gateway.start(redis, "--request-rate-per-viewer", `${rate}:${rate}`));
    for (const gateway of gateways) await gateway.execute(shortQuery); // they have found Redis, and keep a connection
  });
  after(async () => {
    for (const gateway of gateways) await gateway.discard();
  });

  /** Counts from now on what may pass: the burst, and what has come since. */
  const allowance = () => {
    const began = performance.now();
    return () => rate + Math.floor((rate * (performance.now() - began)) / 1000);
  };

  const assertPassed = (passed, allowed) =>
    assert(passed >= rate && passed <= allowed, `${passed} passed, not ${rate} to ${allowed}`);

  /** Checks why something was refused, and returns for how many milliseconds. */
  const assertTooFast = (errors) => {
    const [{ message, extensions }] = errors;
    assert.equal(extensions.code, "RATE_LIMITED");
    assert.equal(message, "you send more than 5 requests a second; slow down");
    const { retryAfterMs } = extensions;
    assert(retryAfterMs > 0 && retryAfterMs <= 1000 / rate, `retryAfterMs is ${retryAfterMs}`);
    return retryAfterMs;
  };

  /**
   * Asks until it is refused; then it waits as it is told, and is served. A node that has none left asks
   * nobody else, so whether there is one in all may show after another wait.
   */
  const askInTime = async (ask) => {
    let wait = await until("a request comes too soon", ask);
    for (let i = 0; i < 2 && wait > 0; i++) {
      await pause(wait + 1); // timers of Node may be early
      wait = await ask();
    }
    assert.equal(wait, 0, "it has waited, and is refused again");
  };

  const refusals = async () => {
    const all = await Promise.all(gateways.map((gateway) => gateway.stats()));
    return all.reduce((sum, { refusals }) => sum + (refusals["request-rate-per-viewer"] ?? 0), 0);
  };

  /** By plain fetch; resolves to how long to wait, 0 when it is served. */
  const post = async (gateway, token) => {
    const answer = await gateway.post(shortQuery, { token });
    const { errors } = await answer.json();
    if (!errors) return 0;
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get("Retry-After"), "1", "seconds, rounded up");
    return assertTooFast(errors);
  };

  check("of twenty at once a burst passes, the others are told when to come back, and are served then", async () => {
    const [ann, bob] = ["ann", "bob"].map((name) => sign(name));
    const before = await refusals();
    const allowed = allowance();
    const waits = await Promise.all(Array.from({ length: 20 }, (_, i) => post(gateways[i % 2], ann)));
    const passed = waits.filter((wait) => wait === 0).length;
    assertPassed(passed, allowed());
    assert.equal(await refusals(), before + 20 - passed, "refusals in /stats");
    assert.equal(await post(gateways[0], bob), 0, "somebody else");
    await askInTime(() => post(gateways[1], ann));
  });

  check("over WebSocket the operation is refused and the socket stays open", async () => {
    const token = sign("cem");
    const allowed = allowance();
    const watched = gateways.map(() => watchSocket());
    const connections = gateways.map((gateway, i) => graphqlWS.connect(gateway, { token, on: watched[i].on }));
    try {
      const streams = connections.map((connection) => follow(connection, priceChanged, { ids: ["1"] }));
      await Promise.all(gateways.map((gateway) => gateway.members(1)));
      const ask = async (connection) => {
        try {
          const { data } = await connection.query(shortQuery, {});
          assert.equal(data.__typename, "Query");
          return 0;
        } catch (thrown) {
          return assertTooFast(graphqlWS.graphqlErrors(thrown));
        }
      };
      const asked = Array.from({ length: 20 }, (_, i) => ask(connections[i % 2]));
      const waits = await within("all answers", Promise.all(asked));
      assertPassed(streams.length + waits.filter((wait) => wait === 0).length, allowed());
      for (const connection of connections) await askInTime(() => ask(connection));
      await redis.publish("price.1", priceEvent("1", "after all that"));
      for (const stream of streams) await stream.received(1);
      assert.deepEqual(
        watched.map(({ seen }) => [seen.opened, seen.closes]),
        Array(2).fill([1, []]),
      );
    } finally {
      for (const connection of connections) await connection.close();
    }
    for (const gateway of gateways) await gateway.quiet();
  });
});

describe("a client that does not stop sending", () => {
  let gateway;
  before(async () => (gateway = await Gateway.start(redis, "--message-rate", "5:10", "--ping-rate", "5:10")));
  after(() => gateway?.discard());

  const many = Array.from({ length: 100 }, (_, i) => String(i));
  const each = (send) => (_, socket) => many.forEach((id) => send(socket, id));

  /** Some are served, then some are told that they come too soon; then the socket is closed. */
  const query = async (connection) => {
    const all = await Promise.allSettled(many.map(() => connection.query(shortQuery, {})));
    const refused = all.filter(({ reason }) => Array.isArray(reason)).flatMap(({ reason }) => reason);
    assert(refused.length > 0, "nobody was told");
    for (const { extensions } of refused) {
      assert.equal(extensions.code, "RATE_LIMITED");
      assert(extensions.retryAfterMs > 0, `retryAfterMs is ${extensions.retryAfterMs}`);
    }
  };

  for (const [what, limit, send] of [
    ["queries", "message-rate", query],
    ["ends of nothing", "message-rate", each((socket, id) => socket.send(`{"id":"${id}","type":"complete"}`))],
    ["pings of the protocol", "ping-rate", each((socket) => socket.send('{"type":"ping"}'))],
    ["pings of the WebSocket", "ping-rate", each((socket) => socket.ping())],
  ]) {
    const name = `a flood of ${what} closes the socket for good, and another of the same user stays open`;
    checkConnected(name, graphqlWS, () => gateway, async (connect) => {
      const listen = () => {
        const { seen, on } = watchSocket();
        const connection = connect({ token: sign("ann"), on });
        return { seen, connection, prices: follow(connection, priceChanged, { ids: ["1"] }) };
      };
      const [loud, calm] = [listen(), listen()];
      await gateway.members(2);
      const before = await gateway.stats();
      await send(loud.connection, loud.seen.socket);
      await within("the end of its subscription", assert.rejects(loud.prices.ended));
      assert.deepEqual([loud.seen.opened, loud.seen.closes], [1, ["1008 Policy violation: too many messages"]]);
      await gateway.members(1);
      await redis.publish("price.1", priceEvent("1", "to the calm one"));
      await calm.prices.received(1);
      assert.deepEqual([calm.seen.opened, calm.seen.closes], [1, []]);
      const { refusals, endings } = await gateway.stats();
      assert(refusals[limit] > (before.refusals[limit] ?? 0), limit);
      assert.equal(endings.RATE_LIMITED, (before.endings.RATE_LIMITED ?? 0) + 1, "sessions ended");
    });
  }
});
