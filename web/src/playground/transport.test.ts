import { afterEach, expect, test, vi } from 'vitest'
import { ask, failuresOf, open, type Failure, type Link, type Result } from './transport'

const url = new URL('http://gateway.example/graphql')

afterEach(() => void vi.unstubAllGlobals())

function answer(body: string, init: ResponseInit) {
  const fetch = vi.fn(async (_at: string | URL, _init?: RequestInit) => new Response(body, init))
  vi.stubGlobal('fetch', fetch)
  return fetch
}

test('a query is posted with the headers of its tab', async () => {
  const fetch = answer('{"data":{"a":1}}', { status: 200 })
  expect(await ask(url, { query: '{ a }', variables: { b: 1 } }, { Authorization: 'Bearer k' })).toEqual({ data: { a: 1 } })
  const init = fetch.mock.calls[0]?.[1]
  expect(init?.headers).toMatchObject({ Authorization: 'Bearer k', 'content-type': 'application/json' })
  expect(JSON.parse(String(init?.body))).toEqual({ query: '{ a }', variables: { b: 1 } })
})

test('what the gateway refuses is shown as it says it', async () => {
  const refused = { errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] }
  answer(JSON.stringify(refused), { status: 401 })
  expect(await ask(url, { query: '{ a }' }, {})).toEqual(refused)
})

test('an answer of something between is an error of GraphQL', async () => {
  answer('<h1>Bad Gateway</h1>', { status: 502, statusText: 'Bad Gateway' })
  const { errors } = await ask(url, { query: '{ a }' }, {})
  expect(errors).toEqual([{ message: 'the gateway answered 502 Bad Gateway: <h1>Bad Gateway</h1>', extensions: { code: 'HTTP_502' } }])
})

test('no answer is an error of GraphQL', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  expect((await ask(url, { query: '{ a }' }, {})).errors).toEqual([{ message: 'Failed to fetch', extensions: { code: 'NETWORK' } }])
})

test.each<[string, unknown, Failure]>([
  ['a close with a reason', new CloseEvent('close', { code: 4403, reason: 'Forbidden: key revoked' }), { message: 'Forbidden: key revoked', extensions: { code: 'CLOSED_4403' } }],
  ['a close without', new CloseEvent('close', { code: 1006 }), { message: 'the connection was lost', extensions: { code: 'CLOSED_1006' } }],
  ['an event that says nothing', new Event('error'), { message: 'the connection could not be opened', extensions: { code: 'NETWORK' } }],
  ['errors of GraphQL', [{ message: 'a' }], { message: 'a' }],
  ['anything else', 'odd', { message: 'odd', extensions: { code: 'NETWORK' } }],
])('%s is an error of GraphQL', (_name, problem, failure) => expect(failuresOf(problem)).toEqual([failure]))

/** Runs a stream by Server-Sent Events to its end. */
function follow(): Promise<{ links: Link[]; results: Result[]; failures: readonly Failure[] }> {
  const links: Link[] = []
  const results: Result[] = []
  return new Promise((resolve) => {
    open('sse', url, { query: 'subscription { a }' }, { Authorization: 'Bearer k' }, {
      link: (state) => links.push(state),
      result: (result) => results.push(result),
      end: (failures) => resolve({ links, results, failures }),
    })
  })
}

test('events come as results until they are complete', async () => {
  const fetch = answer('event: next\ndata: {"data":{"a":1}}\n\nevent: next\ndata: {"data":{"a":2}}\n\nevent: complete\ndata:\n\n', { status: 200 })
  expect(await follow()).toEqual({ links: ['connecting', 'connected'], results: [{ data: { a: 1 } }, { data: { a: 2 } }], failures: [] })
  expect(fetch.mock.calls[0]?.[1]?.headers).toMatchObject({ Authorization: 'Bearer k', accept: 'text/event-stream' })
})

test('a stream that is refused says why, and is not tried again', async () => {
  const fetch = answer('{"errors":[{"message":"no","extensions":{"code":"SESSION_LIMIT"}}]}', { status: 429 })
  const { failures } = await follow()
  expect(failures).toEqual([{ message: 'no', extensions: { code: 'SESSION_LIMIT' } }])
  expect(fetch).toHaveBeenCalledOnce()
})

test('a gateway that is not there is said at once', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  expect((await follow()).failures).toEqual([{ message: 'the gateway does not answer', extensions: { code: 'NETWORK' } }])
})
