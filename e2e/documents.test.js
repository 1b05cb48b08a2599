// Documents that clients name instead of sending them: by Apollo's link for persisted queries, by an
// exchange of urql's, by what an application adds to a request of graphql-ws.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { gql, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { print } from "graphql";
import { Client, fetchExchange, mapExchange } from "urql";
import { apolloOverMultipart as apollo, apolloOverWebSocket } from "./clients/apollo.js";
import { graphqlWS, webSocketClient } from "./clients/graphql-ws.js";
import { clients } from "./clients/index.js";
import { pageFetch } from "./support/browser.js";
import { check } from "./support/check.js";
import { checkConnected, follow, refusal } from "./support/connected.js";
import { adminKey } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { folder } from "./support/process.js";
import { Redis } from "./support/redis.js";
import { changePrice, priceChanged, priceEvent, productQuery } from "./support/shop.js";
import { within } from "./support/until.js";

let redis;
before(async () => (redis = await Redis.start()));
after(() => redis?.stop());

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A fetch that notes how each request names its document. */
function watchedFetch() {
  const sent = [];
  const fetch = (url, init) => {
    const { searchParams } = new URL(url);
    const text = init.body ? JSON.parse(init.body).query : searchParams.get("query");
    sent.push(`${init.method}: ${text ? "text" : "hash"}`);
    return pageFetch(url, init);
  };
  return { sent, fetch };
}

describe("automatic persisted queries", () => {
  let gateway;
  before(async () => (gateway = await Gateway.start(redis)));
  after(() => gateway?.discard());

  const connected = (name, body) => checkConnected(name, apollo, () => gateway, body);
  const persisted = (options) => ({ links: [new PersistedQueryLink({ sha256, ...options })], token: adminKey });

  connected("a text is sent once for all clients, then its hash will do", async (connect) => {
    const { sent, fetch } = watchedFetch();
    const first = connect({ ...persisted(), fetch });
    const second = connect({ ...persisted(), fetch });
    for (const connection of [first, first, second]) {
      const { data } = await connection.query(productQuery, { id: "1" });
      assert.equal(data.product.id, "1");
    }
    assert.deepEqual(sent, ["POST: hash", "POST: text", "POST: hash", "POST: hash"]);
  });

  connected("a hash may come by GET", async (connect) => {
    const { sent, fetch } = watchedFetch();
    const connection = connect({ ...persisted({ useGETForHashedQueries: true }), fetch });
    const another = productQuery.replace("query Product", "query ByGet");
    for (let i = 0; i < 2; i++) {
      const { data } = await connection.query(another, { id: "1" });
      assert.equal(data.product.id, "1");
    }
    assert.deepEqual(sent, ["GET: hash", "POST: text", "GET: hash"]);
  });

  connected("mutations and subscriptions may be named by their hashes too", async (connect) => {
    const { sent, fetch } = watchedFetch();
    const connection = connect({ ...persisted(), fetch });
    for (let i = 1; i <= 2; i++) {
      const { results, received } = follow(connection, priceChanged, { ids: [String(i)] });
      await gateway.members(i);
      await connection.query(changePrice, { id: String(i), price: "4.00", note: `note ${i}` });
      await received(1);
      assert.equal(results[0].priceChanged.note, `note ${i}`);
    }
    assert.deepEqual(sent, [...Array(2).fill(["POST: hash", "POST: text"]), "POST: hash", "POST: hash"].flat());
  });
});

const stockQuery = /* GraphQL */ `
  query Stock {
    product(id: "1") {
      id
      stock
    }
  }
`;

/** A text as Apollo's tool writes it to a manifest: as its client would send it. */
const asSent = (text) => print(new InMemoryCache().transformDocument(gql(text)));

