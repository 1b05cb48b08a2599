// EventSource goes on by itself: it sends back the id of the last event that it has, and nobody has to know.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { EventSource } from "eventsource";
import { pageFetch } from "./support/browser.js";
import { check } from "./support/check.js";
import { Gateway } from "./support/gateway.js";
import { checkPage, openPage } from "./support/page.js";
import { Proxy } from "./support/proxy.js";
import { stockChanged, stockEvent } from "./support/shop.js";
import { until } from "./support/until.js";

/** It waits for 2 to 5 s before it comes back. */
const backOff = { within: 15_000 };

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

let gateway;
let proxy;
before(async () => {
  gateway = await Gateway.start(undefined, "--retain", "stock.few=10m/5", "--console", "on");
  proxy = await Proxy.start(gateway);
});
after(async () => {
  await proxy?.stop();
  await gateway?.discard();
});

/** Publishes stocks of a product, from one number to another. */
async function publish(id, from, to) {
  for (const number of numbers(from, to)) await gateway.publish(`stock.${id}`, stockEvent(id, number));
}

/** Where the stocks of a product are; `parameters` are more of the URL. */
function address(id, parameters = {}) {
  const url = new URL(proxy.url);
  const all = { query: stockChanged, variables: JSON.stringify({ id }), ...parameters };
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
  return url;
}

/** Opens a stream and keeps what it fires: stocks or codes of errors, each with the id that it leaves. */
function open(url) {
  const seen = { got: [], ids: [], asked: [] };
  const fetch = (url, init) => {
    seen.asked.push(init.headers["Last-Event-ID"]);
    return pageFetch(url, init);
  };
  const source = new EventSource(url, { fetch });
  source.addEventListener("next", ({ data, lastEventId }) => {
    const { data: result, errors } = JSON.parse(data);
    seen.got.push(errors ? errors[0].extensions.code : result.stockChanged.stock);
    seen.ids.push(lastEventId);
    assert(errors || !data.includes("cursor"), "the id is the cursor: the result is plain GraphQL");
  });
  const has = (value) =>
    until(`${value} arrives`, () => seen.got.includes(value), { ...backOff, state: () => JSON.stringify(seen) });
  return { seen, has, source };
}

/** Cuts the connection of the one subscriber, and keeps it so until `meanwhile` is done. */
async function away(meanwhile) {
  proxy.cut();
  await gateway.members(0);
  await meanwhile();
  proxy.mend();
}

describe("EventSource", () => {
  const checkStream = (name, body) =>
    check(name, async () => {
      const sources = [];
      try {
        await body((url) => {
          const stream = open(url);
          sources.push(stream.source);
          return stream;
        });
      } finally {
        proxy.mend();
        for (const source of sources) source.close();
      }
      await gateway.quiet();
    });

  checkStream("what was published while it was away arrives, once and in order", async (open) => {
    const { seen, has } = open(address("1"));
    await gateway.members(1);
    await publish("1", 1, 3);
    await has(3);
    await away(() => publish("1", 4, 30));
    await has(30);
    await publish("1", 31, 32);
    await has(32);
    assert.deepEqual(seen.got, numbers(1, 32));
    assert.equal(new Set(seen.ids).size, 32, "each event has an id of its own");
    assert(seen.ids.every((id) => /^[\w-]{84}$/.test(id)));
    assert.deepEqual([seen.asked[0], seen.asked.at(-1)], [undefined, seen.ids[2]]);
  });

  checkStream("a page that has kept an id begins there, and goes on from what it has then", async (open) => {
    const first = open(address("2"));
    await gateway.members(1);
    await publish("2", 1, 2);
    await first.has(2);
    first.source.close();
    await gateway.members(0);
    await publish("2", 3, 5);
    const { seen, has } = open(address("2", { lastEventId: first.seen.ids[0] }));
    await has(5);
    assert.deepEqual(seen.got, numbers(2, 5));
    await away(() => publish("2", 6, 8));
    await has(8);
    assert.deepEqual(seen.got, numbers(2, 8), "the id in the URL is the older one");
  });

  checkStream("who was away for too long is told so, and forgets where it was", async (open) => {
    const { seen, has } = open(address("few"));
    await gateway.members(1);
    await publish("few", 1, 1);
    await has(1);
    await away(() => publish("few", 2, 6));
    await has("RESUME_GAP");
    assert.deepEqual(seen.got, [1, "RESUME_GAP"]);
    assert.equal(seen.ids.at(-1), "");
    assert.equal(seen.asked.at(-1), seen.ids[0]);
    await gateway.members(1, backOff); // nobody has closed it
    assert.equal(seen.asked.at(-1), undefined, "it asks for no place any more");
    await publish("few", 7, 7);
    await has(7);
    assert.deepEqual(seen.got, [1, "RESUME_GAP", 7]);
  });

  checkStream("an id that is none is refused by RESUME_GAP", async (open) => {
    const { seen, has } = open(address("3", { lastEventId: "garbage" }));
    await has("RESUME_GAP");
    assert.deepEqual(seen.got, ["RESUME_GAP"]);
  });
});

describe("a browser's EventSource", () => {
  const expected = [/ERR_/]; // connections that break

  checkPage("what was published before its first event and while it was away arrives", async (t) => {
    const page = await openPage(t, `${proxy.origin}/console`, { expected });
    t.after(() => proxy.mend());
    await page.evaluate((url) => {
      window.seen = { got: [], ids: [] };
      const source = new EventSource(url);
      source.addEventListener("next", ({ data, lastEventId }) => {
        window.seen.got.push(JSON.parse(data).data.stockChanged.stock);
        window.seen.ids.push(lastEventId);
      });
    }, address("page").href);
    const has = (value) => page.waitForFunction((value) => window.seen.got.includes(value), value, { timeout: 15_000 });
    await gateway.members(1);
    await away(() => publish("page", 1, 5));
    await has(5);
    await publish("page", 6, 7);
    await has(7);
    await away(() => publish("page", 8, 20));
    await has(20);
    const { got, ids } = await page.evaluate(() => window.seen);
    assert.deepEqual(got, numbers(1, 20));
    assert.equal(new Set(ids).size, 20);
  });
});
