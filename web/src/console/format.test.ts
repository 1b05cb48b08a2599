import { describe, expect, it } from 'vitest'
import { brief, bytes, millis, moment, money, percent, rate, span, title, utc } from './format'

describe('numbers', () => {
  it.each([
    ['small numbers have all their digits', brief(12_345), '12,345'],
    ['large ones are shortened', brief(1_234_567), '1.23M'],
    ['little a second has two digits', rate(0.0234), '0.023'],
    ['some a second has a decimal', rate(15.44), '15.4'],
    ['much a second has none', rate(1234.5), '1,235'],
    ['bytes are counted in thousands', bytes(1_234), '1.2 KB'],
    ['just under the next unit is the next unit', bytes(999_999), '1 MB'],
    ['few bytes are whole', bytes(12), '12 B'],
    ['a ratio under a tenth keeps its digits', percent(0.0123), '1.23%'],
    ['no errors are no digits', percent(0), '0%'],
  ])('%s', (_, got, want) => expect(got).toBe(want))
})

describe('spans of time', () => {
  it.each([
    ['milliseconds have three digits', millis(1.234), '1.23 ms'],
    ['many of them have none', millis(1234.4), '1,234 ms'],
    ['very many are seconds', millis(61_000), '1 min 1 s'],
    ['what is not known is a dash', millis(null), '–'],
    ['a span has its two largest units', span(90_061), '1 d 1 h'],
    ['a unit of which there is nothing is left out', span(3_600), '1 h'],
    ['units do not skip', span(3_601), '1 h'],
    ['what is over is none', span(-5), '0 s'],
  ])('%s', (_, got, want) => expect(got).toBe(want))
})

describe('money', () => {
  it.each([
    ['cents', money('29.000000', 'EUR'), '€29.00'],
    ['what is below a cent', money('0.000299', 'EUR'), '€0.000299'],
    ['more digits than a float has', money('123456789012.345678', 'EUR'), '€123,456,789,012.345678'],
    ['a currency that is none', money('1.000000', 'credits'), '1.000000 credits'],
  ])('%s', (_, got, want) => expect(got).toBe(want))
})

describe('moments', () => {
  it('are told in UTC to the second', () => {
    expect(utc(new Date('2026-11-21T18:40:12.345Z'))).toBe('2026-11-21 18:40:12 UTC')
  })
  it('of today have no date', () => {
    const at = new Date(2026, 10, 21, 9, 5, 7)
    expect(moment(at, new Date(2026, 10, 21, 23))).toMatch(/^9:05:07/)
    expect(moment(at, new Date(2026, 10, 22, 1))).toMatch(/^Nov 21, 2026/)
  })
})

it('names of the schema become words', () => expect(title('SLIDING_DAY')).toBe('Sliding day'))
