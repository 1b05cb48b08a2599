// graphql-sse, the reference client of GraphQL over SSE, in both modes.

import assert from "node:assert/strict";
import { createClient, NetworkError } from "graphql-sse";
import { authorization } from "../support/credentials.js";
import { connection } from "./sink.js";

const settings = ({ token, retryAttempts, retryWait } = {}) => ({
  headers: () => authorization(token),
  retryAttempts,
  retry: retryWait,
});

async function refused(thrown) {
  assert(thrown instanceof NetworkError && thrown.response, `an answer of the gateway, not ${thrown}`);
  return (await thrown.response.json()).errors;
}

export const graphqlSSE = {
  name: "graphql-sse, distinct connections",
  transport: "HTTP",
  connect: (gateway, options) => connection(createClient({ url: gateway.url, ...settings(options) })),
  errors: { validation: "result", execution: "result", subscription: "result", ended: "result", credentials: "thrown" },
  graphqlErrors: refused,
};

/** This client aborts a refused request before its user can read why; the answer is read before. */
async function readRefusals(url, init) {
  const answer = await fetch(url, init);
  if (!answer.headers.get("content-type")?.includes("json")) return answer;
  return new Response(await answer.text(), answer);
}

export const graphqlSSESingle = {
  name: "graphql-sse, single connection",
  transport: "HTTP",
  connect(gateway, options) {
    const single = { singleConnection: true, fetchFn: readRefusals };
    return connection(createClient({ url: gateway.streamURL, ...single, ...settings(options) }));
  },
  // A request that is refused is answered to the request, and this client throws every answer but 202.
  // Then it opens another stream for what comes next and never closes the one it has, not even at its end.
  forgetsStream: true,
  errors: { validation: "thrown", execution: "result", subscription: "thrown", ended: "result", credentials: "thrown" },
  graphqlErrors: refused,
};
