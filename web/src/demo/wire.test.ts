import { afterEach, expect, it, vi } from 'vitest'
import { noFigures } from './figures'
import { ask, countedSocket } from './wire'

afterEach(() => vi.unstubAllGlobals())

it('a request counts with the bytes of its bodies, also when there is no answer', async () => {
  const figures = noFigures()
  const signal = new AbortController().signal
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"data":"é"}')))
  expect(await ask('{a}', figures, signal)).toEqual({ data: 'é' })
  expect(figures).toMatchObject({ requests: 1, sent: 15, received: 13 })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')))
  await expect(ask('{a}', figures, signal)).rejects.toThrow()
  expect(figures).toMatchObject({ requests: 2, sent: 30, received: 13 })
})

it('a WebSocket is one request, and counts its frames both ways', () => {
  class Fake extends EventTarget {
    send(): void {}
  }
  vi.stubGlobal('WebSocket', Fake)
  const figures = noFigures()
  const socket = new (countedSocket(figures))('ws://shop.test/graphql')
  socket.send('ping')
  socket.dispatchEvent(new MessageEvent('message', { data: '€' }))
  expect(figures).toMatchObject({ requests: 1, frames: 2, sent: 4, received: 3 })
})
