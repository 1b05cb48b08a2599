// A test with connections of one client. They end with it, so one that fails breaks no other.

import assert from "node:assert/strict";
import { check } from "./check.js";
import { until, within } from "./until.js";

/**
 * `body` gets `connect(options)`; the options are the client's adapter's. Afterwards the gateway that
 * `gateway()` returns must have forgotten every client.
 */
export function checkConnected(name, client, gateway, body) {
  check(name, async () => {
    const ends = [];
    const connect = (options) => {
      const made = client.connect(gateway(), options);
      ends.push(() => made.close());
      const subscribe = (...args) => {
        const subscription = made.subscribe(...args);
        ends.push(() => subscription.unsubscribe());
        return subscription;
      };
      return { ...made, subscribe };
    };
    try {
      await body(connect);
    } finally {
      for (const end of ends.reverse()) await end();
    }
    await gateway().quiet();
  });
}

/** Subscribes, and keeps the results; `ended` is the operation's end as `refusal` takes it. */
export function follow(connection, document, variables = {}) {
  const results = [];
  let unsubscribe;
  const ended = new Promise((resolve, reject) => {
    const onNext = (result) => (result.errors ? resolve(result) : results.push(result.data));
    const subscription = connection.subscribe(document, variables, onNext);
    subscription.done.then(() => resolve({ data: "the end" }), reject);
    unsubscribe = subscription.unsubscribe;
  });
  ended.catch(() => {}); // until somebody asks
  const received = (count) =>
    until(`${count} result(s) arrive`, () => results.length >= count, { state: () => JSON.stringify(results) });
  return { results, received, ended, unsubscribe };
}

/** What a client's socket goes through: its closes and the pongs it gets. */
export function watchSocket() {
  const seen = { opened: 0, closes: [], pongs: [] };
  const on = {
    connected: (socket) => {
      seen.socket = socket;
      seen.opened++;
    },
    closed: ({ code, reason }) => seen.closes.push(`${code} ${reason}`),
    pong: (received, payload) => received && payload && seen.pongs.push(payload),
  };
  return { seen, on };
}

/** The GraphQL errors of an operation, from where the client's user finds those of that kind. */
export async function refusal(client, kind, operation) {
  if (client.errors[kind] === "result") return (await within("a result with errors", operation)).errors;
  const thrown = await within(
    "the client throws",
    operation.then(
      (result) => assert.fail(`nothing was thrown, the result is ${JSON.stringify(result)}`),
      (error) => error,
    ),
  );
  if (thrown instanceof assert.AssertionError) throw thrown;
  return client.graphqlErrors(thrown);
}
