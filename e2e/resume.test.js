// An application that keeps its place, in each client as its users have it: the connection breaks, events are
// published meanwhile, and the client comes back. It has every event once and in order, or is told that not.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { checkStreams, soon } from "./support/listening.js";
import { Place } from "./support/place.js";
import { Proxy } from "./support/proxy.js";
import { resumingClients } from "./support/resuming.js";
import { orderEvent, orderStatusChanged, restock, stockEvent } from "./support/shop.js";
import { until } from "./support/until.js";

/** Publishes stocks of one product, one after the other, in turn by mutation and by POST, which is repeated. */
class Publisher {
  published = [];

  constructor(id) {
    this.id = id;
  }

  async publish(gateway, count) {
    for (let i = 0; i < count; i++) this.published.push(await this.#one(gateway));
    return this.published.at(-1);
  }

  async #one(gateway) {
    const number = this.published.length;
    if (number % 2 === 0) return (await gateway.execute(restock, { id: this.id })).restock.stock;
    const stock = 500_000 + number;
    for (let time = 0; time < 2; time++) {
      await gateway.publish(`stock.${this.id}`, stockEvent(this.id, stock), `${this.id}-${number}`);
    }
    return stock;
  }
}

/** A gateway behind a proxy, for the tests of a block. */
function served(start) {
  const served = {};
  before(async () => {
    served.gateway = await start();
    served.proxy = await Proxy.start(served.gateway);
  });
  after(async () => {
    await served.proxy?.stop();
    await served.gateway?.discard();
  });
  return served;
}

