// How operations travel: queries and mutations by HTTP, streams by WebSocket or Server-Sent Events.
import type { FormattedExecutionResult } from 'graphql'
import { createClient as createEventClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import type { Request } from './operation'

export type Transport = 'websocket' | 'sse'
export type Headers = Record<string, string>
export type Result = FormattedExecutionResult<Record<string, unknown>, Record<string, unknown>>
export type Failure = NonNullable<Result['errors']>[number]

/** How a stream is connected, as its user is told. */
export type Link = 'connecting' | 'connected' | 'reconnecting'

/** What hears of a stream: after `end` nothing more. */
export interface Listener {
  link(state: Link): void
  result(result: Result): void
  end(failures: readonly Failure[]): void
}

/** Runs an operation that has one result. What goes wrong on the way is told as errors of GraphQL, too. */
export async function ask(url: URL, request: Request, headers: Headers): Promise<Result> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/graphql-response+json, application/json', ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })
    return await read(answer)
  } catch (problem) {
    return { errors: failuresOf(problem) }
  }
}

/** Starts a stream, which ends by itself or by the function that it returns. */
export function open(transport: Transport, url: URL, request: Request, headers: Headers, listener: Listener): () => void {
  listener.link('connecting')
  return transport === 'sse' ? openEvents(url, request, headers, listener) : openSocket(url, request, headers, listener)
}

// Each stream has a socket of its own, with the credentials that stood beside it when it was started.
function openSocket(url: URL, request: Request, headers: Headers, listener: Listener): () => void {
  const at = new URL(url)
  at.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  let connected = false
  const client = createSocketClient({
    url: at.href,
    connectionParams: headers,
    retryAttempts: Infinity,
    // What has never worked is said at once, and so is that credentials are not good (any more).
    shouldRetry: (problem) => connected && !(problem instanceof CloseEvent && problem.code === 4403),
    on: {
      connected: () => {
        connected = true
        listener.link('connected')
      },
      closed: () => listener.link('reconnecting'),
    },
  })
  client.subscribe<Record<string, unknown>, Record<string, unknown>>(paramsOf(request), {
    next: (result) => listener.result(result as Result),
    error: (problem) => listener.end(failuresOf(problem)),
    complete: () => listener.end([]),
  })
  return () => void client.dispose()
}

function openEvents(url: URL, request: Request, headers: Headers, listener: Listener): () => void {
  let connected = false
  let refusal: Response | undefined // instead of a stream
  const client = createEventClient({
    url: url.href,
    headers,
    fetchFn: async (at: string, init: RequestInit) => {
      const answer = await fetch(at, init)
      refusal = answer.ok ? undefined : answer
      return answer
    },
    retryAttempts: Infinity,
    // An error that is none of the network's ends the attempts.
    retry: async (retries) => {
      if (!connected || (refusal && !mayPass(refusal.status))) throw new Error('the gateway does not answer')
      listener.link('reconnecting')
      await pause(Math.min(1000 * 2 ** retries, 30_000))
    },
    on: {
      connected: () => {
        connected = true
        listener.link('connected')
      },
    },
  })
  client.subscribe<Record<string, unknown>, Record<string, unknown>>(paramsOf(request), {
    next: (result) => listener.result(result as Result),
    error: (problem) => void reasonOf(refusal, problem).then((failures) => listener.end(failures)),
    complete: () => listener.end([]),
  })
  return () => client.dispose()
}

/** A status that says: later. */
const mayPass = (status: number): boolean => status === 429 || status === 503

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds * (0.75 + Math.random() / 2)))

// An answer that is no stream says why in its body.
async function reasonOf(refusal: Response | undefined, problem: unknown): Promise<readonly Failure[]> {
  if (!refusal) return failuresOf(problem)
  const { errors } = await read(refusal).catch((unread: unknown) => ({ errors: failuresOf(unread) }))
  return errors ?? failuresOf(problem)
}

function paramsOf({ query, operationName, variables }: Request) {
  return { query, variables, operationName: operationName ?? undefined }
}

async function read(answer: Response): Promise<Result> {
  const text = await answer.text()
  try {
    return JSON.parse(text) as Result
  } catch {
    return { errors: [failure(`the gateway answered ${answer.status} ${answer.statusText}: ${text.slice(0, 200)}`, `HTTP_${answer.status}`)] }
  }
}

/** What went wrong, as errors of GraphQL. */
export function failuresOf(problem: unknown): readonly Failure[] {
  if (Array.isArray(problem)) return problem as Failure[]
  if (problem instanceof CloseEvent) return [failure(problem.reason || 'the connection was lost', `CLOSED_${problem.code}`)]
  if (problem instanceof Event) return [failure('the connection could not be opened', 'NETWORK')] // browsers do not say why
  return [failure(problem instanceof Error ? problem.message : String(problem), 'NETWORK')]
}

function failure(message: string, code: string): Failure {
  return { message, extensions: { code } }
}
