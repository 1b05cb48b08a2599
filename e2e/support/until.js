// Waiting for a condition, never for a time.

import { setTimeout as pause } from "node:timers/promises";

/** How long anything may take that is not a client's own back-off. */
export const patience = 10_000;

/** Asks until `condition` returns something true, and returns that. */
export async function until(what, condition, { within = patience, state = () => "" } = {}) {
  const deadline = performance.now() + within;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) {
      throw new Error(`not within ${within} ms: ${what} ${state()}`.trimEnd());
    }
    await pause(5);
  }
}

/** What `promise` resolves to, or a failure that says what was waited for. */
export async function within(what, promise, ms = patience) {
  const stop = new AbortController();
  const late = pause(ms, undefined, { signal: stop.signal }).then(
    () => {
      throw new Error(`not within ${ms} ms: ${what}`);
    },
    () => {}, // in time
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}
