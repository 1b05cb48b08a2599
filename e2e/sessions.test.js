// How many sessions a consumer's plan gives it, as the users of each client learn it.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { clients } from "./clients/index.js";
import { check } from "./support/check.js";
import { checkConnected, follow, refusal, watchSocket } from "./support/connected.js";
import { authorization, configuration, sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { folder } from "./support/process.js";
import { Redis } from "./support/redis.js";
import { priceChanged, priceEvent } from "./support/shop.js";
import { until } from "./support/until.js";

let redis;
before(async () => (redis = await Redis.start()));
after(() => redis?.stop());

/** A configuration file with a plan; `give` says how many sessions that has. */
function planFile(sessions) {
  const path = join(folder(), "sluice.yaml");
  const give = (sessions) => writeFileSync(path, configuration({ plans: { small: { sessions } } }));
  give(sessions);
  return { path, give };
}

/** Two end users of a consumer with the plan. */
const users = (consumer) => ["ann", "bob"].map((name) => sign(name, { client_id: consumer, plan: "small" }));

const limit = "sessions of plan small";
const refused = async (gateway) => (await gateway.stats()).refusals[limit] ?? 0;

/** What the socket of whoever is refused goes through. */
const tooMany = "1013 Try again later: too many sessions";

const overSocket = ({ transport }) => transport === "WebSocket";

/** Checks that a subscription did not get its session. */
async function assertRefused(client, { ended }, seen) {
  if (overSocket(client)) {
    await assert.rejects(ended);
    assert.deepEqual(seen.closes, [tooMany]);
    return;
  }
  const [error] = await refusal(client, "credentials", ended); // what HTTP refuses, all look alike
  assert.equal(error.extensions.code, "SESSION_LIMIT");
}

for (const client of clients) {
  describe(`${client.name}, of a consumer with two sessions`, () => {
    let gateway;
    before(async () => (gateway = await Gateway.start(redis, "--config", planFile(2).path)));
    after(() => gateway?.discard());

    const connected = (name, body) => checkConnected(name, client, () => gateway, body);
    const listen = (connection) => follow(connection, priceChanged, { ids: ["1"] });

    const subscribed = async (connect, tokens) => {
      const streams = tokens.map((token) => listen(connect({ token })));
      await gateway.members(tokens.length);
      return streams;
    };

    const allReceive = async (streams) => {
      await redis.publish("price.1", priceEvent("1", "to all"));
      for (const stream of streams) await stream.received(1);
    };

    connected("the third is refused, whoever's it is, and another consumer has its own", async (connect) => {
      const [ann, bob] = users("one");
      const streams = await subscribed(connect, [ann, bob]);
      const before = await refused(gateway);
      const { seen, on } = watchSocket();
      await assertRefused(client, listen(connect({ token: bob, retryAttempts: 0, on })), seen);
      assert.equal(await refused(gateway), before + 1, limit);
      const [other] = users("another");
      streams.push(listen(connect({ token: other, retryAttempts: 0 })));
      await gateway.members(3);
      await allReceive(streams);
    });

    // The others leave it to their application.
    if (overSocket(client) || client.name.startsWith("graphql-sse")) {
      connected("it comes back by itself until another has gone", async (connect) => {
        const [ann, bob] = users("one");
        const [first, second] = await subscribed(connect, [ann, bob]);
        const before = await refused(gateway);
        const { seen, on } = watchSocket();
        const retrying = { retryAttempts: Infinity, retryWait: () => pause(20) };
        const third = listen(connect({ token: ann, on, ...retrying }));
        await until("it is refused again", async () => (await refused(gateway)) > before + 1);
        first.unsubscribe();
        await until("it is let in", async () => {
          await redis.publish("price.1", priceEvent("1", "to all"));
          return third.results.length > 0;
        });
        await second.received(1);
        if (overSocket(client)) assert.deepEqual([...new Set(seen.closes)], [tooMany]);
      });
    } else {
      connected("the next one is let in when another has gone", async (connect) => {
        const [ann, bob] = users("one");
        const [first, second] = await subscribed(connect, [ann, bob]);
        await assertRefused(client, listen(connect({ token: ann })));
        first.unsubscribe();
        await gateway.members(1);
        const third = listen(connect({ token: ann }));
        await gateway.members(2);
        await allReceive([second, third]);
      });
    }
  });
}

describe("sessions of a plan, by plain fetch", () => {
  const plan = planFile(2);
  const [token] = users("one");
  const stop = new AbortController();
  const answers = []; // fetch ends the stream of an answer that nobody keeps
  let gateway;
  before(async () => (gateway = await Gateway.start(redis, "--config", plan.path)));
  after(async () => {
    stop.abort();
    await gateway?.discard();
  });

  const subscribe = async (accept = "text/event-stream") => {
    const answer = await gateway.post(priceChanged, { token, accept, signal: stop.signal });
    answers.push(answer);
    return answer;
  };

  check("every path says when to come back, and the log which limit it was", async () => {
    for (let i = 0; i < 2; i++) {
      const { status } = await subscribe();
      assert.equal(status, 200);
    }
    for (const third of [
      () => subscribe(),
      () => subscribe('multipart/mixed;boundary=graphql;subscriptionSpec="1.0",application/json'),
      () => fetch(gateway.streamURL, { method: "PUT", headers: authorization(token) }),
    ]) {
      const answer = await third();
      assert.equal(answer.status, 429);
      assert.match(answer.headers.get("Retry-After"), /^[1-5]$/);
      assert.match(answer.headers.get("Content-Type"), /json/);
      const { errors } = await answer.json();
      assert.equal(errors[0].extensions.code, "SESSION_LIMIT");
    }
    const line = /msg="a limit was reached" limit="sessions of plan small" times=1 consumer=one/;
    let log = "";
    await until("the log tells", () => line.test((log += gateway.takeLog())), { state: () => log });
  });

  check("a plan that gives more is in force without a restart", async () => {
    plan.give(3);
    await until("the third session is let in", async () => (await subscribe()).status === 200);
    await gateway.members(3);
    const { status } = await subscribe();
    assert.equal(status, 429, "the fourth");
  });
});
