import { title } from '../format'

/** Which of a few kinds something is; of the schema's names, SUBSCRIPTION say. */
export function Tag({ name }: { name: string }) {
  return <span className="tag">{title(name)}</span>
}
