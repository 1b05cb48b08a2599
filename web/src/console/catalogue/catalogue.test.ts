import { buildSchema, getVariableValues, graphqlSync, parse, validate, type OperationDefinitionNode } from 'graphql'
import { describe, expect, it } from 'vitest'
import { directivesOf } from '../../shared/directives'
import { apiOf, introspectionQuery, operationsOf, written, type Introspection, type OperationType } from './api'
import { exampleOf } from './example'
import { byScope, callers, policiesOf } from './policy'
import { snippets } from './snippets'

// The project has no types of Node: pages do not run there.
const { readdirSync, readFileSync } = (await import('node:fs' as string)) as {
  readdirSync(folder: string): string[]
  readFileSync(path: string, encoding: 'utf8'): string
}
const folder = '../schema/' // the storefront's, with keys and usage
const sdl = readdirSync(folder)
  .map((name) => readFileSync(folder + name, 'utf8'))
  .join('\n')
const schema = buildSchema(sdl)
const api = apiOf(graphqlSync({ schema, source: introspectionQuery }).data as unknown as Introspection)
const policies = policiesOf(directivesOf(sdl))
const source = { api, policies, now: new Date('2026-11-21T10:00:00Z') }
const operations = (['query', 'mutation', 'subscription'] as OperationType[]).flatMap((type) => operationsOf(api, type))
const operation = (id: string) => operations.find((one) => one.id === id)!

describe('examples', () => {
  it.each(operations.map((one) => [one.id, one] as const))('%s: the document and its variables are good', (_, one) => {
    for (const live of [false, true]) {
      const { document, variables, stream } = exampleOf(one, source, live)
      const parsed = parse(document)
      expect(validate(schema, parsed)).toEqual([])
      const { variableDefinitions = [] } = parsed.definitions[0] as OperationDefinitionNode
      expect(getVariableValues(schema, variableDefinitions, variables).errors).toBeUndefined()
      expect(stream).toBe(one.type === 'subscription' || (live && one.type === 'query'))
    }
  })
  it('ask for what the schema has an example of', () => {
    expect(exampleOf(operation('Query.myInvoice'), source).variables).toEqual({ month: '2026-11' })
    expect(exampleOf(operation('Query.myTraffic'), source).variables).toEqual({ range: { step: 'SECOND', last: '5m' } })
  })
  it('begin usage with a full hour', () => {
    expect(exampleOf(operation('Query.myUsage'), source).variables).toEqual({ from: '2026-11-01T00:00:00.000Z' })
  })
  it('leave out what need not be given', () => {
    expect(exampleOf(operation('Subscription.priceChanged'), source).document).toMatch(
      /^subscription PriceChanged \{\n {2}priceChanged \{/,
    )
  })
})

describe('policies', () => {
  const of = (id: string) => callers(policies.get(id)!)
  it.each([
    ['a public field', 'Query.products', 'anyone'],
    ['a field without directives', 'Query.myOperations', 'anyone with credentials'],
    ['a field with a rule', 'Mutation.placeOrder', 'callers for whom the rule holds'],
    ['a field with a scope', 'Mutation.changePrice', 'the scope catalog:write'],
  ])('%s says who may call it', (_, id, want) => expect(of(id)).toBe(want))
  it('have the topic, the cost and how often live queries run again', () => {
    expect(policies.get('Subscription.stockChanged')?.topic).toBe('stock.{productId}')
    expect(policies.get('Query.nodes')).toMatchObject({ cost: 20, poll: '1s', private: false })
  })
  it('of a type hold for its fields', () => {
    const own = policiesOf(directivesOf(`
      type Query @auth(scopes: ["a"]) { x: Int @auth(scopes: ["b"]) y: Int @budget(events: 5, per: DAY) @budget(rate: 0.5) }
      type Open @public { z: Int }
    `))
    expect(own.get('Query.x')?.scopes).toEqual(['a', 'b'])
    expect(own.get('Query.y')?.budgets).toEqual([{ events: 5, per: 'DAY' }, { rate: 0.5 }])
    expect(own.get('Open.z')?.public).toBe(true)
    expect(byScope(own, ['Query.x', 'Query.y'])).toEqual([
      ['a', ['Query.x', 'Query.y']],
      ['b', ['Query.x']],
    ])
  })
})

it('types are written as in a schema', () => {
  expect(written(operation('Query.apiKeys').field.type)).toBe('[ApiKey!]!')
})

describe('snippets', () => {
  const made = (id: string, credentials: boolean, live = false) =>
    snippets({ ...exampleOf(operation(id), source, live), endpoint: 'https://api.example/graphql', credentials })
  it('of a subscription are for every client', () => {
    expect(made('Subscription.priceChanged', true).map(({ name }) => name)).toEqual([
      'Apollo',
      'urql',
      'graphql-ws',
      'graphql-sse',
      'EventSource',
      'curl',
    ])
  })
  it('of a query and a mutation need no EventSource, unless it is live', () => {
    const names = (live: boolean) => made('Query.products', true, live).map(({ name }) => name)
    expect(names(false)).not.toContain('EventSource')
    expect(names(true)).toContain('EventSource')
  })
  it('have the endpoint, and a place for the key where one is needed', () => {
    for (const { name, text } of made('Subscription.priceChanged', true)) {
      expect(text).toMatch(/(https|wss):\/\/api\.example\/graphql/)
      expect(text.includes('Bearer YOUR_KEY')).toBe(name !== 'EventSource')
    }
    for (const { text } of made('Subscription.priceChanged', false)) expect(text).not.toContain('YOUR_KEY')
  })
  it('of curl keep quotes from the shell', () => {
    const call = { document: `{ a(b: "it's") }`, variables: {}, stream: false, endpoint: 'http://x/graphql', credentials: false }
    expect(snippets(call).at(-1)?.text).toContain(`it'\\''s`)
  })
})
