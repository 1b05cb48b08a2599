import { useEffect, useRef, useState } from 'react'
import type uPlot from 'uplot'
import { none } from '../format'
import { draw } from './draw'

export interface Line {
  label: string
  /** Which of the theme's colours of lines, from 1 on. */
  color: number
  /** One for each time; null where there is none. */
  values: (number | null)[]
}

interface Props {
  /** What is shown, for those who do not see it. */
  label: string
  /** Seconds since 1970, rising. */
  times: number[]
  lines: Line[]
  format(value: number): string
}

/** Lines over time. The legend has the latest values, or those under the pointer. */
export function Chart({ label, times, lines, format }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(null)
  const [pointed, setPointed] = useState<number | null>(null)
  const dark = useDark()
  const shape = lines.map((line) => `${line.label} ${line.color}`).join()
  const data = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData
  const newest = useRef(data)
  newest.current = data
  useEffect(() => {
    const made = draw(place.current!, { lines, format, onPoint: setPointed }, newest.current)
    chart.current = made.plot
    return () => {
      chart.current = null
      made.destroy()
    }
    // The shape says all that the chart is made of; new values are set below.
  }, [shape, dark])
  useEffect(() => chart.current?.setData(newest.current))
  const latest = lines.map((line) => at(line.values, pointed))
  const said = lines.map((line, i) => `${line.label} ${latest[i] === null ? 'none' : format(latest[i])}`).join(', ')
  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={`${label}: ${said}`} />
      <figcaption aria-hidden>
        {lines.map((line, i) => (
          <span key={line.label}>
            <i className={`line-${line.color}`} />
            {line.label} <b>{latest[i] === null ? none : format(latest[i])}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  )
}

function at(values: (number | null)[], index: number | null): number | null {
  return index === null ? (values.findLast((value) => value !== null) ?? null) : (values[index] ?? null)
}

const preference = '(prefers-color-scheme: dark)'

/** Whether the page is dark: lines on a canvas do not follow by themselves. */
function useDark(): boolean {
  const [dark, setDark] = useState(() => matchMedia(preference).matches)
  useEffect(() => {
    const media = matchMedia(preference)
    const changed = () => setDark(media.matches)
    media.addEventListener('change', changed)
    return () => media.removeEventListener('change', changed)
  }, [])
  return dark
}
