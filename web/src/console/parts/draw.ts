// What a chart has to do with uPlot, which draws it.

import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Line } from './Chart'

interface Drawing {
  lines: Line[]
  format(value: number): string
  /** The pointer is over the values with this index; null: it has left. */
  onPoint(index: number | null): void
}

const height = 160 // pixels

/** Draws into a place, as wide as that is from time to time. Nothing of it is left after destroy. */
export function draw(place: HTMLElement, drawing: Drawing, data: uPlot.AlignedData): { plot: uPlot; destroy(): void } {
  const plot = new uPlot(options(place, drawing), data, place)
  const observer = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height }))
  observer.observe(place)
  return {
    plot,
    destroy() {
      observer.disconnect()
      plot.destroy()
    },
  }
}

function options(place: HTMLElement, { lines, format, onPoint }: Drawing): uPlot.Options {
  const text = color(place, '--quiet')
  const grid = { stroke: color(place, '--line'), width: 1 }
  const font = `11px ${getComputedStyle(place).fontFamily}`
  return {
    width: place.clientWidth,
    height,
    padding: [8, 24, 0, 0], // room for half of the last time
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { stroke: text, font, grid: { show: false }, ticks: { show: false }, size: 24, space: 80, values: timesOfDay },
      { stroke: text, font, grid, ticks: { show: false }, size: axisWidth, space: 36, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: color(place, `--line-${line.color}`),
        fill: color(place, `--line-${line.color}`).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.07)'),
        width: 1.5,
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(u) => onPoint(u.cursor.idx ?? null)] },
  }
}

/** Hours and minutes, or days where there are many of them, in the viewer's zone. */
function timesOfDay(_: uPlot, times: number[]): string[] {
  const long = times.length > 1 && times[1] - times[0] >= 12 * 3600
  const format = new Intl.DateTimeFormat(
    undefined,
    long ? { day: 'numeric', month: 'short' } : { hour: 'numeric', minute: '2-digit' },
  )
  return times.map((seconds) => format.format(seconds * 1000))
}

/** As wide as the longest of its numbers. */
function axisWidth(_: uPlot, values: string[] | null): number {
  return 12 + 6.5 * Math.max(3, ...(values ?? []).map((value) => value.length))
}

/** A colour of the theme as a canvas understands it. */
function color(place: HTMLElement, name: string): string {
  const probe = place.appendChild(document.createElement('i'))
  probe.style.color = `var(${name})`
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}
