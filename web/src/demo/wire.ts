// HTTP and WebSocket as ever, counted.
import type { Traffic } from './figures'
import type { Result } from '../shared/client'

export const endpoint = () => new URL('/graphql', location.href)

const encoder = new TextEncoder()
const size = (text: string) => encoder.encode(text).length

/** A WebSocket that counts its frames, and itself as a request. */
export function countedSocket(traffic: Traffic): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      traffic.requests++
      this.addEventListener('message', ({ data }) => {
        traffic.frames++
        traffic.received += size(String(data))
      })
    }

    // The protocol has text only.
    override send(data: string): void {
      traffic.frames++
      traffic.sent += size(data)
      super.send(data)
    }
  }
}

/** Asks by POST. It rejects only when there is no answer in time, or none in JSON. */
export async function ask<T>(query: string, traffic: Traffic, signal: AbortSignal): Promise<Result<T>> {
  const body = JSON.stringify({ query })
  traffic.requests++
  traffic.sent += size(body)
  const answer = await fetch(endpoint(), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  })
  const text = await answer.text()
  traffic.received += size(text)
  return JSON.parse(text) as Result<T>
}
