// What GraphiQL calls to run an operation.
import type { FetcherOpts, FetcherParams } from '@graphiql/toolkit'
import type { IntrospectionQuery } from 'graphql'
import { askDirectives } from '../shared/directives'
import { later } from './later'
import { isStream, named, title, type Request } from './operation'
import { describe, rulesOf, type Rule } from './policy'
import type { Runs, Watchable } from './runs'
import { ask, open, type Headers, type Result, type Transport } from './transport'

export interface Wiring {
  url: URL // of GraphQL
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
  await new Promise<void>(later)
  const [result, directives] = await Promise.all([ask(wiring.url, request, headers), askDirectives()])
  const known = result.data as unknown as IntrospectionQuery | undefined
  wiring.learned(known && directives && rulesOf(known, directives))
  if (!known || !directives) return result
  return { ...result, data: { ...describe(known, directives) } }
}

function requestOf({ query, operationName, variables }: FetcherParams): Request {
  return named({ query, operationName, variables: variables as Record<string, unknown> | undefined })
}

function headersOf(options: FetcherOpts | undefined): Headers {
  return Object.fromEntries(Object.entries(options?.headers ?? {}).map(([name, value]) => [name, String(value)]))
}
