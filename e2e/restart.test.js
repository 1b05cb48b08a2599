// The end of a gateway's process, as the one who restarts it sees it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe } from "node:test";
import { check } from "./support/check.js";
import { Gateway } from "./support/gateway.js";
import { Redis } from "./support/redis.js";
import { within } from "./support/until.js";

describe("SIGTERM", () => {
  let redis;
  let gateway;
  before(async () => {
    redis = await Redis.start();
    gateway = await Gateway.start(redis);
  });
  after(async () => {
    await gateway?.discard();
    await redis?.stop();
  });

  // Browsers open connections ahead of need, and so does Node's fetch after an aborted request.
  check("a connection that was opened and never used does not hold the gateway up", async () => {
    const unused = connect(Number(new URL(gateway.origin).port), "127.0.0.1");
    await once(unused, "connect");
    const closed = once(unused, "close");
    await gateway.quiet();
    assert.equal(await within("the gateway ends", gateway.stop(), 3_000), 0, "the exit code");
    await closed;
  });
});
