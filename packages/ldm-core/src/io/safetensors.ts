import { contiguousStrides } from '../nn/strides.js';
import { type ByteSource, readBytes } from './byte-source.js';
import type { CheckpointContents } from './checkpoint.js';
import { CheckpointError, DAMAGED } from './checkpoint-error.js';
import { dtypeBytes, dtypeOfSafetensors } from './dtype.js';
import { checkExpansion } from './limits.js';
import { Storage, StoredTensor, viewProblem } from './stored-tensor.js';
import { type Json, JsonFault, parseStrictJson } from './strict-json.js';

/** Largest header read, as in the format's own library. */
export const MAX_HEADER = 100_000_000;

/**
 * Read the header of a safetensors file: its length (uint64), JSON of {name: {dtype, shape, data_offsets}}, then the bytes
 * of all tensors without gaps or overlaps.
 * @throws CheckpointError
 */
export async function openSafetensors(source: ByteSource): Promise<CheckpointContents> {
  const file = source.name;
  const length = new DataView((await readBytes(source, 0, 8, 'the header')).buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER))
    throw fault(file, undefined, `a header of ${length} bytes, at most ${MAX_HEADER} are read`);
  const start = 8 + Number(length);
  const header = parse(file, await readBytes(source, 8, Number(length), 'the header'));
  const tensors = new Map<string, StoredTensor>();
  const spans: Span[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [key, entry] of header) {
    if (key === '__metadata__') {
      metadata = textOnly(file, entry);
      continue;
    }
    const { tensor, begin, end } = readEntry(file, key, entry, source.size - start);
    tensor.storage.locate = async () => start + begin;
    tensors.set(key, tensor);
    spans.push({ key, begin, end });
  }
  checkSpans(file, spans, source.size - start, start);
  if (tensors.size === 0) throw fault(file, undefined, 'holds no tensors');
  checkExpansion(source, tensors);
  return { format: 'safetensors', tensors, root: null, metadata };
}

function parse(file: string, bytes: Uint8Array): ReadonlyMap<string, Json> {
  try {
    const json = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (json instanceof Map) return json;
    throw new JsonFault('an object was wanted', 0);
  } catch (error) {
    if (error instanceof JsonFault)
      throw fault(file, undefined, `the header is not valid: ${error.problem}`, 8 + error.offset);
    if (error instanceof TypeError) throw fault(file, undefined, 'the header is not UTF-8', 8);
    throw error;
  }
}

function readEntry(
  file: string,
  key: string,
  entry: Json,
  available: number,
): { tensor: StoredTensor; begin: number; end: number } {
  const fields = entry instanceof Map ? entry : new Map<string, Json>();
  const name = fields.get('dtype');
  const shape = fields.get('shape');
  const offsets = fields.get('data_offsets');
  const counts = (value: Json | undefined): value is number[] =>
    Array.isArray(value) && value.every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0);
  if (fields.size !== 3 || typeof name !== 'string' || !counts(shape) || !counts(offsets) || offsets.length !== 2) {
    throw fault(file, key, 'its header entry is not {dtype, shape, data_offsets: [begin, end]}');
  }
  const dtype = dtypeOfSafetensors(name);
  if (dtype === undefined) {
    throw new CheckpointError({
      file,
      key,
      problem: `element type ${name.slice(0, 40)} is not supported`,
      advice: 'convert it to F32, F16 or BF16',
    });
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > available) {
    throw fault(file, key, `its bytes ${begin} to ${end} leave the data, which has ${available}`);
  }
  const wanted = shape.reduce((product, size) => product * size, dtypeBytes(dtype));
  if (wanted !== end - begin) throw fault(file, key, `[${shape.slice(0, 64)}] of ${name} in ${end - begin} bytes`);
  const problem = viewProblem(shape, contiguousStrides(shape), 0, (end - begin) / dtypeBytes(dtype));
  if (problem !== undefined) throw fault(file, key, problem);
  return {
    tensor: new StoredTensor(dtype, shape, contiguousStrides(shape), 0, new Storage(key, end - begin)),
    begin,
    end,
  };
}

interface Span {
  readonly key: string;
  readonly begin: number;
  readonly end: number;
}

/** Tensors must cover the data exactly: an overlap or a gap is where something else can hide. */
function checkSpans(file: string, spans: Span[], size: number, start: number): void {
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let reached = 0;
  for (const { key, begin, end } of spans) {
    if (begin < reached) throw fault(file, key, `its bytes ${begin} to ${end} overlap those before`, start + begin);
    if (begin > reached)
      throw fault(file, key, `${begin - reached} bytes before it belong to no tensor`, start + reached);
    reached = end;
  }
  if (reached !== size)
    throw fault(file, undefined, `${size - reached} bytes at the end belong to no tensor`, start + reached);
}

function textOnly(file: string, entry: Json): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (!(entry instanceof Map)) throw fault(file, '__metadata__', 'is no object');
  for (const [key, value] of entry) {
    if (typeof value !== 'string') throw fault(file, '__metadata__', 'holds something other than text');
    metadata.set(key, value);
  }
  return metadata;
}

function fault(file: string, key: string | undefined, problem: string, offset?: number): CheckpointError {
  return new CheckpointError({
    file,
    problem,
    advice: DAMAGED,
    ...(key === undefined ? {} : { key: key.slice(0, 200) }),
    ...(offset === undefined ? {} : { offset }),
  });
}
