import { describe, expect, it, vi } from 'vitest'
import type { Gateway, Sink } from '../shared/client'
import { bare, findRole, keep, restored, sentence, sessionReducer, type Session } from './session'

const asking: Session = { state: 'asking', credentials: 'a' }
const signedIn: Session = { state: 'signed in', credentials: 'a', role: 'operator' }

describe('a session', () => {
  it('is the viewer’s once the gateway has said what they may see', () => {
    expect(sessionReducer(asking, { type: 'accepted', credentials: 'a', role: 'operator' })).toEqual(signedIn)
  })
  it('does not change for an answer about other credentials', () => {
    expect(sessionReducer(asking, { type: 'accepted', credentials: 'b', role: 'operator' })).toBe(asking)
    expect(sessionReducer(signedIn, { type: 'refused', credentials: 'b', reason: 'no' })).toBe(signedIn)
  })
  it('stays the same object when the role is the same', () => {
    expect(sessionReducer(signedIn, { type: 'accepted', credentials: 'a', role: 'operator' })).toBe(signedIn)
  })
  it('ends with the reason when the credentials are refused', () => {
    expect(sessionReducer(signedIn, { type: 'refused', credentials: 'a', reason: 'key revoked' })).toEqual({
      state: 'signed out',
      reason: 'key revoked',
    })
  })
  it('goes on when the gateway does not answer, but does not begin so', () => {
    const event = { type: 'unanswered', credentials: 'a', reason: 'away' } as const
    expect(sessionReducer(signedIn, event)).toBe(signedIn)
    expect(sessionReducer(asking, event)).toEqual({ state: 'signed out', reason: 'away' })
  })
})

describe('the storage of the tab', () => {
  it('keeps the credentials of who is in, until they sign out', () => {
    sessionStorage.clear()
    keep(sessionStorage, asking)
    expect(restored(sessionStorage)).toEqual({ state: 'signed out' })
    keep(sessionStorage, signedIn)
    expect(restored(sessionStorage)).toEqual(asking)
    keep(sessionStorage, { state: 'signed out' })
    expect(sessionStorage).toHaveLength(0)
  })
})

describe('what is pasted', () => {
  it.each([
    ['is taken as it is', 'sluice_a_b', 'sluice_a_b'],
    ['may have Bearer in front', ' Bearer sluice_a_b\n', 'sluice_a_b'],
    ['may be a whole header', 'Authorization: Bearer sluice_a_b', 'sluice_a_b'],
    ['may stand in quotes', '"sluice_a_b"', 'sluice_a_b'],
    ['may be broken over lines', 'eyJh\n  bGci', 'eyJhbGci'],
  ])('%s', (_, pasted, want) => expect(bare(pasted)).toBe(want))
})

describe('the role', () => {
  const gateway = (...codes: (string | undefined)[]) => {
    const answer = () => {
      const code = codes.shift()
      return code ? { errors: [{ message: 'no', extensions: { code } }] } : { data: {} }
    }
    const stream = (_: string, __: undefined, sink: Sink<unknown>) => {
      queueMicrotask(() => sink.next(answer()))
      return () => {}
    }
    return { query: async () => answer(), stream } as unknown as Gateway
  }
  it.each([
    ['is the operator’s who may see the nodes', [undefined, undefined], 'operator'],
    ['is the consumer’s who may see its usage', [undefined, 'FORBIDDEN', undefined], 'consumer'],
    ['is an end user’s who may not', [undefined, 'FORBIDDEN', 'FORBIDDEN'], 'end user'],
    ['does not depend on usage that is not kept', [undefined, 'FORBIDDEN', 'USAGE_NOT_KEPT'], 'consumer'],
  ])('%s', async (_, codes, want) => expect(await findRole(gateway(...codes))).toBe(want))
  it('is nobody’s whose credentials are wrong', async () => {
    await expect(findRole(gateway('UNAUTHENTICATED'))).rejects.toThrow('No.')
  })
  it('is not known where nobody answers', async () => {
    const query = () => Promise.reject(new TypeError('failed to fetch'))
    await expect(findRole({ query } as unknown as Gateway)).rejects.toThrow('The gateway does not answer')
  })
  it('is not known where an answer takes too long', async () => {
    vi.useFakeTimers()
    const silent = { query: async () => ({ data: {} }), stream: () => () => {} } as unknown as Gateway
    const role = expect(findRole(silent)).rejects.toThrow('The gateway does not answer')
    await vi.advanceTimersByTimeAsync(10_000)
    await role
    vi.useRealTimers()
  })
})

it('an error’s text becomes a sentence', () => {
  expect(sentence('the key is not valid')).toBe('The key is not valid.')
  expect(sentence('What now?')).toBe('What now?')
})
