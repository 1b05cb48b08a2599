import type { ClientOptions, Sink } from 'graphql-ws'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Gateway, type Connection } from './client'

/** What the client of the socket was last given. */
const socket = vi.hoisted((): { options?: ClientOptions; sink?: Sink } => ({}))
vi.mock('graphql-ws', () => ({
  createClient: (options: ClientOptions) => {
    socket.options = options
    return { subscribe: (_: unknown, sink: Sink) => (socket.sink = sink) && (() => {}), dispose: () => {} }
  },
}))

afterEach(() => vi.unstubAllGlobals())

const url = new URL('https://api.example/graphql')

/** Answers every request so, and keeps what was sent. */
function answering(status: number, body: unknown) {
  const sent: RequestInit[] = []
  vi.stubGlobal('fetch', async (_: URL, init: RequestInit) => {
    sent.push(init)
    return new Response(JSON.stringify(body), { status })
  })
  return sent
}

it('a query brings the credentials of the moment, and what the page calls itself', async () => {
  const sent = answering(200, { data: { n: 1 } })
  let key: string | undefined = 'one'
  const gateway = new Gateway(() => key, url, 'a page')
  expect(await gateway.query('{ n }')).toEqual({ data: { n: 1 } })
  key = undefined
  await gateway.query('{ n }')
  expect(sent.map(({ headers }) => (headers as Record<string, string>).Authorization)).toEqual(['Bearer one', undefined])
  expect(JSON.parse(String(sent[0].body))).toEqual({ query: '{ n }', extensions: { clientLibrary: { name: 'a page' } } })
})

it.each([
  ['credentials that are not taken are told of', 401, 'wrong', ['the credentials are not valid']],
  ['who has none is not refused', 401, undefined, []],
  ['what is forbidden is no matter of the credentials', 403, 'right', []],
])('%s', async (_, status, key, want) => {
  answering(status, { errors: [{ message: 'the credentials are not valid' }] })
  const gateway = new Gateway(() => key, url)
  const told: string[] = []
  const stop = gateway.refused((reason) => told.push(reason))
  await gateway.query('{ n }')
  stop()
  await gateway.query('{ n }')
  expect(told).toEqual(want)
})

describe('a connection', () => {
  const opened = () => {
    const gateway = new Gateway(() => 'a key', url)
    const told: string[] = []
    const states: Connection[] = []
    gateway.refused((reason) => told.push(reason))
    gateway.watch((state) => states.push(state))
    return { gateway, told, states, on: socket.options!.on as Record<string, (...args: unknown[]) => void> }
  }

  it('that is lost is said to come back, one that is closed is not', () => {
    const { on, states } = opened()
    on.connected()
    on.closed(new CloseEvent('close', { code: 1006 }))
    on.connecting(true)
    on.connected()
    on.closed(new CloseEvent('close', { code: 1000 }))
    expect(states).toEqual(['closed', 'connected', 'reconnecting', 'reconnecting', 'connected', 'closed'])
  })
  it('that is closed for its credentials says why', () => {
    const { on, told } = opened()
    on.closed(new CloseEvent('close', { code: 4403, reason: 'Forbidden: token expired' }))
    on.closed(new CloseEvent('close', { code: 1012, reason: 'Going away' }))
    expect(told).toEqual(['token expired'])
  })
  it('need not be closed: an operation’s end says it too', () => {
    const { gateway, told } = opened()
    const ends: unknown[] = []
    gateway.stream('{ n }', undefined, { next: () => {}, error: (errors) => ends.push(errors) })
    const end = (code: string) => socket.sink!.error([{ message: 'the end', extensions: { code } }])
    end('KEY_REVOKED')
    end('ENDED_BY_OPERATOR')
    expect(ends).toHaveLength(2)
    expect(told).toEqual(['key revoked'])
  })
})
