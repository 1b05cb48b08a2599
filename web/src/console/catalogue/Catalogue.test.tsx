import { buildSchema, graphqlSync } from 'graphql'
import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Result } from '../../shared/client'
import { At, FakeGateway } from '../testing'
import { introspectionQuery } from './api'
import { Catalogue } from './Catalogue'

const sdl = `
  directive @public on FIELD_DEFINITION
  directive @topic(name: String!) on FIELD_DEFINITION
  type Query { "All of \`things\`." things(first: Int = 20): [String!]! @public }
  type Subscription { thing(id: ID!): String! @topic(name: "thing.{id}") }
`
const schema = graphqlSync({ schema: buildSchema(sdl), source: introspectionQuery }) as Result<unknown>

let gateway: FakeGateway
let served: Response
beforeEach(() => {
  gateway = new FakeGateway()
  gateway.answers.ConsoleSchema = schema
  gateway.answers.ConsoleMyBudgets = { data: { myBudgets: [] } }
  served = new Response(sdl)
  vi.stubGlobal('fetch', async () => served)
})
afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const shown = (chosen?: string) =>
  render(
    <At gateway={gateway}>
      <Catalogue chosen={chosen} />
    </At>,
  )

it('the catalogue tells how introspection is turned on', async () => {
  gateway.answers.ConsoleSchema = { errors: [{ message: 'no', extensions: { code: 'INTROSPECTION_DISABLED' } }] }
  shown()
  expect(await screen.findByText('--introspection')).toBeTruthy()
})

it('an operation has its rights, its topic and programs', async () => {
  shown('Subscription.thing')
  expect(await screen.findByText('thing.{id}')).toBeTruthy()
  expect(screen.getByText('anyone with credentials')).toBeTruthy()
  expect(screen.getByLabelText('Program for graphql-ws').textContent).toContain('subscription Thing($id: ID!)')
})

it('what anyone may call needs no key in its programs', async () => {
  shown('Query.things')
  await screen.findByText('anyone')
  expect(screen.getByLabelText('Program for graphql-ws').textContent).not.toContain('YOUR_KEY')
})

it('without the schema’s text there are still the operations and programs', async () => {
  served = new Response('', { status: 404 })
  shown('Query.things')
  expect(await screen.findByText('Who may call it, the gateway does not tell.')).toBeTruthy()
  expect(screen.getByLabelText('Program for graphql-ws').textContent).toContain('YOUR_KEY')
})

it('an operation that is not there is said to be so', async () => {
  shown('Query.nothing')
  expect((await screen.findByRole('alert')).textContent).toContain('There is no Query.nothing')
})
