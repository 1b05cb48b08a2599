// graphql-ws, the reference client of graphql-transport-ws.

import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { authorization } from "../support/credentials.js";
import { connection } from "./sink.js";

/**
 * One that fires each message as an event of its own, as those of browsers do. Without that,
 * graphql-ws lets go of its socket twice when the user stops at a `next` and `complete` is in the
 * same read: it closes the socket while a subscription of somebody else runs, and calls that complete.
 */
class BrowserWebSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { allowSynchronousEvents: false });
  }
}

// Apollo looks for its constants where browsers have them; Node has its own from version 22 on.
globalThis.WebSocket ??= BrowserWebSocket;

/** The client that Apollo and urql are given too. */
export function webSocketClient(gateway, { token, retryAttempts, retryWait, on } = {}) {
  const connectionParams = () => authorization(token);
  const settings = { connectionParams, retryAttempts, retryWait, on };
  return createClient({ url: gateway.webSocketURL, webSocketImpl: BrowserWebSocket, ...settings });
}

export const graphqlWS = {
  name: "graphql-ws",
  transport: "WebSocket",
  connect: (gateway, options) => connection(webSocketClient(gateway, options)),
  errors: { validation: "thrown", execution: "result", subscription: "thrown", ended: "thrown" },
  graphqlErrors(thrown) {
    assert(Array.isArray(thrown), `a list of GraphQL errors, not ${thrown}`);
    return thrown;
  },
};
