import { expect, it } from 'vitest'
import { link, segments } from './route'

it.each([
  ['nothing is no view', '', []],
  ['a view', '#now', ['now']],
  [
    'a slash in a name is part of it',
    link('consumers', 'a/b c', 'https://login.example/'),
    ['consumers', 'a/b c', 'https://login.example/'],
  ],
  ['what cannot be decoded is taken as it is', '#consumers/%', ['consumers', '%']],
])('%s', (_, hash, want) => expect(segments(hash)).toEqual(want))
