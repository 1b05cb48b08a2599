// Policy stands in the directives of the schema, and introspection does not tell of it. The gateway's own text of the
// schema does: what it says of a field is shown where the field is.
import {
  Kind,
  parse,
  print,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type IntrospectionQuery,
  type IntrospectionType,
} from 'graphql'

const unsaid = new Set(['deprecated', 'specifiedBy', 'oneOf']) // introspection tells of these

/** The directives of types, by `Type`, and of their fields, by `Type.field`, as text. */
export type Policy = ReadonlyMap<string, readonly string[]>

/** Reads what the text of a schema says by directives. It throws what `parse` does. */
export function readPolicy(sdl: string): Policy {
  const policy = new Map<string, readonly string[]>()
  const note = (name: string, directives: readonly ConstDirectiveNode[] = []) => {
    const said = directives.filter((directive) => !unsaid.has(directive.name.value)).map(print)
    if (said.length > 0) policy.set(name, said)
  }
  for (const definition of parse(sdl, { noLocation: true }).definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue
    note(definition.name.value, definition.directives)
    for (const field of definition.fields ?? []) note(`${definition.name.value}.${field.name.value}`, directivesOf(field))
  }
  return policy
}

const directivesOf = (field: FieldDefinitionNode): readonly ConstDirectiveNode[] => field.directives ?? []

/** Adds policy to the descriptions of types and fields: the documentation and the editor show these. */
export function describe(introspection: IntrospectionQuery, policy: Policy): IntrospectionQuery {
  const types = introspection.__schema.types.map((type) => describeType(type, policy))
  return { __schema: { ...introspection.__schema, types } }
}

function describeType(type: IntrospectionType, policy: Policy): IntrospectionType {
  if (type.kind !== 'OBJECT' && type.kind !== 'INTERFACE') return type
  const fields = type.fields.map((field) => ({
    ...field,
    description: append(field.description, policy.get(`${type.name}.${field.name}`)),
  }))
  return { ...type, fields, description: append(type.description, policy.get(type.name)) }
}

function append(description: string | null | undefined, said: readonly string[] | undefined): string | null {
  if (!said) return description ?? null
  return `${description ?? ''}\n\n\`\`\`graphql\n${said.join('\n')}\n\`\`\``.trimStart()
}

/** What one root field asks of its callers and does, in the order of the schema. */
export interface Rule {
  kind: 'Query' | 'Mutation' | 'Subscription'
  field: string
  said: readonly string[]
}

/** The rules of all root fields. Those that say nothing are for callers with credentials. */
export function rulesOf(introspection: IntrospectionQuery, policy: Policy): Rule[] {
  const kinds = ['Query', 'Mutation', 'Subscription'] as const
  return kinds.flatMap((kind) => {
    const root = introspection.__schema[`${lower(kind)}Type`]?.name
    const type = introspection.__schema.types.find(({ name }) => name === root)
    if (type?.kind !== 'OBJECT') return []
    const shared = policy.get(type.name) ?? []
    return type.fields.map(({ name }) => ({ kind, field: name, said: [...(policy.get(`${type.name}.${name}`) ?? []), ...shared] }))
  })
}

const lower = <T extends string>(text: T): Uncapitalize<T> => (text.charAt(0).toLowerCase() + text.slice(1)) as Uncapitalize<T>
