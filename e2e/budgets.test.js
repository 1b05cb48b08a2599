// What callers may have of each field and what is left of it, as myBudgets tells the users of Apollo
// Client and of urql.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { apolloOverMultipart, apolloOverWebSocket } from "./clients/apollo.js";
import { urqlOverSSE, urqlOverWebSocket } from "./clients/urql.js";
import { checkConnected, follow } from "./support/connected.js";
import { configuration, sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { folder } from "./support/process.js";
import { Redis } from "./support/redis.js";
import { myBudgets, priceChanged, priceEvent } from "./support/shop.js";
import { until } from "./support/until.js";

const plans = {
  metered: {
    priceChanged: [
      { events: 1000, per: "MONTH", duration: "1h", rate: 50 },
      { events: 5, per: "SLIDING_DAY" },
    ],
    stockChanged: { rate: 2.5 },
  },
  tasting: { priceChanged: { events: 100, per: "MONTH" } },
};

let redis;
let gateway;
before(async () => {
  redis = await Redis.start();
  const file = join(folder(), "sluice.yaml");
  writeFileSync(file, configuration({ plans }));
  gateway = await Gateway.start(redis, "--config", file, "--anonymous-plan", "tasting");
});
after(async () => {
  await gateway?.discard();
  await redis?.stop();
});

/** When the month ends, in UTC. */
function endOfMonth() {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
}

const day = 24 * 60 * 60 * 1000;

for (const client of [apolloOverWebSocket, apolloOverMultipart, urqlOverWebSocket, urqlOverSSE]) {
  describe(`${client.name}, with budgets`, () => {
    const connected = (name, body) => checkConnected(name, client, () => gateway, body);

    /** What myBudgets tells, by field. */
    const budgets = async (connection) => {
      const { data } = await connection.query(myBudgets, {});
      return Object.fromEntries(data.myBudgets.map(({ field, ...budget }) => [field, budget]));
    };

    /** What is left of each quota of priceChanged; a lease that is on its way is not, for a moment. */
    const left = async (connection) => {
      const { "Subscription.priceChanged": prices } = await budgets(connection);
      return prices.quotas.map(({ remaining }) => remaining);
    };
    const hasLeft = async (connection, expected) => {
      let told;
      await until(
        `${expected} are left`,
        async () => isDeepStrictEqual((told = await left(connection)), expected),
        { state: () => `but ${told}` },
      );
    };

    const subscribed = async (connection) => {
      const prices = follow(connection, priceChanged, { ids: ["1"] });
      await gateway.members(1);
      const publish = async (count) => {
        for (let i = 0; i < count; i++) await redis.publish("price.1", priceEvent("1", String(i)));
      };
      return { ...prices, publish };
    };

    connected("a consumer is told of its plan, and of what is left as events arrive, until nothing is", async (connect) => {
      const connection = connect({ token: sign("ann", { client_id: client.name, plan: "metered" }) });
      const before = await budgets(connection);
      const { quotas, ...terms } = before["Subscription.priceChanged"];
      assert.deepEqual(
        quotas.map(({ events, per, remaining }) => [events, per, remaining]),
        [
          [1000, "MONTH", 1000],
          [5, "SLIDING_DAY", 5],
        ],
      );
      assert.equal(Date.parse(quotas[0].resetAt), endOfMonth());
      assert.deepEqual([terms.duration, terms.rate], ["1h0m0s", 50]);
      const { quotas: none, duration, rate } = before["Subscription.stockChanged"];
      assert.deepEqual([none, duration, rate], [[], null, 2.5]);

      const began = Date.now();
      const prices = await subscribed(connection);
      await prices.publish(3);
      await prices.received(3);
      await hasLeft(connection, [997, 2]);
      await prices.publish(2);
      await prices.received(5);
      await hasLeft(connection, [995, 0]);
      const { "Subscription.priceChanged": after } = await budgets(connection);
      const [, { resetAt }] = after.quotas;
      assert(Date.parse(resetAt) >= began + day, `${resetAt} is too early for the first to come back`);
    });

    connected("an anonymous caller is told of its address, whoever else comes from there", async (connect) => {
      await until("nobody holds a lease", async () => (await gateway.stats()).budgets.accounts === 0);
      const connection = connect();
      const before = await budgets(connection);
      assert.deepEqual(Object.keys(before), ["Subscription.priceChanged"]);
      const [{ events, per, remaining }] = before["Subscription.priceChanged"].quotas;
      assert.deepEqual([events, per], [100, "MONTH"]);
      const prices = await subscribed(connection);
      await prices.publish(2);
      await prices.received(2);
      for (const caller of [connection, connect()]) await hasLeft(caller, [remaining - 2]);
    });
  });
}
