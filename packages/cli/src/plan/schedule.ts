import type { RecordedGraph } from '@codiff/engine';

/**
 * Seconds until all operations are done, of which so many run at once: first come, first served, as in TensorFlow's executor.
 * @param seconds of an operation by its index; 0 for those that take none
 */
export function scheduledSeconds(
  { nodes, values }: Pick<RecordedGraph, 'nodes' | 'values'>,
  seconds: readonly number[],
  atOnce: number,
): number {
  const needs = nodes.map(({ inputs, after }) => new Set([...inputs.map((value) => values[value]!.node), ...after]));
  const waiting = needs.map(({ size }) => size);
  const readers: number[][] = nodes.map(() => []);
  for (const [index, needed] of needs.entries()) for (const node of needed) readers[node]!.push(index);
  const ready = nodes.flatMap((_, index) => (waiting[index] === 0 ? [index] : []));
  const running: { readonly index: number; readonly end: number }[] = [];
  let now = 0;
  const finish = (index: number): void => {
    for (const reader of readers[index]!) if (--waiting[reader]! === 0) ready.push(reader);
  };
  for (let next = 0; next < ready.length || running.length > 0; ) {
    if (next < ready.length && running.length < atOnce) {
      const index = ready[next++]!;
      if (seconds[index] === 0) finish(index);
      else running.push({ index, end: now + seconds[index]! });
      continue;
    }
    const first = running.reduce((least, each) => (each.end < least.end ? each : least));
    running.splice(running.indexOf(first), 1);
    now = first.end;
    finish(first.index);
  }
  return now;
}
