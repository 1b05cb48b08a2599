// One WebSocket of the page's, that comes back by itself.
import { createClient, type Client, type SubscribePayload } from 'graphql-ws'
import { endpoint } from './wire'
import type { Link } from './side'
import type { GraphQLError, Result } from '../shared/client'

export interface SessionOptions {
  /** A key or token; undefined for anonymous callers. */
  credentials?: string
  /** What to open; undefined for the browser's own. */
  socket?: typeof WebSocket
  /** Every change of the connection. Streams are asked for anew before it is told to be connected. */
  link?(link: Link): void
  /** The gateway does not take the credentials, or no longer. The session ends with it. */
  refused?(): void
}

/** The close code of credentials that are not taken. */
const forbidden = 4403

/** So long, in milliseconds, a stream that the gateway has ended is left alone; then twice as long, and so on. */
const [firstPause, longestPause] = [1_000, 30_000]

export class Session {
  private readonly client: Client
  private ended = false

  constructor(private readonly options: SessionOptions) {
    const url = endpoint()
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    let ids = 0
    let overdue: ReturnType<typeof setTimeout> | undefined
    this.client = createClient({
      url: url.href,
      webSocketImpl: options.socket,
      connectionParams: options.credentials ? { Authorization: `Bearer ${options.credentials}` } : undefined,
      generateID: () => String(++ids), // shorter than the usual one in each message
      retryAttempts: Infinity,
      retryWait: (tries) => wait(Math.min(250 * 2 ** tries, 5_000) * (0.75 + Math.random() / 2)),
      shouldRetry: () => !this.ended,
      keepAlive: 15_000,
      on: {
        connecting: (again) => this.tell(again ? 'reconnecting' : 'connecting'),
        connected: () => this.tell('connected'),
        closed: (event) => {
          clearTimeout(overdue)
          this.closed(event)
        },
        // A network that is gone without a word closes nothing.
        ping: (received) => {
          if (!received) overdue = setTimeout(() => this.client.terminate(), 5_000)
        },
        pong: (received) => {
          if (received) clearTimeout(overdue)
        },
      },
    })
  }

  /**
   * Keeps a subscription or live query running until the function that it returns is called. One that
   * the gateway ends, because it is going down say, is asked for again.
   */
  follow<T>(request: SubscribePayload, next: (result: T) => void, trouble: (message: string) => void): () => void {
    let stopped = false
    let stop = () => {}
    let timer: ReturnType<typeof setTimeout> | undefined
    let pause = firstPause
    const again = () => {
      if (stopped || this.ended) return
      timer = setTimeout(start, pause)
      pause = Math.min(pause * 2, longestPause)
    }
    const start = () => {
      stop = this.client.subscribe(request, {
        next: (result) => {
          pause = firstPause
          next(result as T)
        },
        error: (error) => {
          if (!stopped && !this.ended) trouble(describe(error))
          again()
        },
        complete: again,
      })
    }
    start()
    return () => {
      stopped = true
      clearTimeout(timer)
      stop()
    }
  }

  /** Asks once, over the same WebSocket. The answer may come after a lost connection, or never. */
  ask<T>(query: string, answer: (result: Result<T>) => void): () => void {
    return this.client.subscribe({ query }, {
      next: (result) => answer(result as Result<T>),
      error: (error) => answer({ errors: [{ message: describe(error) }] }),
      complete: () => {},
    })
  }

  close(): void {
    this.ended = true
    void this.client.dispose()
  }

  private tell(link: Link): void {
    if (!this.ended) this.options.link?.(link)
  }

  private closed(event: unknown): void {
    if (this.ended) return
    if (event instanceof CloseEvent && event.code === forbidden) {
      this.ended = true
      this.options.refused?.()
      return
    }
    this.tell('reconnecting')
  }
}

/** What an operation's end says to people. */
function describe(error: unknown): string {
  if (Array.isArray(error)) return (error as GraphQLError[]).map(({ message }) => message).join('; ')
  if (error instanceof CloseEvent) return error.reason || 'The connection was closed.'
  return error instanceof Error ? error.message : 'The connection was lost.'
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
