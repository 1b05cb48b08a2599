// Apollo Client, everything over graphql-ws or everything over HTTP with multipart subscriptions.

import assert from "node:assert/strict";
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors, CombinedProtocolErrors } from "@apollo/client/errors";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { authorization } from "../support/credentials.js";
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

const kinds = ["validation", "execution", "subscription", "ended", "credentials"];
const errors = Object.fromEntries(kinds.map((kind) => [kind, "thrown"]));

/** A protocol error after which subscribing again with the same credentials is no use. */
function isTheEnd(error) {
  const codes = ["TOKEN_EXPIRED", "KEY_REVOKED"];
  return CombinedProtocolErrors.is(error) && error.errors.some(({ extensions }) => codes.includes(extensions.code));
}

function graphqlErrors(thrown) {
  assert(CombinedGraphQLErrors.is(thrown) || isTheEnd(thrown), `CombinedGraphQLErrors, not ${thrown}`);
  return thrown.errors;
}

export const apolloOverWebSocket = {
  name: "Apollo Client over graphql-ws",
  transport: "WebSocket",
  connect(gateway, { links = [], ...options } = {}) {
    const socket = webSocketClient(gateway, options);
    const made = connection(ApolloLink.from([...links, new GraphQLWsLink(socket)]));
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

const isFinal = (error) => CombinedGraphQLErrors.is(error) || isTheEnd(error);

export const apolloOverMultipart = {
  name: "Apollo Client over HTTP multipart",
  transport: "HTTP",
  connect(gateway, { token, links = [], fetch } = {}) {
    const credentials = new SetContextLink(({ headers }) => ({ headers: { ...headers, ...authorization(token) } }));
    const http = new HttpLink({ uri: gateway.url, fetch });
    const made = connection(ApolloLink.from([...links, credentials, http]));
    return {
      ...made,
      subscribe: (text, variables, onNext) =>
        resubscribing((next) => made.subscribe(text, variables, next), onNext, isFinal),
    };
  },
  errors,
  graphqlErrors,
};
