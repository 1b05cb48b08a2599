import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let ran: string[]
let idle: (() => void)[]
let page: typeof import('./later')

beforeEach(async () => {
  ran = []
  idle = []
  vi.stubGlobal('requestAnimationFrame', (drawn: () => void) => idle.push(drawn))
  vi.stubGlobal('requestIdleCallback', (task: () => void) => idle.push(task))
  vi.resetModules()
  page = await import('./later')
})

afterEach(() => vi.unstubAllGlobals())

const task = (name: string) => page.later(() => ran.push(name))
const rest = () => idle.shift()?.()

test('tasks wait until the page has begun, then for time, one by one', () => {
  task('a')
  task('b')
  rest()
  expect(ran).toEqual([])
  page.begin()
  rest() // it is drawn
  rest()
  expect(ran).toEqual(['a'])
  rest()
  expect(ran).toEqual(['a', 'b'])
  task('c')
  expect(ran).toEqual(['a', 'b', 'c'])
})

test('whatever its user does finds all of them done', () => {
  task('a')
  task('b')
  page.begin()
  dispatchEvent(new Event('pointerdown'))
  expect(ran).toEqual(['a', 'b'])
  while (idle.length > 0) rest()
  task('c')
  expect(ran).toEqual(['a', 'b', 'c'])
})

test('who is early does not open what comes with the page', () => {
  task('a')
  dispatchEvent(new Event('keydown'))
  task('b')
  expect(ran).toEqual(['a'])
  page.begin()
  while (idle.length > 0) rest()
  expect(ran).toEqual(['a', 'b'])
})