for (const client of resumingClients) {
  describe(client.name, () => {
    const at = served(() => Gateway.start());

    checkStreams("what was published while the connection was broken arrives, once and in order", at, async (listen) => {
      const { gateway, proxy } = at;
      const publisher = new Publisher("1");
      const variables = { id: "1" };
      const stream = listen(client, proxy, { variables, place: new Place() });
      const plain = listen(client, gateway, { variables });
      await gateway.members(2);
      await stream.has(await publisher.publish(gateway, 3));
      proxy.cut();
      await gateway.members(1);
      await publisher.publish(gateway, 20);
      proxy.mend();
      await stream.has(publisher.published.at(-1));
      await gateway.members(2);
      await stream.has(await publisher.publish(gateway, 3));
      await plain.has(publisher.published.at(-1));
      assert.deepEqual(stream.seen.got, publisher.published);
      assert.deepEqual(plain.seen.got, publisher.published);
      assert(stream.seen.extensions.every(({ cursor }) => /^[\w-]{84}$/.test(cursor)), "each result has a cursor");
      assert.equal(new Set(stream.seen.extensions.map(({ cursor }) => cursor)).size, publisher.published.length);
      assert(plain.seen.extensions.every((one) => one === undefined), "who does not ask has plain GraphQL");
    });

    checkStreams("a connection that breaks again and again while events keep coming costs none", at, async (listen) => {
      const { gateway, proxy } = at;
      const publisher = new Publisher("2");
      const stream = listen(client, proxy, { variables: { id: "2" }, place: new Place() }, soon);
      await gateway.members(1);
      await stream.has(await publisher.publish(gateway, 1));
      for (let time = 0; time < 5; time++) {
        await publisher.publish(gateway, 20);
        proxy.cut();
        await publisher.publish(gateway, 5);
        proxy.mend();
        const missed = publisher.published.at(-1);
        await publisher.publish(gateway, 5);
        await stream.has(missed); // so that the client does not give up
      }
      await stream.has(await publisher.publish(gateway, 1));
      assert.deepEqual(stream.seen.got, publisher.published);
    });

    checkStreams("a cursor of another day, kept elsewhere, will do", at, async (listen) => {
      const { gateway } = at;
      const publisher = new Publisher("3");
      const variables = { id: "3" };
      const place = new Place();
      const first = listen(client, gateway, { variables, place });
      await gateway.members(1);
      await first.has(await publisher.publish(gateway, 5));
      await first.stop();
      await gateway.members(0);
      await publisher.publish(gateway, 10);
      const kept = JSON.parse(JSON.stringify(place));
      const second = listen(client, gateway, { variables, place: new Place(kept) });
      await second.has(publisher.published.at(-1));
      await second.has(await publisher.publish(gateway, 1));
      assert.deepEqual(second.seen.got, publisher.published.slice(5));
    });

    checkStreams("a cursor of somebody else, of another topic, or none at all, is refused", at, async (listen) => {
      const { gateway } = at;
      const cursorOf = async (operation, options, publish) => {
        const place = new Place();
        const stream = listen(client, gateway, { ...operation, place }, options);
        await gateway.members(1);
        await publish();
        await until("there is a cursor", () => place.cursor);
        await stream.stop();
        await gateway.members(0);
        return place.cursor;
      };
      const [ann, bob] = ["ann", "bob"].map((name) => ({ token: sign(name) }));
      const orders = { query: orderStatusChanged };
      const ofAnn = await cursorOf(orders, ann, () => gateway.publish("order.ann", orderEvent("1", "ann")));
      const ofStock = await cursorOf({ variables: { id: "4" } }, {}, () => new Publisher("4").publish(gateway, 1));
      for (const [operation, options, cursor, says] of [
        [orders, bob, ofAnn, /its topics are not the same/],
        [{ variables: { id: "5" } }, {}, ofStock, /its topics are not the same/],
        [{ variables: { id: "4" } }, {}, `${ofStock.slice(0, -1)}${ofStock.endsWith("A") ? "Q" : "A"}`, /not signed/],
        [{ variables: { id: "4" } }, {}, "garbage", /no cursor/],
      ]) {
        const stream = listen(client, gateway, { ...operation, place: new Place(cursor) }, options);
        const { message, extensions } = await stream.refusal();
        assert.equal(extensions.code, "RESUME_GAP");
        assert.match(message, says);
        assert.deepEqual(stream.seen.got, [], "and nothing else");
        await stream.stop();
        await gateway.members(0);
      }
      const again = listen(client, gateway, { ...orders, place: new Place(ofAnn) }, ann);
      await gateway.members(1);
      await gateway.publish("order.ann", orderEvent("2", "ann"));
      await again.has("2");
      assert.deepEqual(again.seen.got, ["2"], "for who it is of, it is good");
    });
  });

  describe(`${client.name}, of a gateway that keeps five events`, () => {
    const at = served(() => Gateway.start(undefined, "--retain", "stock.*=10m/5"));

    // The one that the client has must still be there: it proves that nothing is between.
    checkStreams("who has missed four has them, who has missed five is told so", at, async (listen) => {
      const { gateway, proxy } = at;
      const variables = { id: "1" };
      const publisher = new Publisher("1");
      const stream = listen(client, proxy, { variables, place: new Place() });
      await gateway.members(1);
      await stream.has(await publisher.publish(gateway, 1));
      const miss = async (count) => {
        proxy.cut();
        await gateway.members(0);
        await publisher.publish(gateway, count);
        proxy.mend();
      };
      await miss(4);
      await stream.has(publisher.published.at(-1));
      assert.deepEqual(stream.seen.got, publisher.published);
      await miss(5);
      const { message, extensions } = await stream.refusal();
      const { code, epoch, ...facts } = extensions;
      assert.equal(code, "RESUME_GAP");
      assert.match(epoch, /^[0-9a-f]{1,16}$/);
      assert.deepEqual(facts, { topic: "stock.1", firstAvailable: 6, top: 10 });
      assert.match(message, /not all kept/);
      assert.deepEqual(stream.seen.got, publisher.published.slice(0, 5), "and no part of it");
      await gateway.members(0);
      const anew = listen(client, proxy, { variables, place: new Place() });
      await gateway.members(1);
      await anew.has(await publisher.publish(gateway, 1));
      assert.deepEqual(anew.seen.got, publisher.published.slice(-1));
    });
  });
}
