// A document for one operation that works as it is: with what must be given, and a selection that is not too large.

import { isList, isNeeded, named, written, type Api, type Field, type Input, type Operation, type Type } from './api'
import type { Policies } from './policy'

export interface Example {
  document: string
  variables: Record<string, unknown>
  /** Results come until the client has enough: a subscription, or a live query. */
  stream: boolean
}

interface Source {
  api: Api
  policies: Policies
  now: Date
}

const deepest = 2 // objects in one another
const mostInside = 4 // fields of an object in another one

/** `live` keeps the result of a query true. */
export function exampleOf(operation: Operation, source: Source, live = false): Example {
  const { type, field } = operation
  const given = field.args.filter((arg) => isNeeded(arg) || arg.name === 'first')
  const declared = given.map((arg) => `$${arg.name}: ${written(arg.type)}`).join(', ')
  const passed = given.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  const name = field.name.charAt(0).toUpperCase() + field.name.slice(1)
  const head = `${type} ${name}${declared && `(${declared})`}${live && type === 'query' ? ' @live' : ''}`
  const body = `  ${field.name}${passed && `(${passed})`}${selection(field, source, 1, 1)}`
  return {
    document: `${head} {\n${body}\n}`,
    variables: Object.fromEntries(given.map((arg) => [arg.name, valueOf(arg, source)])),
    stream: type === 'subscription' || (live && type === 'query'),
  }
}

function selection(field: Field, source: Source, depth: number, indent: number): string {
  const type = source.api.types.get(named(field.type).name ?? '')
  if (!type || !isComposite(type)) return ''
  const space = '  '.repeat(indent + 1)
  const lines = (type.fields ?? [])
    .filter((inner) => isSelected(inner, type, source, depth))
    .slice(0, depth > 1 ? mostInside : undefined)
    .map((inner) => `${space}${inner.name}${selection(inner, source, depth + 1, indent + 1)}`)
  if (lines.length === 0) lines.push(`${space}__typename`)
  return ` {\n${lines.join('\n')}\n${'  '.repeat(indent)}}`
}

function isSelected(field: Field, parent: Type, source: Source, depth: number): boolean {
  if (field.args.some(isNeeded)) return false
  if (source.policies.get(`${parent.name}.${field.name}`)?.scopes.length) return false // who has not all scopes would get nothing
  const type = source.api.types.get(named(field.type).name ?? '')
  if (!type || !isComposite(type)) return true
  const twice = field.name === 'edges' && parent.fields?.some(({ name }) => name === 'nodes')
  return !twice && depth < (isList(field.type) ? deepest : deepest + 1) && type.kind === 'OBJECT' && hasLeaves(type, source)
}

function hasLeaves(type: Type, { api }: Source): boolean {
  return (type.fields ?? []).some((field) => {
    const inner = api.types.get(named(field.type).name ?? '')
    return inner && !isComposite(inner)
  })
}

function isComposite({ kind }: Type): boolean {
  return kind === 'OBJECT' || kind === 'INTERFACE' || kind === 'UNION'
}

/** A value that the gateway understands; what the schema names as an example counts first. */
function valueOf(input: Input, source: Source): unknown {
  const value = single(input, source)
  return isList(input.type) ? [value] : value
}

function single(input: Input, source: Source): unknown {
  const { name = '' } = named(input.type)
  const type = source.api.types.get(name ?? '')
  if (type?.kind === 'ENUM') return type.enumValues?.[0]?.name
  if (type?.kind === 'INPUT_OBJECT') return objectOf(type, source)
  if (name === 'Int') return input.name === 'first' ? 3 : 1
  if (name === 'Float') return 1
  if (name === 'Boolean') return true
  return suggested(input) ?? scalars[name ?? '']?.(source.now) ?? (name === 'ID' ? '1' : 'text')
}

const scalars: Record<string, (now: Date) => unknown> = {
  Decimal: () => '9.99',
  Duration: () => '1m',
  Long: () => 1,
  Time: (now) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth())).toISOString(),
}

function suggested({ description }: Input): string | undefined {
  return /such as `([^`]+)`/i.exec(description ?? '')?.[1]
}

/** What must be given, and what the schema has an example of. */
function objectOf(type: Type, source: Source): Record<string, unknown> {
  const given = (type.inputFields ?? []).filter(
    (input) => isNeeded(input) || (suggested(input) && named(input.type).kind === 'SCALAR'),
  )
  return Object.fromEntries(given.map((input) => [input.name, valueOf(input, source)]))
}
