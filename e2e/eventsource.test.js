// A browser's EventSource, which knows no GraphQL: GET requests, `next` and `complete` events.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { EventSource } from "eventsource";
import { foreignFetch, pageFetch } from "./support/browser.js";
import { check } from "./support/check.js";
import { sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { Redis } from "./support/redis.js";
import { orderEvent, orderStatusChanged, priceChanged, priceEvent, productQuery } from "./support/shop.js";
import { until } from "./support/until.js";

describe("EventSource", () => {
  let redis;
  let gateway;
  before(async () => {
    redis = await Redis.start();
    gateway = await Gateway.start(redis, "--auth-parameter", "access_token", "--auth-cookie", "session");
  });
  after(async () => {
    await gateway?.discard();
    await redis?.stop();
  });

  /** Opens a stream and keeps what it fires: the names and data of events. */
  const open = (query, variables, { fetch = pageFetch, token } = {}) => {
    const url = new URL(gateway.url);
    if (token) url.searchParams.set("access_token", token);
    url.searchParams.set("query", query);
    url.searchParams.set("variables", JSON.stringify(variables));
    const source = new EventSource(url, { fetch });
    const fired = [];
    source.addEventListener("next", ({ data }) => fired.push(["next", JSON.parse(data)]));
    source.addEventListener("complete", ({ data }) => {
      fired.push(["complete", data]);
      source.close(); // or it would ask again
    });
    const errors = [];
    source.addEventListener("error", (error) => errors.push(error));
    return { source, fired, errors };
  };

  check("a subscription fires `next` for every event", async () => {
    const { source, fired } = open(priceChanged, { ids: ["1"] });
    await gateway.members(1);
    const notes = ["one", "two\n\nthree", "four"];
    for (const note of notes) await redis.publish("price.1", priceEvent("1", note));
    await until("three events", () => fired.length >= notes.length, { state: () => JSON.stringify(fired) });
    assert.deepEqual(
      fired.map(([name, result]) => [name, result.data.priceChanged.note]),
      notes.map((note) => ["next", note]),
    );
    source.close();
    await gateway.quiet();
  });

  check("a query fires `next` once, then `complete`", async () => {
    const { fired } = open(productQuery, { id: "1" });
    await until("the stream is complete", () => fired.length >= 2, { state: () => JSON.stringify(fired) });
    assert.deepEqual(
      fired.map(([name]) => name),
      ["next", "complete"],
    );
    assert.equal(fired[0][1].data.product.id, "1");
    assert.equal(fired[1][1], "");
    await gateway.quiet();
  });

  check("a subscription that is not valid fires its errors, then `complete`", async () => {
    const { fired } = open("subscription { nonsense }", {});
    await until("the stream is complete", () => fired.length >= 2, { state: () => JSON.stringify(fired) });
    assert.deepEqual(
      fired.map(([name]) => name),
      ["next", "complete"],
    );
    assert.equal(fired[0][1].errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
    await gateway.quiet();
  });

  check("the page of another origin is refused", async () => {
    const { source, fired, errors } = open(productQuery, { id: "1" }, { fetch: foreignFetch });
    await until("the stream is refused", () => errors.length > 0);
    assert.equal(errors[0].code, 403);
    assert.equal(source.readyState, EventSource.CLOSED, "it does not ask again");
    assert.deepEqual(fired, []);
  });

  const codes = (fired) => fired.map(([name, result]) => [name, result?.errors?.[0].extensions.code]);

  check("a token in the URL, once expired, fires its error, then `complete`", async () => {
    const { fired } = open(orderStatusChanged, {}, { token: sign("ann", { life: 1 }) });
    await gateway.members(1);
    await redis.publish("order.ann", orderEvent("1", "ann"));
    await until("the stream is complete", () => fired.length >= 3, { state: () => JSON.stringify(fired) });
    assert.equal(fired[0][1].data.orderStatusChanged.orderId, "1");
    assert.deepEqual(codes(fired).slice(1), [
      ["next", "TOKEN_EXPIRED"],
      ["complete", undefined],
    ]);
    await gateway.quiet();
  });

  check("a cookie of the gateway's own page will do", async () => {
    const Cookie = `session=${sign("ann")}`;
    const fetch = (url, init) => pageFetch(url, { ...init, headers: { ...init.headers, Cookie } });
    const { source, fired } = open(orderStatusChanged, {}, { fetch });
    await gateway.members(1);
    await redis.publish("order.ann", orderEvent("1", "ann"));
    await until("an event", () => fired.length > 0);
    assert.equal(fired[0][1].data.orderStatusChanged.orderId, "1");
    source.close();
    await gateway.quiet();
  });

  check("without a token a private subscription fires its error, then `complete`", async () => {
    const { fired } = open(orderStatusChanged, {});
    await until("the stream is complete", () => fired.length >= 2, { state: () => JSON.stringify(fired) });
    assert.deepEqual(codes(fired), [
      ["next", "UNAUTHENTICATED"],
      ["complete", undefined],
    ]);
    await gateway.quiet();
  });

  check("a bad token is refused for good", async () => {
    const { source, errors } = open(orderStatusChanged, {}, { token: "wrong" });
    await until("the stream is refused", () => errors.length > 0);
    assert.equal(errors[0].code, 401);
    assert.equal(source.readyState, EventSource.CLOSED, "it does not ask again");
  });
});
