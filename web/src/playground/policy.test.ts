import { buildSchema, introspectionFromSchema } from 'graphql'
import { expect, test } from 'vitest'
import { directivesOf } from '../shared/directives'
import { describe as tell, rulesOf } from './policy'

const sdl = `
directive @public on FIELD_DEFINITION | OBJECT
directive @auth(scopes: [String!]) on FIELD_DEFINITION
directive @topic(name: String!) on FIELD_DEFINITION
directive @publish(topic: String!) repeatable on FIELD_DEFINITION
type Query { "Who asks." me: String @auth(scopes: ["a", "b"]) old: Int @deprecated(reason: "new") }
type Mutation { set(x: Int): Int @publish(topic: "a.{x}") @publish(topic: "b.{x}") }
"What moves."
type Subscription @public { moved: Query @topic(name: "t") }
`
const introspection = introspectionFromSchema(buildSchema(sdl))
const directives = directivesOf(sdl)
const descriptionOf = (typeName: string, fieldName?: string) => {
  const type = tell(introspection, directives).__schema.types.find(({ name }) => name === typeName)
  if (type?.kind !== 'OBJECT') return undefined
  return fieldName ? type.fields.find(({ name }) => name === fieldName)?.description : type.description
}

test('the directives of a field stand below its description', () => {
  expect(descriptionOf('Query', 'me')).toBe('Who asks.\n\n```graphql\n@auth(scopes: ["a", "b"])\n```')
})

test('a field without a description has them alone, each on a line', () => {
  expect(descriptionOf('Mutation', 'set')).toBe('```graphql\n@publish(topic: "a.{x}")\n@publish(topic: "b.{x}")\n```')
})

test('types have theirs', () => expect(descriptionOf('Subscription')).toBe('What moves.\n\n```graphql\n@public\n```'))

test('what introspection tells by itself is not told twice', () => expect(descriptionOf('Query', 'old')).toBeNull())

test('the rules of root fields are in the order of the schema, with those of their type', () => {
  expect(rulesOf(introspection, directives)).toEqual([
    { kind: 'Query', field: 'me', said: ['@auth(scopes: ["a", "b"])'] },
    { kind: 'Query', field: 'old', said: [] },
    { kind: 'Mutation', field: 'set', said: ['@publish(topic: "a.{x}")', '@publish(topic: "b.{x}")'] },
    { kind: 'Subscription', field: 'moved', said: ['@topic(name: "t")', '@public'] },
  ])
})

test('a schema without directives says nothing', () => {
  const plain = 'type Query { a: Int }'
  const told = introspectionFromSchema(buildSchema(plain))
  expect(tell(told, directivesOf(plain))).toEqual(told)
})
