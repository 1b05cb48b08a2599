// The API as introspection tells it, in the few shapes that the catalogue needs.

export interface TypeRef {
  kind: string
  name: string | null
  ofType?: TypeRef | null
}

export interface Input {
  name: string
  description: string | null
  type: TypeRef
  defaultValue: string | null
}

export interface Field {
  name: string
  description: string | null
  args: Input[]
  type: TypeRef
}

export interface Type {
  kind: string
  name: string
  description: string | null
  fields: Field[] | null
  inputFields: Input[] | null
  enumValues: { name: string }[] | null
}

export type OperationType = 'query' | 'mutation' | 'subscription'

export interface Api {
  types: ReadonlyMap<string, Type>
  roots: Partial<Record<OperationType, string>>
}

/** Something that a client can do: a field of Query, Mutation or Subscription. */
export interface Operation {
  type: OperationType
  /** Such as `Subscription.priceChanged`. */
  id: string
  field: Field
}

export const introspectionQuery = `query ConsoleSchema {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields { name description args { ...Input } type { ...Ref } }
      inputFields { ...Input }
      enumValues { name }
    }
  }
}
fragment Input on __InputValue { name description defaultValue type { ...Ref } }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`

type Root = { name: string } | null

export interface Introspection {
  __schema: { queryType: Root; mutationType: Root; subscriptionType: Root; types: Type[] }
}

export function apiOf({ __schema }: Introspection): Api {
  const { queryType, mutationType, subscriptionType, types } = __schema
  return {
    types: new Map(types.map((type) => [type.name, type])),
    roots: { query: queryType?.name, mutation: mutationType?.name, subscription: subscriptionType?.name },
  }
}

/** All operations of one type, by name. */
export function operationsOf({ types, roots }: Api, type: OperationType): Operation[] {
  const root = types.get(roots[type] ?? '')
  const operations = (root?.fields ?? []).map((field) => ({ type, id: `${root?.name}.${field.name}`, field }))
  return operations.sort((a, b) => a.field.name.localeCompare(b.field.name))
}

/** The type without lists and the need to be there. */
export function named(type: TypeRef): TypeRef {
  return type.ofType ? named(type.ofType) : type
}

/** As it is written in a schema. */
export function written(type: TypeRef): string {
  if (type.kind === 'NON_NULL') return `${type.ofType ? written(type.ofType) : ''}!`
  if (type.kind === 'LIST') return `[${type.ofType ? written(type.ofType) : ''}]`
  return type.name ?? ''
}

export function isList(type: TypeRef): boolean {
  return type.kind === 'LIST' || (type.kind === 'NON_NULL' && type.ofType?.kind === 'LIST')
}

/** Whether a client must give a value. */
export function isNeeded({ type, defaultValue }: Input): boolean {
  return type.kind === 'NON_NULL' && defaultValue === null
}
