import { argumentNames } from './inspect.js';
import type { RecordedGraph } from './recorded-graph.js';

/** Operations through which a weight keeps its name. */
const PASSING: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'Cast', 'Transpose', 'ExpandDims', 'Squeeze']);

/** How far back to look for an operation that has a name. */
const REACH = 12;

/**
 * Where in a model each operation stands, by the keys of its weights: an operation that reads `block.1.conv.weight` is
 * `block.1.conv`; a gradient of a filter is that of the convolution which read the same image; anything else comes 'after' the
 * nearest named one that it depends on.
 * @returns by the names of the graph's nodes
 */
export function moduleNames(graph: RecordedGraph, args: readonly unknown[], stateArg: number): Map<string, string> {
  const { nodes, values } = graph;
  const weights = argumentNames(graph, args, stateArg);
  for (const { op, inputs, outputs } of nodes) {
    const name = PASSING.has(op) ? weights.get(inputs[0]!) : undefined;
    if (name !== undefined) weights.set(outputs[0]!, name);
  }
  const direct = nodes.map(({ inputs }) => {
    const key = inputs.map((value) => weights.get(value)).find((name) => name?.includes('.'));
    return key?.replace(/\.[^.]*$/, '');
  });
  const byImage = new Map<number, string>();
  for (const [i, { op, inputs }] of nodes.entries())
    if (op === 'Conv2D' && direct[i] !== undefined) byImage.set(inputs[0]!, direct[i]!);
  const names = new Map<string, string>();
  for (const [i, { name, op, inputs }] of nodes.entries()) {
    const own = direct[i] ?? (op === 'Conv2DBackpropFilter' ? byImage.get(inputs[0]!) : undefined);
    const found = own ?? nearest(i);
    if (found !== undefined) names.set(name, found);
  }
  return names;

  function nearest(start: number): string | undefined {
    let level = [start];
    const seen = new Set(level);
    for (let distance = 0; distance < REACH && level.length > 0; distance++) {
      const next: number[] = [];
      for (const i of level) {
        for (const value of nodes[i]!.inputs) {
          const { node } = values[value]!;
          if (node < 0 || seen.has(node)) continue;
          if (direct[node] !== undefined) return `after ${direct[node]}`;
          seen.add(node);
          next.push(node);
        }
      }
      level = next;
    }
    return undefined;
  }
}
