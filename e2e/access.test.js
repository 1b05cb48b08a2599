// Who may do what, and for how long, as the users of each client learn it.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { clients } from "./clients/index.js";
import { checkConnected, follow, refusal, watchSocket } from "./support/connected.js";
import { adminKey, authorization, leeway, sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { Redis } from "./support/redis.js";
import {
  advanceOrder,
  changePrice,
  createApiKey,
  orderEvent,
  orders,
  orderStatusChanged,
  placeOrder,
  priceChanged,
  priceEvent,
  productQuery,
  revokeApiKey,
} from "./support/shop.js";
import { until } from "./support/until.js";

let redis;
let gateway;
before(async () => {
  redis = await Redis.start();
  gateway = await Gateway.start(redis);
});
after(async () => {
  await gateway?.discard();
  await redis?.stop();
});

/** Without the client's own pause, which is a second at least. */
const atOnce = { retryWait: () => Promise.resolve() };

for (const client of clients) {
  const overSocket = client.transport === "WebSocket";

  describe(`${client.name}, with credentials`, () => {
    const connected = (name, body) => checkConnected(name, client, () => gateway, body);

    const refused = async (kind, operation, field, code) => {
      const errors = await refusal(client, kind, operation);
      assert.deepEqual(
        errors.map(({ path, extensions }) => [path, extensions.code]),
        [[[field], code]],
      );
      return errors[0];
    };

    /** The one error that ends a stream. */
    const ended = async (stream, code) => {
      const errors = await refusal(client, "ended", stream.ended);
      assert.deepEqual(
        errors.map(({ extensions }) => extensions.code),
        [code],
      );
    };

    connected("a customer is told of her own orders, and of nobody else's", async (connect) => {
      const customers = ["ann", "bob"].map((name) => {
        const connection = connect({ token: sign(name) });
        return { name, connection, statuses: follow(connection, orderStatusChanged) };
      });
      await gateway.members(2);
      const lines = [{ productId: "2", quantity: 1 }];
      for (const customer of customers) {
        const { data } = await customer.connection.query(placeOrder, { lines });
        assert.equal(data.placeOrder.customer, customer.name);
        customer.order = data.placeOrder.id;
      }
      const [ann, bob] = customers;
      for (const { order } of [ann, bob, ann, bob]) await gateway.execute(advanceOrder, { id: order });
      for (const { order, statuses } of customers) {
        await statuses.received(2);
        assert.deepEqual(
          statuses.results.map(({ orderStatusChanged: { orderId, status } }) => [orderId, status]),
          [
            [order, "PACKED"],
            [order, "SHIPPED"],
          ],
        );
      }
    });

    connected("a missing scope is told with its field, and everything else goes on", async (connect) => {
      const { seen, on } = watchSocket();
      const connection = connect({ token: sign("ann"), on });
      const prices = follow(connection, priceChanged, { ids: ["1"] });
      await gateway.members(1);
      const other = client.forgetsStream ? connect({ token: sign("ann"), retryAttempts: 0 }) : connection;
      const change = other.query(changePrice, { id: "1", price: "1.00" });
      const error = await refused("validation", change, "changePrice", "FORBIDDEN");
      assert.deepEqual(error.extensions.missingScopes, ["catalog:write"]);
      const { data } = await connection.query(productQuery, { id: "1" });
      assert.equal(data.product.id, "1");
      await redis.publish("price.1", priceEvent("1", "after"));
      await prices.received(1);
      if (overSocket) assert.equal(seen.opened, 1, "sockets");
    });

    connected("a subscription that a rule forbids is refused, and the next one runs", async (connect) => {
      const connection = connect({ token: adminKey, retryAttempts: 0 }); // nobody in particular has no orders
      const { ended } = follow(connection, orderStatusChanged);
      await refused("subscription", ended, "orderStatusChanged", "FORBIDDEN");
      const prices = follow(connection, priceChanged, { ids: ["1"] });
      await gateway.members(1);
      await redis.publish("price.1", priceEvent("1", "after"));
      await prices.received(1);
    });

    connected("without credentials the prices are public and orders are not", async (connect) => {
      const { seen, on } = watchSocket();
      const connection = connect({ on, retryAttempts: 0 });
      const prices = follow(connection, priceChanged, { ids: ["1"] });
      await gateway.members(1);
      const other = client.forgetsStream ? connect({ retryAttempts: 0 }) : connection;
      await refused("validation", other.query(orders, {}), "orders", "UNAUTHENTICATED");
      const { ended } = follow(other, orderStatusChanged);
      await refused("subscription", ended, "orderStatusChanged", "UNAUTHENTICATED");
      await redis.publish("price.1", priceEvent("1", "after"));
      await prices.received(1);
      if (overSocket) assert.equal(seen.opened, 1, "sockets");
    });

    if (overSocket) {
      connected("after bad credentials it comes back by itself with good ones", async (connect) => {
        const { seen, on } = watchSocket();
        const tokens = ["wrong", sign("ann", { life: -60 }), sign("ann")];
        const connection = connect({ token: () => tokens.shift(), on, ...atOnce });
        const { data } = await connection.query(orders, {});
        assert(Array.isArray(data.orders));
        const refusals = seen.closes.filter((close) => !close.startsWith("1000 "));
        assert.deepEqual(refusals, Array(2).fill("4403 Forbidden: bad credentials"));
      });
    } else {
      connected("bad credentials are told, and the next request may bring good ones", async (connect) => {
        let token = "wrong";
        const connection = connect({ token: () => token, retryAttempts: 0 });
        for (const operation of [
          () => connection.query(orders, {}),
          () => follow(connection, orderStatusChanged).ended,
        ]) {
          token = "wrong";
          const errors = await refusal(client, "credentials", operation());
          assert.equal(errors[0].extensions.code, "UNAUTHENTICATED");
        }
        token = sign("ann");
        const { data } = await connection.query(orders, {});
        assert(Array.isArray(data.orders));
      });
    }

    connected("an expired token ends every stream, and a fresh one begins the next", async (connect) => {
      const { seen, on } = watchSocket();
      let token = sign("ann", { life: 1 });
      const connection = connect({ token: () => token, on, ...atOnce });
      const before = follow(connection, orderStatusChanged);
      const prices = follow(connection, priceChanged);
      await gateway.members(2);
      await redis.publish("order.ann", orderEvent("before", "ann"));
      await before.received(1);
      // At once: where the client's user is told of the end.
      const again = before.ended.catch(() => {}).then(() => follow(connection, orderStatusChanged));
      token = sign("ann");
      for (const stream of [before, prices]) await ended(stream, "TOKEN_EXPIRED");
      const next = await again;
      await gateway.members(1);
      await redis.publish("order.ann", orderEvent("after", "ann"));
      await next.received(1);
      if (overSocket) assert.deepEqual(seen.closes, ["4403 Forbidden: token expired"]);
    });

    connected("a renewed token keeps the stream, and every event arrives once", async (connect) => {
      const { seen, on } = watchSocket();
      const life = 1;
      const expired = Date.now() + life * 1000 + leeway;
      const connection = connect({ token: sign("ann", { life }), on });
      const stream = follow(connection, orderStatusChanged);
      await gateway.members(1);
      let published = 0;
      const publish = () => redis.publish("order.ann", orderEvent(String(++published), "ann"));
      await publish();
      const fresh = authorization(sign("ann"));
      if (overSocket) {
        seen.socket.send(JSON.stringify({ type: "ping", payload: { authorization: fresh.Authorization } }));
        await until("the gateway answers", () => seen.pongs.length > 0);
        assert.deepEqual(seen.pongs, [{ authorized: true }]);
      } else {
        const answer = await fetch(gateway.renewURL, { method: "POST", headers: fresh });
        const { renewed } = await answer.json();
        assert.equal(renewed, 1, "sessions");
      }
      await until("the first token is long expired", async () => {
        await publish();
        await stream.received(published);
        return Date.now() > expired + 200;
      });
      assert.deepEqual(
        stream.results.map(({ orderStatusChanged: { orderId } }) => orderId),
        Array.from({ length: published }, (_, i) => String(i + 1)),
      );
      if (overSocket) assert.deepEqual([seen.opened, seen.closes], [1, []]);
    });

    connected("a key that is revoked ends the stream", async (connect) => {
      const input = { name: "Web shop", consumer: "web", subject: "ann" };
      const { createApiKey: made } = await gateway.execute(createApiKey, { input });
      const connection = connect({ token: made.key });
      const stream = follow(connection, orderStatusChanged);
      await gateway.members(1);
      await gateway.execute(revokeApiKey, { id: made.apiKey.id });
      await ended(stream, "KEY_REVOKED");
    });
  });
}
