import type { ReactNode } from 'react'

export interface Column<R> {
  title: string
  /** Numbers stand at the right, digit under digit. */
  number?: boolean
  /** Left out in narrow windows. */
  wide?: boolean
  cell(row: R): ReactNode
}

interface Props<R> {
  label: string
  columns: Column<R>[]
  rows: R[]
  id(row: R): string
  footer?: ReactNode
}

/** A table that scrolls by itself where it is wider than its place, by the keyboard too. */
export function Table<R>({ label, columns, rows, id, footer }: Props<R>) {
  return (
    <div className="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={className(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((column) => (
                <td key={column.title} className={className(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {footer && <tfoot>{footer}</tfoot>}
      </table>
    </div>
  )
}

function className({ number, wide }: { number?: boolean; wide?: boolean }): string | undefined {
  return [number && 'number', wide && 'wide'].filter(Boolean).join(' ') || undefined
}
