import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { At, FakeGateway } from '../testing'
import { Operations } from './Operations'
import type { RunningOperation } from './queries'

const running = (rest: Partial<RunningOperation> = {}): RunningOperation => ({
  ...{
    id: 'gw-1.1',
    node: 'gw-1',
    kind: 'SUBSCRIPTION',
    operation: 'Prices',
    document: 'abc',
    field: 'Subscription.priceChanged',
  },
  ...{ topic: 'price.*', consumer: 'shop', issuer: null, subject: null, plan: null, transport: 'websocket', client: null },
  ...{ clientVersion: null, country: null, startedAt: '2026-11-21T00:00:00Z', events: 5, bytes: 10, failed: 0 },
  dropped: { total: 3, slow: 2, rate: 1, lease: 0, write: 0, decode: 0, overrun: 0 },
  ...rest,
})

let gateway: FakeGateway
beforeEach(() => {
  gateway = new FakeGateway()
})
afterEach(cleanup)

const shown = (everybody = true) =>
  render(
    <At gateway={gateway}>
      <Operations everybody={everybody} />
    </At>,
  )
const tell = (list: RunningOperation[], missing: string[] = [], total = list.length, name = 'ConsoleOperations') =>
  act(() => gateway.latest(name).sink.next({ data: { operations: { total, list, missing } } }))

describe('operations that run', () => {
  it('name the nodes that did not tell of theirs', () => {
    shown()
    tell([running()], ['gw-2', 'gw-3'])
    expect(screen.getByRole('alert').textContent).toContain('gw-2, gw-3')
  })
  it('say how many there are that are not listed', () => {
    shown()
    tell([running()], [], 1234)
    expect(screen.getByText('1 of 1,234, those with the most events')).toBeTruthy()
  })
  it('say that there are none', () => {
    shown()
    tell([])
    expect(screen.getByText('Nothing runs now.')).toBeTruthy()
  })
  it('are searched for by the gateway', () => {
    shown()
    fireEvent.change(screen.getByRole('searchbox'), { target: { value: ' price ' } })
    expect(gateway.latest('ConsoleOperations').variables).toMatchObject({ search: 'price' })
    expect(gateway.open).toBe(1)
  })
})

describe('an operation that is opened', () => {
  const open = () => fireEvent.click(screen.getByRole('button', { name: /Prices/ }))
  it('says why its client has not had events', () => {
    shown()
    tell([running()])
    open()
    expect(within(screen.getByRole('dialog')).getByText('3: 2 reads too slowly, 1 above its rate')).toBeTruthy()
  })
  it('ends only when the operator has said so twice, and says what went wrong', async () => {
    gateway.answers.ConsoleEndOperation = { data: null, errors: [{ message: 'its node does not answer' }] }
    shown()
    tell([running()])
    open()
    fireEvent.click(screen.getByRole('button', { name: 'End…' }))
    expect(gateway.asked).toEqual([])
    fireEvent.change(screen.getByLabelText('Reason'), { target: { value: 'maintenance' } })
    fireEvent.click(screen.getByRole('button', { name: 'End it' }))
    expect(gateway.asked[0].variables).toEqual({ id: 'gw-1.1', reason: 'maintenance' })
    expect((await screen.findByRole('alert')).textContent).toBe('Its node does not answer.')
  })
  it('stays open when it has ended, and cannot be ended again', () => {
    shown()
    tell([running()])
    open()
    tell([])
    expect(screen.getByRole('alert').textContent).toContain('not listed any more')
    expect(screen.queryByRole('button', { name: 'End…' })).toBeNull()
  })
  it('is not to be ended by consumers', () => {
    shown(false)
    tell([running()], [], 1, 'ConsoleMyOperations')
    open()
    expect(screen.queryByRole('button', { name: 'End…' })).toBeNull()
  })
})
