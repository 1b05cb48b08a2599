import { useEffect, useState } from 'react'

/** Puts a text on the clipboard, and says so. */
export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (!said) return
    const timer = setTimeout(() => setSaid(''), 2000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      setSaid('Select it and copy') // no clipboard for pages by plain http, or none is allowed
    }
  }
  return (
    <button type="button" className="copy" onClick={copy}>
      <span aria-live="polite">{said || label}</span>
    </button>
  )
}