describe("trusted documents only", () => {
  // As in a manifest of Apollo's: ids are the front end's, and need not be hashes.
  const operations = [
    { id: "product-1", name: "Product", type: "query", body: productQuery },
    { id: "prices-1", name: "PriceChanged", type: "subscription", body: priceChanged },
    { id: "stock-1", name: "Stock", type: "query", body: asSent(stockQuery) },
  ];
  const idOf = (document) => operations.find(({ name }) => name === document.definitions[0].name?.value)?.id ?? "none";

  let gateway;
  before(async () => {
    const manifest = join(folder(), "manifest.json");
    writeFileSync(manifest, JSON.stringify({ format: "apollo-persisted-query-manifest", version: 1, operations }));
    gateway = await Gateway.start(redis, "--documents", manifest, "--documents-only");
  });
  after(() => gateway?.discard());

  const named = () => ({ links: [new PersistedQueryLink({ generateHash: idOf })] });

  checkConnected("Apollo's link names them by their ids", apollo, () => gateway, async (connect) => {
    const { sent, fetch } = watchedFetch();
    const connection = connect({ ...named(), fetch });
    const { data } = await connection.query(productQuery, { id: "1" });
    assert.equal(data.product.id, "1");
    const prices = follow(connection, priceChanged, { ids: ["1"] });
    await gateway.members(1);
    await redis.publish("price.1", priceEvent("1", "to Apollo"));
    await prices.received(1);
    assert.deepEqual(sent, ["POST: hash", "POST: hash"]);
  });

  checkConnected("what Apollo's link cannot name is refused, its text too", apollo, () => gateway, async (connect) => {
    const { sent, fetch } = watchedFetch();
    const connection = connect({ ...named(), fetch });
    const [error] = await refusal(apollo, "validation", connection.query("query Other { __typename }", {}));
    assert.equal(error.extensions.code, "PERSISTED_QUERY_REQUIRED");
    assert.deepEqual(sent, ["POST: hash", "POST: text"]);
  });

  const sendsText = "Apollo's link over graphql-ws sends the text too, which must be the manifest's";
  checkConnected(sendsText, apolloOverWebSocket, () => gateway, async (connect) => {
    const connection = connect(named());
    const { data } = await connection.query(stockQuery, {});
    assert.equal(data.product.id, "1");
    const [error] = await refusal(apolloOverWebSocket, "validation", connection.query(productQuery, { id: "1" }));
    assert.equal(error.extensions.code, "PERSISTED_QUERY_REQUIRED");
  });

  check("urql names them by an exchange", async () => {
    const { sent, fetch } = watchedFetch();
    const naming = mapExchange({
      onOperation(operation) {
        const persistedQuery = { version: 1, sha256Hash: idOf(operation.query) };
        return { ...operation, extensions: { ...operation.extensions, persistedQuery } };
      },
    });
    const client = new Client({ url: gateway.url, exchanges: [naming, fetchExchange], preferGetMethod: false, fetch });
    const { data, error } = await client.query(productQuery, { id: "1" }).toPromise();
    assert.equal(error, undefined);
    assert.equal(data.product.id, "1");
    assert.deepEqual(sent, ["POST: hash"]);
    await gateway.quiet();
  });

  for (const [how, name] of [
    ["documentId", { documentId: "prices-1" }],
    ["their hash", { documentId: `sha256:${sha256(priceChanged)}` }],
    ["Apollo's extension", { extensions: { persistedQuery: { version: 1, sha256Hash: "prices-1" } } }],
  ]) {
    check(`graphql-ws names them by ${how}`, async () => {
      const socket = webSocketClient(gateway);
      try {
        // This client sends nothing without a text, be it an empty one.
        const prices = socket.iterate({ query: "", ...name, variables: { ids: ["1"] } });
        const next = prices.next();
        await gateway.members(1);
        await redis.publish("price.1", priceEvent("1", how));
        const { value } = await within("an event", next);
        assert.equal(value.data.priceChanged.note, how);
      } finally {
        await socket.dispose();
      }
      await gateway.quiet();
    });
  }

  checkConnected("the text of one is as good as its name", graphqlWS, () => gateway, async (connect) => {
    const { data } = await connect().query(productQuery, { id: "1" });
    assert.equal(data.product.id, "1");
  });

  for (const client of clients) {
    checkConnected(`${client.name}: any other text is refused`, client, () => gateway, async (connect) => {
      const connection = connect({ retryAttempts: 0 });
      const query = connection.query("query { __typename }", {});
      const subscription = follow(connection, "subscription { priceChanged { price } }").ended;
      for (const errors of [
        await refusal(client, "validation", query),
        await refusal(client, "subscription", subscription),
      ]) {
        assert.equal(errors[0].extensions.code, "PERSISTED_QUERY_REQUIRED");
      }
    });
  }
});
