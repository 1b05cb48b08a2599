// Live queries: whatever changes a page, and wherever, each client's page shows it soon after.
//
// The clients are at one of two gateways with one Redis and one database; what changes does so at
// the other, or behind the backs of both: at a third one, without Redis.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { graphqlWS, liveClients } from "./clients/live.js";
import { check } from "./support/check.js";
import { authorization, sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { folder } from "./support/process.js";
import { Redis } from "./support/redis.js";
import { advanceOrder, changePrice, placeOrder, priceEvent } from "./support/shop.js";
import { until } from "./support/until.js";

const selection = /* GraphQL */ `
  {
    products(first: 6, orderBy: { field: PRICE }) {
      nodes {
        id
        name
        price
        stock
      }
    }
    dearest: products(first: 2, orderBy: { field: PRICE, direction: DESC }) {
      nodes {
        id
        price
      }
    }
  }
`;

const restock = /* GraphQL */ `
  mutation Restock($id: ID!, $quantity: Int!) {
    restock(productId: $id, quantity: $quantity) {
      stock
    }
  }
`;

/** What the server said, without what Apollo and urql ask for besides. */
const plain = (data) => JSON.parse(JSON.stringify(data, (key, value) => (key === "__typename" ? undefined : value)));

const database = ["--database", join(folder(), "shop.db")];
let redis;
let here; // where the clients are
let there; // where the shop is changed
let aside; // the same database, and nobody hears of what happens
before(async () => {
  redis = await Redis.start();
  here = await Gateway.start(redis, ...database);
  there = await Gateway.start(redis, ...database);
  aside = await Gateway.start({ url: "" }, ...database);
});
after(async () => {
  for (const gateway of [here, there, aside]) await gateway?.discard();
  await redis?.stop();
});

/** A page that a client keeps. */
class Page {
  results = [];
  failures = [];

  constructor(client, { gateway = here, query = selection, token } = {}) {
    this.name = client.name;
    this.now = () => there.execute(`query Page ${query}`, {}, token);
    const take = (result) => {
      this.results.push({ ...result, data: plain(result.data ?? null) });
      if (result.errors) this.failures.push(result.errors);
    };
    const live = `query Page @live(throttle: 100) ${query}`;
    Object.assign(this, client.watch(gateway, live, take, (error) => this.failures.push(error), token));
  }

  get shown() {
    return this.results.at(-1)?.data;
  }

  /** Waits until it shows what somebody sees who asks now. */
  async isTrue(options) {
    const state = () => `${JSON.stringify(this.shown)} ${this.failures.join()}`;
    const now = async () => isDeepStrictEqual(this.shown, await this.now());
    await until(`the page of ${this.name} is true`, now, { ...options, state });
  }
}

const watched = (count, options) => {
  let stats;
  return until(
    `the gateway keeps ${count} live queries true`,
    async () => {
      stats = await here.stats();
      return stats.live.members === count;
    },
    { ...options, state: () => JSON.stringify(stats?.live) },
  );
};

/** Everything that changes the page, in the order of a day at the shop. */
const changes = {
  "a price": () => there.execute(changePrice, { id: "1", price: dear() }),
  "a price that is the lowest by now": () => there.execute(changePrice, { id: "2", price: cheap() }),
  "the stock": () => there.execute(restock, { id: "2", quantity: 7 }),
  "an order, which takes from the stock of two": () => {
    const lines = ["1", "2"].map((productId) => ({ productId, quantity: 1 }));
    return there.execute(placeOrder, { lines }, sign("ann"));
  },
  "a price at the client's own gateway": () => here.execute(changePrice, { id: "2", price: cheap() }),
  "a service of the back end, which tells by PUBLISH": async () => {
    await aside.execute(changePrice, { id: "2", price: cheap() });
    await redis.publish("price.2", priceEvent("2", "PUBLISH"));
  },
  "something that nobody tells of, and POST /invalidate": async () => {
    await aside.execute(changePrice, { id: "2", price: cheap() });
    await invalidate(["Product:2", "Product"]);
  },
  "something that can be anything, and POST /invalidate": async () => {
    await aside.execute(restock, { id: "2", quantity: 1 });
    await invalidate(["*"]);
  },
  "a burst": () => {
    const one = (_, i) => [here, there][i % 2].execute(changePrice, { id: "1", price: dear() });
    return Promise.all(Array.from({ length: 20 }, one));
  },
};

let step = 0;
const cheap = () => (0.01 + (++step % 90) / 100).toFixed(2);
const dear = () => (8000 + ++step).toFixed(2);

async function invalidate(keys) {
  const credentials = authorization(sign("the back end", { scope: "invalidate" }));
  const headers = { "Content-Type": "application/json", ...credentials };
  const answer = await fetch(`${there.origin}/invalidate`, { method: "POST", headers, body: JSON.stringify({ keys }) });
  assert.equal(answer.status, 204, await answer.text());
}

for (const client of liveClients) {
  describe(`${client.name}, with a live query`, () => {
    check("its page stays true, whatever changes it", async () => {
      const shown = new Page(client);
      try {
        await shown.isTrue();
        for (const [what, change] of Object.entries(changes)) {
          const before = shown.shown;
          await change();
          await shown.isTrue().catch((error) => {
            throw new Error(`after ${what}: ${error.message}`);
          });
          assert.notDeepEqual(shown.shown, before, what);
        }
        assert.deepEqual(shown.failures, []);
        const twice = shown.results.filter(({ data }, i) => isDeepStrictEqual(data, shown.results[i - 1]?.data));
        assert.deepEqual(twice, [], "results that were sent again");
        if (shown.seen) assert(shown.seen.patches >= 8 && shown.seen.wholes === 1, JSON.stringify(shown.seen));
      } finally {
        await shown.stop();
      }
      await watched(0);
      await here.quiet();
    });
  });
}

describe("live queries", () => {
  check("a customer's own orders stay true, for nobody else", async () => {
    const query = "{ orders { id customer status total } }";
    const pages = ["ann", "bob"].map((name) => new Page(graphqlWS, { query, token: sign(name) }));
    const [anns, bobs] = pages;
    try {
      for (const shown of pages) await shown.isTrue();
      const lines = [{ productId: "3", quantity: 1 }];
      const { placeOrder: placed } = await there.execute(placeOrder, { lines }, sign("ann"));
      await anns.isTrue();
      assert.deepEqual([anns.shown.orders[0].id, anns.shown.orders[0].status], [placed.id, "PLACED"]);
      await there.execute(advanceOrder, { id: placed.id });
      await anns.isTrue();
      assert.equal(anns.shown.orders[0].status, "PACKED");
      assert.deepEqual(bobs.results.map(({ data }) => data.orders), [[]]);
    } finally {
      for (const shown of pages) await shown.stop();
    }
    await watched(0);
  });

  check("what nobody tells of is found out, as soon as is configured", async () => {
    const gateway = await Gateway.start(redis, ...database, "--live-reconcile", "300ms");
    const shown = new Page(graphqlWS, { gateway });
    try {
      await shown.isTrue();
      await aside.execute(changePrice, { id: "2", price: cheap() });
      await shown.isTrue();
    } finally {
      await shown.stop();
      await gateway.discard();
    }
  });
});

describe("live queries over a restart of the gateway", () => {
  check("every client that comes back by itself has a page that is true again", async () => {
    const pages = liveClients.filter(({ comesBack }) => comesBack).map((client) => new Page(client));
    try {
      for (const shown of pages) await shown.isTrue();
      assert.equal(await here.stop(), 0, "the exit code");
      await there.execute(changePrice, { id: "1", price: dear() });
      await here.start();
      const backOff = { within: 20_000 };
      await watched(pages.length, backOff);
      for (const shown of pages) await shown.isTrue(backOff);
      await there.execute(changePrice, { id: "2", price: cheap() });
      for (const shown of pages) await shown.isTrue();
      for (const { name, failures } of pages) assert.deepEqual(failures, [], name);
    } finally {
      for (const shown of pages) await shown.stop();
    }
    await watched(0);
  });
});
