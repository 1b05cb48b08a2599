// One scenario, run for each client as its users have it: ask, subscribe, receive everything once
// and in order, unsubscribe, come back after a restart, learn of errors.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { clients } from "./clients/index.js";
import { checkConnected, refusal } from "./support/connected.js";
import { adminKey } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { Redis } from "./support/redis.js";
import { changePrice, priceChanged, priceEvent, productQuery } from "./support/shop.js";
import { until } from "./support/until.js";

/** Subscribes to the prices of products and keeps the notes that arrive. */
function listen(connection, ids) {
  const notes = [];
  let failure;
  const { done, unsubscribe } = connection.subscribe(priceChanged, { ids }, ({ data, errors }) => {
    if (errors) failure = errors;
    else notes.push(data.priceChanged.note);
  });
  done.catch((error) => (failure = error));
  const received = (note, options) =>
    until(
      `note ${note} arrives`,
      () => {
        if (failure) throw new Error("the subscription failed", { cause: failure });
        return notes.includes(note);
      },
      { ...options, state: () => `after ${JSON.stringify(notes)}` },
    );
  return { notes, received, done, unsubscribe };
}

/** A client's own back-off: 1 to 4 s after the first loss, 2 to 5 s after the next. */
const backOff = { within: 20_000 };

const noted = (count) => Array.from({ length: count }, (_, i) => String(i + 1));

/** Text that a careless transport cuts an event at. */
const awkward = 'next:\r\n\r\n--graphql--\r\n\n\ndata: {"id":"1"}\u2028\u0000 ünï 🛒 ';

let redis;
before(async () => (redis = await Redis.start()));
after(() => redis?.stop());

for (const client of clients) {
  describe(client.name, () => {
    let gateway;
    before(async () => (gateway = await Gateway.start(redis)));
    after(() => gateway?.discard());

    /** Everybody here may change prices. */
    const connected = (name, body, options) =>
      checkConnected(name, client, () => gateway, (connect) => body(() => connect({ token: adminKey, ...options })));

    connected("a query and a mutation are answered", async (connect) => {
      const connection = connect();
      const { data } = await connection.query(productQuery, { id: "2" });
      assert.equal(data.product.id, "2");
      assert.match(data.product.price, /^\d+\.\d\d$/);
      const changed = await connection.query(changePrice, { id: "2", price: "12.50", note: awkward });
      assert.equal(changed.data.changePrice.price, "12.50");
      assert.equal(changed.data.changePrice.note, awkward);
      const again = await connection.query(productQuery, { id: "2" });
      assert.equal(again.data.product.price, "12.50");
    });

    connected("every event arrives once and in order, from mutations and from Redis", async (connect) => {
      const connection = connect();
      const prices = listen(connection, ["1"]);
      await gateway.members(1);
      for (const note of noted(40)) {
        if (Number(note) % 2) await connection.query(changePrice, { id: "1", price: `${note}.00`, note });
        else await redis.publish("price.1", priceEvent("1", note));
      }
      await redis.publish("price.1", priceEvent("1", "end")); // behind it no second copy can hide
      await prices.received("end");
      assert.deepEqual(prices.notes, [...noted(40), "end"]);
      prices.unsubscribe();
    });

    connected("a burst arrives once and in order, whatever its text", async (connect) => {
      const prices = listen(connect(), ["1"]);
      await gateway.members(1);
      const notes = noted(100).map((note) => awkward + note);
      await Promise.all(notes.map((note) => redis.publish("price.1", priceEvent("1", note))));
      await prices.received(notes.at(-1));
      assert.deepEqual(prices.notes, notes);
      prices.unsubscribe();
    });

    connected("nothing arrives after unsubscribing", async (connect) => {
      const prices = listen(connect(), ["1"]);
      const witness = listen(connect(), ["1"]);
      await gateway.members(2);
      await redis.publish("price.1", priceEvent("1", "before"));
      await Promise.all([prices.received("before"), witness.received("before")]);
      prices.unsubscribe();
      await gateway.members(1);
      await redis.publish("price.1", priceEvent("1", "after"));
      await witness.received("after");
      assert.deepEqual(prices.notes, ["before"]);
      witness.unsubscribe();
      await gateway.members(0);
    });

    connected("a subscription survives a restart of the gateway", async (connect) => {
      const connection = connect();
      const prices = listen(connection, ["1"]);
      await gateway.members(1);
      await redis.publish("price.1", priceEvent("1", "before"));
      await prices.received("before");
      assert.equal(await gateway.stop(), 0, "the exit code");
      await gateway.start();
      await gateway.members(1, backOff);
      await redis.publish("price.1", priceEvent("1", "after"));
      await prices.received("after");
      await connection.query(changePrice, { id: "1", price: "3.00", note: "end" });
      await prices.received("end");
      assert.deepEqual(prices.notes, ["before", "after", "end"]);
      prices.unsubscribe();
    });

    // No retries: graphql-sse takes every refusal of a single connection for a broken network.
    const once = { retryAttempts: 0 };

    connected(
      "the errors of a document that is not valid arrive",
      async (connect) => {
        const errors = await refusal(client, "validation", connect().query("query { nonsense }", {}));
        assert.equal(errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
        assert.match(errors[0].message, /nonsense/);
      },
      once,
    );

    connected(
      "the errors of a subscription that is not valid arrive",
      async (connect) => {
        const operation = new Promise((resolve, reject) => {
          connect().subscribe("subscription { nonsense }", {}, resolve).done.catch(reject);
        });
        const errors = await refusal(client, "subscription", operation);
        assert.equal(errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
        assert.match(errors[0].message, /nonsense/);
      },
      once,
    );

    connected("a caller's mistake arrives as the error of the field", async (connect) => {
      const mistake = connect().query(changePrice, { id: "no such", price: "1.00" });
      const errors = await refusal(client, "execution", mistake);
      assert.equal(errors[0].extensions.code, "BAD_USER_INPUT");
      assert.match(errors[0].message, /no such/);
      assert.deepEqual(errors[0].path, ["changePrice"]);
    });
  });
}
