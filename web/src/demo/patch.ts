// The results of a live query that sends what differs: whole ones, and patches (RFC 6902).

export type JSONValue = null | boolean | number | string | JSONValue[] | { [name: string]: JSONValue }

export interface Operation {
  op: string
  path: string
  from?: string
  value?: JSONValue
}

/** The value after the operations. What was before stays as it is. An operation that does not apply throws. */
export function patched(before: JSONValue, operations: Operation[]): JSONValue {
  const root = { '': structuredClone(before) }
  for (const operation of operations) apply(root, operation)
  return root['']
}

type Holder = { [name: string]: JSONValue }

function apply(root: Holder, { op, path, from = '', value = null }: Operation): void {
  switch (op) {
    case 'add':
      return put(root, path, value)
    case 'remove':
      return void remove(root, path)
    case 'replace':
      if (path !== '') remove(root, path) // in a list the others close ranks, and make room again
      return put(root, path, value)
    case 'move':
      return put(root, path, remove(root, from))
    case 'copy':
      return put(root, path, structuredClone(get(root, from)))
    default:
      throw new Error(`a patch with ${op} is not understood`) // the gateway sends no tests
  }
}

function get(root: Holder, path: string): JSONValue {
  const [holder, name] = find(root, path)
  const value = Array.isArray(holder) ? holder[index(holder, name, path)] : holder[name]
  if (value === undefined) throw missing(path)
  return value
}

function put(root: Holder, path: string, value: JSONValue): void {
  const [holder, name] = find(root, path)
  if (!Array.isArray(holder)) {
    holder[name] = value
    return
  }
  const at = name === '-' ? holder.length : index(holder, name, path)
  holder.splice(at, 0, value)
}

function remove(root: Holder, path: string): JSONValue {
  const value = get(root, path)
  const [holder, name] = find(root, path)
  if (Array.isArray(holder)) holder.splice(Number(name), 1)
  else delete holder[name]
  return value
}

/** Where a path leads: what holds the value, and by which name. The whole is held by the name ''. */
function find(root: Holder, path: string): [JSONValue[] | Holder, string] {
  const names = path.split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = names.pop() ?? ''
  let at: JSONValue | undefined = root
  for (const name of names) {
    at = Array.isArray(at) ? at[Number(name)] : isHolder(at) && Object.hasOwn(at, name) ? at[name] : undefined
  }
  if (!Array.isArray(at) && !isHolder(at)) throw missing(path)
  return [at, last]
}

function isHolder(value: JSONValue | undefined): value is Holder {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function index(list: JSONValue[], name: string, path: string): number {
  if (!/^(0|[1-9][0-9]*)$/.test(name) || Number(name) > list.length) throw missing(path)
  return Number(name)
}

const missing = (path: string) => new Error(`the patch's path ${path} is not there`)
