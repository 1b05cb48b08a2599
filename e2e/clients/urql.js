// urql, everything over graphql-ws or everything over fetch with subscriptions by SSE.

import assert from "node:assert/strict";
import { Client, CombinedError, fetchExchange, subscriptionExchange } from "urql";
import { onEnd, pipe, subscribe } from "wonka";
import { pageFetch } from "../support/browser.js";
import { authorization } from "../support/credentials.js";
import { webSocketClient } from "./graphql-ws.js";
import { resubscribing } from "./resubscribe.js";

function connection(client) {
  return {
    async query(text, variables) {
      const isMutation = text.trimStart().startsWith("mutation");
      const source = isMutation ? client.mutation(text, variables) : client.query(text, variables);
      const { data, error } = await source.toPromise();
      if (error) throw error;
      return { data };
    },
    subscribe(text, variables, onNext) {
      let subscription;
      const done = new Promise((complete, fail) => {
        subscription = pipe(
          client.subscription(text, variables),
          onEnd(complete),
          subscribe(({ data, error, hasNext }) => {
            if (error) fail(error);
            else if (hasNext) onNext({ data }); // the last result comes again when the stream ends
          }),
        );
      });
      // urql keeps what has failed for whoever asks for the same again, until nobody holds it any more.
      done.catch(() => subscription.unsubscribe());
      return { done, unsubscribe: () => subscription.unsubscribe() };
    },
    close() {},
  };
}

const kinds = ["validation", "execution", "subscription", "ended", "credentials"];
const errors = Object.fromEntries(kinds.map((kind) => [kind, "thrown"]));

function graphqlErrors(thrown) {
  assert(thrown instanceof CombinedError, `CombinedError, not ${thrown}`);
  assert.equal(thrown.networkError, undefined, "the network is not to blame");
  return thrown.graphQLErrors;
}

export const urqlOverWebSocket = {
  name: "urql over graphql-ws",
  transport: "WebSocket",
  connect(gateway, options) {
    const socket = webSocketClient(gateway, options);
    const forwardSubscription = ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    });
    const exchange = subscriptionExchange({ enableAllOperations: true, forwardSubscription });
    const made = connection(new Client({ url: gateway.url, exchanges: [exchange] }));
    return { ...made, close: () => socket.dispose() };
  },
  errors,
  graphqlErrors,
};

export const urqlOverSSE = {
  name: "urql over SSE",
  transport: "HTTP",
  connect(gateway, { token } = {}) {
    const made = connection(
      new Client({
        url: gateway.url,
        exchanges: [fetchExchange],
        fetchSubscriptions: true,
        fetch: pageFetch,
        fetchOptions: () => ({ headers: authorization(token) }),
      }),
    );
    return {
      ...made,
      subscribe: (text, variables, onNext) =>
        resubscribing((next) => made.subscribe(text, variables, next), onNext, (error) => !error.networkError),
    };
  },
  errors,
  graphqlErrors,
};
