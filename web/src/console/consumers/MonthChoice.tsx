import { useState } from 'react'
import { lastMonths, monthName, monthOf } from './months'

/** The month that is shown; at first the one of now. */
export function useMonth(): [string, (month: string) => void] {
  return useState(() => monthOf(new Date()))
}

export function MonthChoice({ month, onChange }: { month: string; onChange(month: string): void }) {
  return (
    <select aria-label="Month" value={month} onChange={(event) => onChange(event.target.value)}>
      {lastMonths(new Date()).map((name) => (
        <option key={name} value={name}>
          {monthName(name)}
        </option>
      ))}
    </select>
  )
}
