// A client of the gateway's own API: an ordinary one, as any page of yours would have it.
import { createClient, type Client } from 'graphql-ws'

export interface GraphQLError {
  message: string
  path?: (string | number)[]
  extensions?: { code?: string; [name: string]: unknown }
}

export interface Result<T> {
  data?: T | null
  errors?: GraphQLError[]
  extensions?: { dropped?: number; [name: string]: unknown }
}

export type Variables = Record<string, unknown>

/** How the connection to the gateway is; pages show it. */
export type Connection = 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** What a stream is told: results, and at last either an error or its end. */
export interface Sink<T> {
  next(result: Result<T>): void
  error?(errors: GraphQLError[]): void
  complete?(): void
}

/** A Gateway is one session with a key or token, or without: queries by HTTP, streams by one WebSocket. */
export class Gateway {
  private readonly socket: Client
  private readonly watchers = new Set<(c: Connection) => void>()
  private readonly refusals = new Set<(reason: string) => void>()
  private readonly extensions: Record<string, unknown> | undefined
  private state: Connection = 'closed'

  /** `name` is what the page calls itself, for those who look at what runs. */
  constructor(
    private readonly credentials: () => string | undefined,
    private readonly url = new URL('/graphql', location.href),
    name?: string,
  ) {
    this.extensions = name ? { clientLibrary: { name } } : undefined
    const socket = new URL(url)
    socket.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    this.socket = createClient({
      url: socket.href,
      connectionParams: () => authorization(this.credentials()),
      retryAttempts: Infinity,
      retryWait: waitToRetry,
      // Closes that are the client's own fault are not tried again, but bad credentials are: they may be new.
      shouldRetry: () => true,
      on: {
        connecting: (isRetry) => this.tell(isRetry ? 'reconnecting' : 'connecting'),
        connected: () => this.tell('connected'),
        closed: (event) => this.closed(event),
      },
    })
  }

  /** Runs a query or a mutation. It rejects only when there is no answer. */
  async query<T>(query: string, variables?: Variables, signal?: AbortSignal): Promise<Result<T>> {
    const answer = await fetch(this.url, {
      method: 'POST',
      signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...authorization(this.credentials()),
      },
      body: JSON.stringify({ query, variables, extensions: this.extensions }),
    })
    const result = (await answer.json()) as Result<T>
    if (answer.status === 401 && this.credentials()) this.refuse(result.errors?.[0]?.message ?? 'the credentials are not valid')
    return result
  }

  /** Runs a subscription or a live query until the function that it returns is called. */
  stream<T>(query: string, variables: Variables | undefined, sink: Sink<T>): () => void {
    return this.socket.subscribe<T>(
      { query, variables, extensions: this.extensions },
      {
        next: (result) => sink.next(result as Result<T>),
        error: (errors) => this.ended(sink, asErrors(errors)),
        complete: () => sink.complete?.(),
      },
    )
  }

  /** Tells of every change of the connection, and of how it is now. */
  watch(watcher: (c: Connection) => void): () => void {
    this.watchers.add(watcher)
    watcher(this.state)
    return () => this.watchers.delete(watcher)
  }

  /** Tells when the gateway does not take the credentials, or takes them no more. What is open then goes on trying. */
  refused(watcher: (reason: string) => void): () => void {
    this.refusals.add(watcher)
    return () => this.refusals.delete(watcher)
  }

  close(): void {
    void this.socket.dispose()
  }

  /** A connection that was lost comes back by itself, after a while. */
  private closed(event: unknown): void {
    const { code, reason } = event instanceof CloseEvent ? event : { code: 1006, reason: '' }
    this.tell(code === 1000 ? 'closed' : 'reconnecting')
    if (code === 4403) this.refuse(reason.replace(/^Forbidden: /, ''))
  }

  /** When the last operation has ended, the client may close the socket before the gateway does and says why. */
  private ended<T>(sink: Sink<T>, errors: GraphQLError[]): void {
    sink.error?.(errors)
    const reason = endings[errors[0]?.extensions?.code ?? '']
    if (reason) this.refuse(reason)
  }

  private refuse(reason: string): void {
    for (const watcher of this.refusals) watcher(reason)
  }

  private tell(state: Connection): void {
    this.state = state
    for (const watcher of this.watchers) watcher(state)
  }
}

/** Codes of errors after which the credentials are of no more use, as the socket's close would say it. */
const endings: Record<string, string> = { KEY_REVOKED: 'key revoked', TOKEN_EXPIRED: 'token expired' }

/** Up to ten seconds, each time another: those who were thrown off together do not come back together. */
async function waitToRetry(retries: number): Promise<void> {
  const most = Math.min(10_000, 500 * 2 ** retries)
  await new Promise((done) => setTimeout(done, most * (0.5 + Math.random() / 2)))
}

function authorization(credentials: string | undefined): Record<string, string> {
  return credentials ? { Authorization: `Bearer ${credentials}` } : {}
}

function asErrors(errors: unknown): GraphQLError[] {
  if (Array.isArray(errors)) return errors as GraphQLError[]
  if (errors instanceof CloseEvent) {
    return [{ message: errors.reason || 'the connection was closed', extensions: { code: String(errors.code) } }]
  }
  return [{ message: errors instanceof Error ? errors.message : 'the connection was lost' }]
}
