import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import type { Rule } from './policy'
import { POLICY_PLUGIN, RulesContext } from './PolicyPanel'

afterEach(cleanup)

const rules: Rule[] = [
  { kind: 'Query', field: 'product', said: ['@public'] },
  { kind: 'Query', field: 'myUsage', said: [] },
  { kind: 'Subscription', field: 'priceChanged', said: ['@public', '@topic(name: "price.{productIds}")'] },
]

function show(known?: Rule[]) {
  const Panel = POLICY_PLUGIN.content
  render(
    <RulesContext value={known}>
      <Panel />
    </RulesContext>,
  )
}

test('each root field stands below its kind, with what is said of it', () => {
  show(rules)
  expect(screen.getAllByRole('heading').map((heading) => heading.textContent)).toEqual(['Policy', 'Query', 'Subscription'])
  expect(screen.getAllByRole('term').map((term) => term.textContent)).toEqual(['product', 'myUsage', 'priceChanged'])
  screen.getByText('@topic(name: "price.{productIds}")')
  screen.getByText('needs credentials')
})

test('searching finds by name and by what is said', () => {
  show(rules)
  const search = screen.getByRole('searchbox')
  fireEvent.change(search, { target: { value: ' PRICE.' } })
  expect(screen.getAllByRole('term').map((term) => term.textContent)).toEqual(['priceChanged'])
  fireEvent.change(search, { target: { value: 'nothing like it' } })
  expect(screen.getByRole('status').textContent).toContain('nothing like it')
})

test('where nothing is known it says what that needs', () => {
  show(undefined)
  expect(screen.getByRole('status').textContent).toContain('--introspection')
})
