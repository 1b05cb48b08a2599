// All nodes together.

import type { Backend, Count, GatewayNode } from './now/queries'

/** The counts of all nodes by name, the largest first. */
export function together(lists: Count[][]): Count[] {
  const sums = new Map<string, number>()
  for (const { name, count } of lists.flat()) sums.set(name, (sums.get(name) ?? 0) + count)
  return [...sums].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count)
}

export function total(counts: Count[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0)
}

/** Back ends that are not up, by the nodes that miss them. */
export function down(nodes: GatewayNode[]): { node: string; backend: Backend }[] {
  return nodes.flatMap((node) => node.backends.filter(({ up }) => !up).map((backend) => ({ node: node.name, backend })))
}
