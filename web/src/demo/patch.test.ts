import { describe, expect, it } from 'vitest'
import { patched, type JSONValue, type Operation } from './patch'

const before: JSONValue = { a: { b: 1, 'c/d~e': 2 }, list: [1, 2, 3] }

describe('a patch', () => {
  const cases: { name: string; patch: Operation[]; after: JSONValue }[] = [
    { name: 'replaces', patch: [{ op: 'replace', path: '/a/b', value: 9 }], after: { a: { b: 9, 'c/d~e': 2 }, list: [1, 2, 3] } },
    { name: 'replaces in a list', patch: [{ op: 'replace', path: '/list/1', value: 9 }], after: { ...before, list: [1, 9, 3] } },
    { name: 'replaces the whole', patch: [{ op: 'replace', path: '', value: null }], after: null },
    { name: 'adds to a list', patch: [{ op: 'add', path: '/list/0', value: 0 }], after: { ...before, list: [0, 1, 2, 3] } },
    { name: 'adds at the end', patch: [{ op: 'add', path: '/list/-', value: 4 }], after: { ...before, list: [1, 2, 3, 4] } },
    { name: 'removes a name with escapes', patch: [{ op: 'remove', path: '/a/c~1d~0e' }], after: { a: { b: 1 }, list: [1, 2, 3] } },
    { name: 'moves', patch: [{ op: 'move', from: '/list/2', path: '/list/0' }], after: { ...before, list: [3, 1, 2] } },
    { name: 'copies', patch: [{ op: 'copy', from: '/a/b', path: '/list/0' }], after: { ...before, list: [1, 1, 2, 3] } },
  ]
  for (const { name, patch, after } of cases) {
    it(name, () => {
      const was = structuredClone(before)
      expect(patched(before, patch)).toEqual(after)
      expect(before).toEqual(was)
    })
  }

  for (const { name, patch } of [
    { name: 'of nothing', patch: { op: 'remove', path: '/nothing' } },
    { name: 'into nothing', patch: { op: 'add', path: '/nothing/deep', value: 1 } },
    { name: 'beyond a list', patch: { op: 'add', path: '/list/9', value: 1 } },
    { name: 'of a kind that there is not', patch: { op: 'bend', path: '/a' } },
  ]) {
    it(`${name} throws`, () => expect(() => patched(before, [patch])).toThrow())
  }
})
