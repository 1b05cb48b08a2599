// What tests of components share: a gateway that does what the test says.

import type { ReactNode } from 'react'
import type { Connection, Gateway, Result, Sink, Variables } from '../shared/client'
import { AccessProvider } from './live'

interface Stream {
  query: string
  variables?: Variables
  sink: Sink<unknown>
  stopped: boolean
}

export class FakeGateway {
  streams: Stream[] = []
  /** What queries are answered, by their name. */
  answers: Record<string, Result<unknown>> = {}
  asked: { query: string; variables?: Variables }[] = []

  async query(query: string, variables?: Variables): Promise<Result<unknown>> {
    this.asked.push({ query, variables })
    return this.answers[nameOf(query)] ?? { data: {} }
  }

  stream(query: string, variables: Variables | undefined, sink: Sink<unknown>): () => void {
    const stream = { query, variables, sink, stopped: false }
    this.streams.push(stream)
    return () => void (stream.stopped = true)
  }

  watch(watcher: (c: Connection) => void): () => void {
    watcher('connected')
    return () => {}
  }

  /** The stream that was begun last, of those with this name. */
  latest(name: string): Stream {
    const stream = this.streams.findLast(({ query }) => nameOf(query) === name)
    if (!stream) throw new Error(`there is no stream ${name}`)
    return stream
  }

  get open(): number {
    return this.streams.filter(({ stopped }) => !stopped).length
  }
}

function nameOf(query: string): string {
  return /^\w+ (\w+)/.exec(query)?.[1] ?? ''
}

/** A view of somebody who has signed in at this gateway. */
export function At({
  gateway,
  askRole = () => {},
  children,
}: {
  gateway: FakeGateway
  askRole?: () => void
  children: ReactNode
}) {
  return <AccessProvider value={accessTo(gateway, askRole)}>{children}</AccessProvider>
}

const known = new WeakMap<FakeGateway, { gateway: Gateway; askRole(): void }>()

/** Always the same, as the app has it: a new one would be another session. */
function accessTo(gateway: FakeGateway, askRole: () => void) {
  const access = known.get(gateway) ?? { gateway: gateway as unknown as Gateway, askRole }
  known.set(gateway, access)
  return access
}
