// Apollo Client, everything over graphql-ws or everything over HTTP with multipart subscriptions.

import assert from "node:assert/strict";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { webSocketClient } from "./graphql-ws.js";
import { resubscribing } from "./resubscribe.js";

function connection(link) {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  return {
    query(text, variables) {
      const query = gql(text);
      const isMutation = query.definitions[0].operation === "mutation";
      return isMutation
        ? client.mutate({ mutation: query, variables })
        : client.query({ query, variables, fetchPolicy: "network-only" });
    },
    // Errors come as results with `error`, those that end the stream too.
    subscribe(text, variables, onNext) {
      let subscription;
      let unsubscribe;
      const done = new Promise((complete, fail) => {
        subscription = client.subscribe({ query: gql(text), variables }).subscribe({
          next: ({ data, error }) => (error ? fail(error) : onNext({ data })),
          error: fail,
          complete,
        });
        unsubscribe = () => {
          subscription.unsubscribe();
          complete();
        };
      });
      return { done, unsubscribe };
    },
    close: () => client.stop(),
  };
}

const errors = { validation: "thrown", execution: "thrown", subscription: "thrown" };

function graphqlErrors(thrown) {
  assert(CombinedGraphQLErrors.is(thrown), `CombinedGraphQLErrors, not ${thrown}`);
  return thrown.errors;
}

export const apolloOverWebSocket = {
  name: "Apollo Client over graphql-ws",
  connect(gateway, options) {
    const socket = webSocketClient(gateway, options);
    const made = connection(new GraphQLWsLink(socket));
    return {
      ...made,
      close() {
        made.close();
        return socket.dispose();
      },
    };
  },
  errors,
  graphqlErrors,
};

export const apolloOverMultipart = {
  name: "Apollo Client over HTTP multipart",
  connect(gateway) {
    const made = connection(new HttpLink({ uri: gateway.url }));
    return {
      ...made,
      subscribe: (text, variables, onNext) =>
        resubscribing((next) => made.subscribe(text, variables, next), onNext, CombinedGraphQLErrors.is),
    };
  },
  errors,
  graphqlErrors,
};
