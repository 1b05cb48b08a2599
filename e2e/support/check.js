// One test: with a deadline, and with the gateways' logs when it fails.

import { it } from "node:test";
import { takeLogs } from "./gateway.js";
import { within } from "./until.js";

export function check(name, body) {
  it(name, async () => {
    takeLogs(); // of the tests before
    try {
      await within("the end of the test", body(), 40_000);
    } catch (error) {
      console.error(`${name}: failed\n${takeLogs()}`);
      throw error;
    }
  });
}
