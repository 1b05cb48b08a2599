import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OrderDesk } from './OrderDesk'
import { introduce, type Product } from './product'

const kettle = introduce(
  { id: '1', name: 'Kettle', category: 'Kitchen', currency: 'EUR', price: '10.00', stock: 7, revision: 1, changedAt: '' },
  0,
) as Product

const answer = (body: unknown) => vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response(JSON.stringify(body)))))
const show = () => render(<OrderDesk basket={{ 1: 2 }} setBasket={() => {}} products={[kettle]} />)

beforeEach(() => sessionStorage.clear())
afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

it('an order waits for credentials, and says so', () => {
  show()
  expect(screen.getByRole('button', { name: 'Place the order' })).toHaveProperty('disabled', true)
  screen.getByText('2 × €10.00')
  screen.getByText(/once you have said who orders/)
})

for (const [code, says] of [
  ['UNAUTHENTICATED', /does not know this key/],
  ['FORBIDDEN', /an order needs a customer/],
  ['RATE_LIMITED', /in the words of the gateway/],
] as const) {
  it(`credentials that are ${code} are not kept, and it says why`, async () => {
    answer({ errors: [{ message: 'in the words of the gateway', extensions: { code } }] })
    show()
    fireEvent.change(screen.getByLabelText('Key or token'), { target: { value: 'dev_A' } })
    fireEvent.click(screen.getByRole('button', { name: 'Use it' }))
    await screen.findByText(says)
    expect(sessionStorage.length).toBe(0)
  })
}

it('what can be no key is not sent', () => {
  answer({})
  show()
  fireEvent.change(screen.getByLabelText('Key or token'), { target: { value: 'two words' } })
  fireEvent.click(screen.getByRole('button', { name: 'Use it' }))
  screen.getByText(/one line without spaces/)
  expect(fetch).not.toHaveBeenCalled()
})
