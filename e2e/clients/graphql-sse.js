// graphql-sse, the reference client of GraphQL over SSE, in both modes.

import assert from "node:assert/strict";
import { createClient, NetworkError } from "graphql-sse";
import { connection } from "./sink.js";

export const graphqlSSE = {
  name: "graphql-sse, distinct connections",
  connect: (gateway, { retryAttempts } = {}) => connection(createClient({ url: gateway.url, retryAttempts })),
  errors: { validation: "result", execution: "result", subscription: "result" },
};

/** This client aborts a refused request before its user can read why; the answer is read before. */
async function readRefusals(url, init) {
  const answer = await fetch(url, init);
  if (!answer.headers.get("content-type")?.includes("json")) return answer;
  return new Response(await answer.text(), answer);
}

export const graphqlSSESingle = {
  name: "graphql-sse, single connection",
  connect: (gateway, { retryAttempts } = {}) =>
    connection(
      createClient({ url: gateway.streamURL, singleConnection: true, retryAttempts, fetchFn: readRefusals }),
    ),
  // A request that is refused is answered to the request, and this client throws every answer but 202.
  errors: { validation: "thrown", execution: "result", subscription: "thrown" },
  async graphqlErrors(thrown) {
    assert(thrown instanceof NetworkError && thrown.response, `an answer of the gateway, not ${thrown}`);
    return (await thrown.response.json()).errors;
  },
};
