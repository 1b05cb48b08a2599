// Subscriptions of clients that go on where they were, and the tests that have some.

import { setTimeout as pause } from "node:timers/promises";
import { check } from "./check.js";
import { stockChanged } from "./shop.js";
import { until } from "./until.js";

/** A client's own back-off: 1 to 4 s after the first loss. */
const backOff = { within: 20_000 };

/** An error, or the event of a socket's close, as text. */
const describe = (error) => error.stack ?? `${error.type} ${error.code} ${error.reason}`;

/** Subscribes, and keeps what the application is told: stocks, or statuses, and how it ended. */
export function listen(client, gateway, { query = stockChanged, variables, place }, options) {
  const seen = { got: [], extensions: [] };
  const sink = {
    next({ data, extensions }) {
      const [value] = Object.values(data);
      seen.got.push(value.stock ?? value.orderId);
      seen.extensions.push(extensions);
    },
    refused: (errors) => (seen.refused = errors),
    failed: (error) => (seen.failed = error),
  };
  const { stop } = client.listen(gateway, { query, variables, place }, sink, options);
  const wait = (what, condition) =>
    until(
      what,
      () => {
        if (seen.failed) throw new Error(`the subscription failed: ${describe(seen.failed)}`);
        return condition();
      },
      { ...backOff, state: () => `after ${JSON.stringify(seen)}` },
    );
  const has = (value) => wait(`${value} arrives`, () => seen.refused || seen.got.includes(value));
  const refusal = async () => (await wait("it is refused", () => seen.refused))[0];
  return { seen, has, refusal, stop };
}

/** A test with streams of a gateway behind a proxy, which end with it: `body` gets a `listen` that needs no end. */
export function checkStreams(name, at, body) {
  check(name, async () => {
    const ends = [];
    try {
      await body((...args) => {
        const stream = listen(...args);
        ends.push(stream.stop);
        return stream;
      });
    } finally {
      at.proxy.mend();
      for (const end of ends.reverse()) await end();
    }
    await at.gateway.quiet();
  });
}

/** Options of a client that comes back soon. */
export const soon = { retryWait: () => pause(50) };
