/** The imports of each file or folder. */
export type ImportGraph = Map<string, Set<string>>;

/**
 * The circles of a graph: every maximal set of two or more nodes that reach each other (Tarjan's strongly connected
 * components).
 */
export function circles(graph: ImportGraph): string[][] {
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    lowest.set(node, index.get(node) as number);
    const depth = stack.push(node) - 1;
    for (const target of graph.get(node) ?? []) {
      if (!index.has(target)) {
        visit(target);
        lowest.set(node, Math.min(lowest.get(node) as number, lowest.get(target) as number));
      } else if (stack.includes(target)) {
        lowest.set(node, Math.min(lowest.get(node) as number, index.get(target) as number));
      }
    }
    if (lowest.get(node) !== index.get(node)) return;
    const component = stack.splice(depth);
    if (component.length > 1) found.push(component.sort());
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}
