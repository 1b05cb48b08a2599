// Programs to paste, for the clients that people have: each runs one operation and prints what it gets.

import type { Example } from './example'

export interface Snippet {
  name: string
  language: 'js' | 'sh'
  text: string
  /** What to know before pasting it. */
  note?: string
}

/** What stands in the place of the key. */
export const placeholder = 'YOUR_KEY'

interface Call extends Example {
  /** Such as https://api.example/graphql. */
  endpoint: string
  /** The operation needs credentials, or is to be counted for its caller. */
  credentials: boolean
}

export function snippets(call: Call): Snippet[] {
  const all = [apollo(call), urql(call), graphqlWS(call), graphqlSSE(call)]
  return call.stream ? [...all, eventSource(call), curl(call)] : [...all, curl(call)]
}

const bearer = `Bearer ${placeholder}`
const inNode = 'In Node before version 22, run it with --experimental-websocket.'

function socketURL(endpoint: string): string {
  return endpoint.replace(/^http/, 'ws')
}

function lines(...text: (string | false)[]): string {
  return text.filter((line) => line !== false).join('\n')
}

function literal({ document }: Example, indent: string): string {
  return `\`\n${document.replaceAll('`', '\\`').replace(/^/gm, `${indent}  `)}\n${indent}\``
}

function object(variables: Record<string, unknown>): string {
  return JSON.stringify(variables)
}

function socketClient({ endpoint, credentials }: Call, name: string): string {
  return lines(
    `const ${name} = createClient({`,
    `  url: '${socketURL(endpoint)}',`,
    credentials && `  connectionParams: { Authorization: '${bearer}' },`,
    `})`,
  )
}

function graphqlWS(call: Call): Snippet {
  const text = lines(
    `import { createClient } from 'graphql-ws'`,
    ``,
    socketClient(call, 'client'),
    ``,
    `const results = client.iterate({`,
    `  query: ${literal(call, '  ')},`,
    `  variables: ${object(call.variables)},`,
    `})`,
    `for await (const result of results) console.log(JSON.stringify(result))`,
  )
  return { name: 'graphql-ws', language: 'js', text, note: `npm install graphql-ws graphql. ${inNode}` }
}

function graphqlSSE(call: Call): Snippet {
  const text = lines(
    `import { createClient } from 'graphql-sse'`,
    ``,
    `const client = createClient({`,
    `  url: '${call.endpoint}',`,
    call.credentials && `  headers: { Authorization: '${bearer}' },`,
    `})`,
    ``,
    `const results = client.iterate({`,
    `  query: ${literal(call, '  ')},`,
    `  variables: ${object(call.variables)},`,
    `})`,
    `for await (const result of results) console.log(JSON.stringify(result))`,
  )
  return {
    name: 'graphql-sse',
    language: 'js',
    text,
    note: 'npm install graphql-sse graphql. It goes through proxies that know no WebSockets.',
  }
}

function verb({ document }: Example): string {
  return document.slice(0, document.search(/[^a-z]/))
}

function apollo(call: Call): Snippet {
  const subscribe = verb(call) === 'subscription'
  const option = verb(call) === 'mutation' ? 'mutation' : 'query'
  const start = subscribe ? 'subscribe' : verb(call) === 'mutation' ? 'mutate' : call.stream ? 'watchQuery' : 'query'
  const text = lines(
    `import { ApolloClient, gql, InMemoryCache } from '@apollo/client'`,
    `import { GraphQLWsLink } from '@apollo/client/link/subscriptions'`,
    `import { createClient } from 'graphql-ws'`,
    ``,
    socketClient(call, 'socket'),
    ``,
    `const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() })`,
    call.stream ? `client` : `const result = await client`,
    `  .${start}({`,
    `    ${option}: gql${literal(call, '    ')},`,
    `    variables: ${object(call.variables)},`,
    `  })`,
    call.stream && `  .subscribe((result) => console.log(JSON.stringify(result)))`,
    !call.stream && `console.log(JSON.stringify(result))`,
    !call.stream && `await socket.dispose()`,
  )
  return { name: 'Apollo', language: 'js', text, note: `npm install @apollo/client rxjs graphql graphql-ws. ${inNode}` }
}

function urql(call: Call): Snippet {
  const text = lines(
    `import { Client, subscriptionExchange } from '@urql/core'`,
    `import { createClient } from 'graphql-ws'`,
    ``,
    socketClient(call, 'socket'),
    ``,
    `const client = new Client({`,
    `  url: '${call.endpoint}',`,
    `  exchanges: [`,
    `    subscriptionExchange({`,
    `      enableAllOperations: true,`,
    `      forwardSubscription: (request) => ({`,
    `        subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),`,
    `      }),`,
    `    }),`,
    `  ],`,
    `})`,
    ``,
    `const document = ${literal(call, '')}`,
    call.stream
      ? `client.${verb(call)}(document, ${object(call.variables)}).subscribe(({ data, error }) => console.log(JSON.stringify(error ?? data)))`
      : lines(
          `const { data, error } = await client.${verb(call)}(document, ${object(call.variables)}).toPromise()`,
          `console.log(JSON.stringify(error ?? data))`,
          `await socket.dispose()`,
        ),
  )
  return { name: 'urql', language: 'js', text, note: `npm install @urql/core graphql graphql-ws. ${inNode}` }
}

function eventSource(call: Call): Snippet {
  const text = lines(
    `const url = new URL('${call.endpoint}')`,
    `url.searchParams.set('query', ${literal(call, '')})`,
    `url.searchParams.set('variables', ${JSON.stringify(object(call.variables))})`,
    ``,
    `const source = new EventSource(url)`,
    `source.addEventListener('next', ({ data }) => console.log(data))`,
    `source.addEventListener('complete', () => source.close())`,
  )
  const needs =
    'An EventSource sends no headers: a key goes into a cookie or a parameter, which the gateway names by --auth-cookie or --auth-parameter.'
  return {
    name: 'EventSource',
    language: 'js',
    text,
    note: `For pages of this origin, or one that the gateway lists. ${call.credentials ? needs : ''}`.trim(),
  }
}

function curl(call: Call): Snippet {
  const body = JSON.stringify({ query: call.document, variables: call.variables }).replaceAll("'", `'\\''`)
  const text = lines(
    `curl ${call.stream ? '-N ' : ''}'${call.endpoint}' \\`,
    call.credentials && `  -H 'Authorization: ${bearer}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    call.stream && `  -H 'Accept: text/event-stream' \\`,
    `  -d '${body}'`,
  )
  return { name: 'curl', language: 'sh', text }
}
