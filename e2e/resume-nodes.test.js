// Two gateways on one Redis, in front of them what a balancer is: a place at one is a place at the other, and
// outlives both.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Gateway } from "./support/gateway.js";
import { checkStreams, soon } from "./support/listening.js";
import { Place } from "./support/place.js";
import { Proxy } from "./support/proxy.js";
import { Redis } from "./support/redis.js";
import { resumingClients } from "./support/resuming.js";
import { stockEvent } from "./support/shop.js";

describe("two gateways on one Redis", () => {
  let redis;
  const gateways = [];
  const at = {}; // the gateway that clients come to, and the proxy in front of it
  before(async () => {
    redis = await Redis.start();
    for (let i = 0; i < 2; i++) gateways.push(await Gateway.start(redis));
    at.gateway = gateways[0];
    at.proxy = await Proxy.start(at.gateway);
  });
  after(async () => {
    await at.proxy?.stop();
    for (const gateway of gateways) await gateway.discard();
    await redis?.stop();
  });

  /** Has clients come to the other gateway from now on. */
  const swap = () => {
    at.gateway = gateways[1 - gateways.indexOf(at.gateway)];
    at.proxy.gateway = at.gateway;
  };

  /** Publishes stocks of a product, in turn at each of some gateways; `all` are those that were published. */
  const publisher = (id) => {
    const all = [];
    const publish = async (count, nodes = gateways) => {
      for (let i = 0; i < count; i++) {
        const stock = all.length + 1;
        for (const node of [nodes[stock % nodes.length], nodes[0]]) {
          await node.publish(`stock.${id}`, stockEvent(id, stock), `${id}-${stock}`); // twice, once
        }
        all.push(stock);
      }
      return all.at(-1);
    };
    return { all, publish };
  };

  for (const client of resumingClients) {
    checkStreams(`${client.name} goes on at the other one`, at, async (listen) => {
      const id = client.name.replaceAll(/\W/g, "_");
      const { all, publish } = publisher(id);
      const stream = listen(client, at.proxy, { variables: { id }, place: new Place() }, soon);
      await at.gateway.members(1);
      await stream.has(await publish(3));
      for (let time = 0; time < 3; time++) {
        await publish(10);
        at.proxy.cut();
        await publish(10);
        swap();
        at.proxy.mend();
        await publish(10);
        await stream.has(all.at(-1));
      }
      assert.deepEqual(stream.seen.got, all);
    });
  }

  for (const client of resumingClients) {
    for (const [how, end] of [
      ["was restarted", async (gateway) => assert.equal(await gateway.stop(), 0)],
      ["was killed", (gateway) => gateway.kill()],
    ]) {
      checkStreams(`${client.name} goes on at the one that ${how}`, at, async (listen) => {
        const id = `${client.name} ${how}`.replaceAll(/\W/g, "_");
        const { all, publish } = publisher(id);
        const { gateway } = at;
        const others = gateways.filter((one) => one !== gateway);
        const stream = listen(client, at.proxy, { variables: { id }, place: new Place() });
        await gateway.members(1);
        await stream.has(await publish(3));
        await publish(5);
        await end(gateway);
        await publish(20, others);
        await gateway.start();
        await stream.has(all.at(-1));
        await stream.has(await publish(3));
        assert.deepEqual(stream.seen.got, all);
      });
    }
  }
});
