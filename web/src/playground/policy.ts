// Policy stands in the directives of the schema: what they say of a field is shown where the field is.
import { print, type IntrospectionQuery, type IntrospectionType } from 'graphql'
import type { Directives } from '../shared/directives'

const told = new Set(['deprecated', 'specifiedBy', 'oneOf']) // by introspection

/** What is said of a type, or of a `Type.field`, as text. */
function saidOf(name: string, directives: Directives): string[] {
  return (directives.get(name) ?? []).filter((directive) => !told.has(directive.name.value)).map(print)
}

/** Adds policy to the descriptions of types and fields: the documentation and the editor show these. */
export function describe(introspection: IntrospectionQuery, directives: Directives): IntrospectionQuery {
  const types = introspection.__schema.types.map((type) => describeType(type, directives))
  return { __schema: { ...introspection.__schema, types } }
}

function describeType(type: IntrospectionType, directives: Directives): IntrospectionType {
  if (type.kind !== 'OBJECT' && type.kind !== 'INTERFACE') return type
  const fields = type.fields.map((field) => ({
    ...field,
    description: append(field.description, saidOf(`${type.name}.${field.name}`, directives)),
  }))
  return { ...type, fields, description: append(type.description, saidOf(type.name, directives)) }
}

function append(description: string | null | undefined, said: readonly string[]): string | null {
  if (said.length === 0) return description ?? null
  return `${description ?? ''}\n\n\`\`\`graphql\n${said.join('\n')}\n\`\`\``.trimStart()
}

/** What one root field asks of its callers and does, in the order of the schema. */
export interface Rule {
  kind: 'Query' | 'Mutation' | 'Subscription'
  field: string
  said: readonly string[]
}

/** The rules of all root fields. Those that say nothing are for callers with credentials. */
export function rulesOf(introspection: IntrospectionQuery, directives: Directives): Rule[] {
  const kinds = ['Query', 'Mutation', 'Subscription'] as const
  return kinds.flatMap((kind) => {
    const root = introspection.__schema[`${lower(kind)}Type`]?.name
    const type = introspection.__schema.types.find(({ name }) => name === root)
    if (type?.kind !== 'OBJECT') return []
    const shared = saidOf(type.name, directives)
    return type.fields.map(({ name }) => ({ kind, field: name, said: [...saidOf(`${type.name}.${name}`, directives), ...shared] }))
  })
}

const lower = <T extends string>(text: T): Uncapitalize<T> => (text.charAt(0).toLowerCase() + text.slice(1)) as Uncapitalize<T>
