// What the page can be used without comes later, so that it can be used sooner: when the browser has time, and before
// anything that its user does.
import { flushSync } from 'react-dom'

type Task = () => void

const tasks: Task[] = []
let begun = false
let open = false // nothing has to wait any more

/** Runs a task later, after those before it; once all have run, at once. */
export function later(task: Task): void {
  if (open) return task()
  tasks.push(task)
}

/** Says that the page shows what it is for. */
export function begin(): void {
  if (begun) return
  begun = true
  requestAnimationFrame(next) // which is when that is drawn
}

// Each task may keep a slow machine busy: between two of them it hears its user.
function next(): void {
  idle(() => {
    tasks.shift()?.()
    if (tasks.length > 0) return next()
    finish()
  })
}

const idle = globalThis.requestIdleCallback ?? ((task: Task) => setTimeout(task, 50))

const inputs = ['pointerdown', 'keydown', 'click', 'drop'] as const

for (const input of inputs) addEventListener(input, hurry, { capture: true })

// What somebody does must find everything in its place.
function hurry(): void {
  flushSync(() => {
    while (tasks.length > 0) tasks.shift()?.()
  })
  if (begun) finish()
}

function finish(): void {
  open = true
  for (const input of inputs) removeEventListener(input, hurry, { capture: true })
}
