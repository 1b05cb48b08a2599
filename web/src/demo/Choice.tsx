import { useId } from 'react'

interface Props<T> {
  label: string
  options: [T, string][]
  value: T
  choose(value: NoInfer<T>): void
}

/** One of a few, side by side. */
export function Choice<T extends string | number>({ label, options, value, choose }: Props<T>) {
  const name = useId()
  return (
    <fieldset className="choice">
      <legend className="unseen">{label}</legend>
      {options.map(([option, text]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => choose(option)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  )
}
