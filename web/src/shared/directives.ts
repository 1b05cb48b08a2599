// What the schema says by directives. Introspection does not tell of it, the gateway's own text of the schema does.
import { Kind, parse, type ConstDirectiveNode } from 'graphql'

/** The directives of types that have fields, by `Type`, and of these, by `Type.field`. */
export type Directives = ReadonlyMap<string, readonly ConstDirectiveNode[]>

/** Reads the text of a schema. It throws what `parse` does. */
export function directivesOf(schema: string): Directives {
  const found = new Map<string, readonly ConstDirectiveNode[]>()
  const note = (name: string, more: readonly ConstDirectiveNode[] = []) => found.set(name, [...(found.get(name) ?? []), ...more])
  for (const type of parse(schema, { noLocation: true }).definitions) {
    switch (type.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.OBJECT_TYPE_EXTENSION:
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_EXTENSION:
        note(type.name.value, type.directives)
        for (const field of type.fields ?? []) note(`${type.name.value}.${field.name.value}`, field.directives)
    }
  }
  return found
}

/** The directives of the gateway's schema. There are none where it does not show its text, as where it lets nobody introspect. */
export async function askDirectives(signal?: AbortSignal): Promise<Directives | undefined> {
  try {
    const answer = await fetch('/schema.graphql', { signal })
    return answer.ok ? directivesOf(await answer.text()) : undefined
  } catch {
    return undefined
  }
}
