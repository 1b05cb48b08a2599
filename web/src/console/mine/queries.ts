import type { Answer } from '../live'

export interface Quota {
  events: number
  per: string
  remaining: number
  resetAt: string
}

export interface FieldBudget {
  field: string
  quotas: Quota[]
  duration: string | null
  rate: number | null
}

export type BudgetsAnswer = Answer<{ myBudgets: FieldBudget[] }>

export const budgetsQuery = `query ConsoleMyBudgets @live(throttle: 2000) {
  myBudgets { field quotas { events per remaining resetAt } duration rate }
}`
