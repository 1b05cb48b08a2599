/** A text of the schema, where `names` stand between back-ticks. */
export function Description({ text }: { text: string | null }) {
  if (!text) return null
  const parts = text.split(/`([^`]+)`/)
  return <p className="quiet">{parts.map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</p>
}
