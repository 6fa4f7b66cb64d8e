import { bytesOfType } from './data-type.js';
import { fieldsOf } from './proto.js';

/** One kernel that ran, as TensorFlow's RunMetadata tells it. */
export interface NodeStats {
  /** Name in the optimised graph. */
  readonly name: string;
  /** The kernel's operation. */
  readonly op: string;
  /** When it began, from the first one on, and how long it computed. */
  readonly startMicros: number;
  readonly micros: number;
  /** Names of the nodes that it reads, and of which of their outputs. */
  readonly inputs: readonly { readonly name: string; readonly slot: number }[];
  /** Bytes of each output. */
  readonly outputBytes: readonly number[];
}

const text = (value: number | Uint8Array): string => new TextDecoder().decode(value as Uint8Array);

/**
 * The kernels of one run: `RunMetadata.step_stats.dev_stats.node_stats` (tensorflow/core/framework/step_stats.proto), in the
 * order of their starts.
 */
export function readStepStats(metadata: Uint8Array): NodeStats[] {
  const found: NodeStats[] = [];
  for (const [field, stepStats] of fieldsOf(metadata)) {
    if (field !== 1) continue;
    for (const [, device] of fieldsOf(stepStats as Uint8Array))
      for (const [field, node] of fieldsOf(device as Uint8Array))
        if (field === 2) found.push(readNode(node as Uint8Array));
  }
  const first = Math.min(...found.map(({ startMicros }) => startMicros));
  return found
    .map((node) => ({ ...node, startMicros: node.startMicros - first }))
    .sort((a, b) => a.startMicros - b.startMicros);
}

function readNode(bytes: Uint8Array): NodeStats {
  let [name, label] = ['', ''];
  let [allStart, opStart, opEnd] = [0, 0, 0];
  let nanos: [start: number, end: number] | null = null;
  const outputBytes: number[] = [];
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) name = text(value);
    else if (field === 2) allStart = value as number;
    else if (field === 3) opStart = value as number;
    else if (field === 4) opEnd = value as number;
    else if (field === 7) readOutput(value as Uint8Array, outputBytes);
    else if (field === 8) label = text(value);
    else if (field === 14) nanos = [value as number, nanos?.[1] ?? 0];
    else if (field === 15) nanos = [nanos?.[0] ?? 0, value as number];
  }
  const micros = nanos === null ? opEnd - opStart : (nanos[1] - nanos[0]) / 1000;
  return { name, startMicros: allStart + opStart, micros, ...readLabel(label, name), outputBytes };
}

/** `name = Op(first, second:1, ^waitedFor)`. */
function readLabel(label: string, name: string): Pick<NodeStats, 'op' | 'inputs'> {
  const match = /^(?:.*? = )?([\w>.]+)\((.*)\)/.exec(label);
  if (match === null) return { op: name, inputs: [] };
  const inputs = match[2]!
    .split(', ')
    .filter((input) => input !== '' && !input.startsWith('^'))
    .map((input) => {
      const [name = '', slot = '0'] = input.split(':');
      return { name, slot: Number(slot) };
    });
  return { op: match[1]!, inputs };
}

/** NodeOutput: slot (1) and tensor_description (3) with dtype (1) and shape (2). */
function readOutput(bytes: Uint8Array, into: number[]): void {
  let [slot, dtype, elements] = [0, 0, 1];
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) slot = value as number;
    if (field !== 3) continue;
    for (const [field, inner] of fieldsOf(value as Uint8Array)) {
      if (field === 1) dtype = inner as number;
      // TensorShapeProto: dim (2) with size (1), which is left out where it is 0.
      if (field !== 2) continue;
      for (const [field, dim] of fieldsOf(inner as Uint8Array)) {
        if (field !== 2) continue;
        const size = [...fieldsOf(dim as Uint8Array)].find(([field]) => field === 1)?.[1] as number | undefined;
        elements *= size ?? 0;
      }
    }
  }
  into[slot] = elements * bytesOfType(dtype);
}
