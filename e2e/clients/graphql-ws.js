// graphql-ws, the reference client of graphql-transport-ws.

import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { connection } from "./sink.js";

// Clients look for it where browsers have it; Node has its own from version 22 on.
globalThis.WebSocket ??= WebSocket;

/** The client that Apollo and urql are given too. */
export function webSocketClient(gateway, { retryAttempts } = {}) {
  return createClient({ url: gateway.webSocketURL, retryAttempts });
}

export const graphqlWS = {
  name: "graphql-ws",
  connect: (gateway, options) => connection(webSocketClient(gateway, options)),
  errors: { validation: "thrown", execution: "result", subscription: "thrown" },
  graphqlErrors(thrown) {
    assert(Array.isArray(thrown), `a list of GraphQL errors, not ${thrown}`);
    return thrown;
  },
};
