// Every client that the tests run, behind one small adapter:
//
//   name
//   transport   "WebSocket" or "HTTP"
//   connect(gateway, options) -> connection. Options, as far as the client has such a thing:
//     token                      sent with every connection or request, see support/credentials.js
//     retryAttempts, retryWait   left out, retries are as the client has them
//     on                         graphql-ws' listeners
//     links                      Apollo's, in front of its own
//     fetch                      what Apollo sends with over HTTP
//     query(document, variables)            a query's or mutation's execution result, or the client's error
//     subscribe(document, variables, onNext) -> { done, unsubscribe }
//                                           onNext gets execution results; `done` settles as the stream does
//     close()
//   forgetsStream   a refused operation makes the client leak its stream: give others another connection
//   errors   where the client's user finds GraphQL errors: "thrown", or in a "result"
//     validation, execution, subscription; ended: of a stream that the gateway ends;
//     credentials: that are bad, over HTTP
//   graphqlErrors(thrown) -> the list of GraphQL errors in what the client has thrown
//
// A client that comes back by itself after a lost connection does so with its own defaults. For the
// others the adapter does what their application has to: subscribe again.

import { apolloOverMultipart, apolloOverWebSocket } from "./apollo.js";
import { graphqlSSE, graphqlSSESingle } from "./graphql-sse.js";
import { graphqlWS } from "./graphql-ws.js";
import { urqlOverSSE, urqlOverWebSocket } from "./urql.js";

export const clients = [
  graphqlWS,
  graphqlSSE,
  graphqlSSESingle,
  apolloOverWebSocket,
  apolloOverMultipart,
  urqlOverWebSocket,
  urqlOverSSE,
];
