// Two gateways on one Redis: what happens at one reaches the subscribers of both.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { graphqlWS } from "./clients/graphql-ws.js";
import { check } from "./support/check.js";
import { adminKey } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { Redis } from "./support/redis.js";
import { changePrice, priceChanged, priceEvent } from "./support/shop.js";
import { until } from "./support/until.js";

describe("two gateways on one Redis", () => {
  let redis;
  const gateways = [];
  const subscribers = [];
  before(async () => {
    redis = await Redis.start();
    for (let i = 0; i < 2; i++) gateways.push(await Gateway.start(redis));
    for (const gateway of gateways) {
      const connection = graphqlWS.connect(gateway, { token: adminKey });
      const events = [];
      const { done } = connection.subscribe(priceChanged, { ids: ["1"] }, ({ data }) => events.push(data.priceChanged));
      done.catch((error) => events.push(error)); // no event, so that the comparison shows it
      subscribers.push({ connection, events });
    }
    await Promise.all(gateways.map((gateway) => gateway.members(1)));
  });
  after(async () => {
    for (const { connection } of subscribers) await connection.close();
    for (const gateway of gateways) await gateway.discard();
    await redis?.stop();
  });

  const arrived = (count) =>
    until(`${count} event(s) at both`, () => subscribers.every(({ events }) => events.length >= count), {
      state: () => JSON.stringify(subscribers.map(({ events }) => events)),
    });
  const prices = () => subscribers.map(({ events }) => events.map(({ note, price }) => `${note}: ${price}`));

  check("a mutation at either, and PUBLISH, reach the subscribers of both, once", async () => {
    const expected = [];
    for (const [i, { connection }] of subscribers.entries()) {
      const { errors } = await connection.query(changePrice, { id: "1", price: `${i + 1}.50`, note: `node ${i}` });
      assert.equal(errors, undefined);
      expected.push(`node ${i}: ${i + 1}.50`);
    }
    const connections = await redis.publish("price.1", priceEvent("1", "PUBLISH"));
    assert.equal(connections, 2, "one subscription per gateway");
    expected.push("PUBLISH: 9.99");
    await arrived(expected.length);
    assert.deepEqual(prices(), [expected, expected]);
  });
});
