// What GraphiQL calls to run an operation.
import type { FetcherOpts, FetcherParams } from '@graphiql/toolkit'
import type { IntrospectionQuery } from 'graphql'
import { isStream, named, title, type Request } from './operation'
import { describe, readPolicy, rulesOf, type Policy, type Rule } from './policy'
import type { Runs, Watchable } from './runs'
import { ask, open, type Headers, type Result, type Transport } from './transport'

export interface Wiring {
  url: URL // of GraphQL
  schema: URL // of the schema's text
  runs: Runs
  transport: () => Transport // of streams that are started from now on
  learned: (rules: readonly Rule[] | undefined) => void // of each introspection; undefined: the gateway tells no policy
}

export type Run = (params: FetcherParams, options?: FetcherOpts) => Promise<Result> | Watchable

/** Makes a fetcher: streams go by WebSocket or Server-Sent Events, all else by HTTP. */
export function newFetcher(wiring: Wiring): Run {
  return (params, options) => {
    const request = requestOf(params)
    const headers = headersOf(options)
    if (params.operationName === 'IntrospectionQuery') return introspect(wiring, request, headers)
    if (!isStream(request)) return ask(wiring.url, request, headers)
    const transport = wiring.transport()
    return wiring.runs.start(title(request), transport, (listener) => open(transport, wiring.url, request, headers, listener))
  }
}

async function introspect(wiring: Wiring, request: Request, headers: Headers): Promise<Result> {
  const [result, policy] = await Promise.all([ask(wiring.url, request, headers), policyOf(wiring.schema)])
  const known = result.data as unknown as IntrospectionQuery | undefined
  wiring.learned(known && policy && rulesOf(known, policy))
  if (!known || !policy) return result
  return { ...result, data: { ...describe(known, policy) } }
}

// Gateways that let nobody introspect have no such text, and neither have other servers.
async function policyOf(schema: URL): Promise<Policy | undefined> {
  try {
    const answer = await fetch(schema)
    return answer.ok ? readPolicy(await answer.text()) : undefined
  } catch {
    return undefined
  }
}

function requestOf({ query, operationName, variables }: FetcherParams): Request {
  return named({ query, operationName, variables: variables as Record<string, unknown> | undefined })
}

function headersOf(options: FetcherOpts | undefined): Headers {
  return Object.fromEntries(Object.entries(options?.headers ?? {}).map(([name, value]) => [name, String(value)]))
}
