import { type ByteSource, readBytes } from './byte-source.js';
import type { CheckpointContents, OpenOptions } from './checkpoint.js';
import { CheckpointError, DAMAGED } from './checkpoint-error.js';
import { checkExpansion } from './limits.js';
import { parsePickle } from './pickle.js';
import { checkpointErrorOf } from './pickle-error.js';
import { InertGlobals } from './pickle-globals.js';
import { PickleTruncated } from './pickle-reader.js';
import { PickleDict, type PickleValue } from './pickle-value.js';
import { Storage } from './stored-tensor.js';
import { weightsOf } from './tensor-tree.js';
import { type FindStorage, torchPersistentLoad } from './torch-tensors.js';
import { MAX_PICKLE } from './torch-zip.js';

/** The number every legacy file opens with. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const FIRST_WINDOW = 2 ** 20;

/**
 * Read the header of a file that `torch.save` before PyTorch 1.6 wrote: five pickles (magic number, protocol, system,
 * object, list of storage keys), then each storage as its element count (int64) and its bytes, in the order of the list.
 * @throws CheckpointError
 */
export async function openTorchLegacy(source: ByteSource, options: OpenOptions): Promise<CheckpointContents> {
  const storages = new Map<string, Counted>();
  const find: FindStorage = (key, numel, width) => {
    const storage = new Storage(key, numel * width);
    storages.set(key, { storage, numel });
    return storage;
  };
  // Where the pickles end is known once they are parsed: take a window, and a larger one if they do not fit.
  for (let size = FIRST_WINDOW; ; size *= 8) {
    const length = Math.min(size, source.size, MAX_PICKLE);
    const bytes = await readBytes(source, 0, length, 'the header');
    storages.clear();
    try {
      const { root, keys, end } = parseHeader(source.name, bytes, find, options);
      const tensors = weightsOf(source.name, root);
      checkExpansion(source, tensors);
      await locateStorages(source, storages, keys, end);
      return { format: 'torch-legacy', tensors, root, metadata: new Map() };
    } catch (error) {
      const more = length < source.size && length < MAX_PICKLE;
      if (!(error instanceof PickleTruncated && more)) throw checkpointErrorOf(error, source.name, 'header', 0);
    }
  }
}

/** A storage and its length in elements, which stands before its bytes. */
interface Counted {
  readonly storage: Storage;
  readonly numel: number;
}

function parseHeader(
  file: string,
  bytes: Uint8Array,
  find: FindStorage,
  options: OpenOptions,
): { root: PickleValue; keys: PickleValue; end: number } {
  const context = { globals: new InertGlobals(options.inertGlobals), persistentLoad: torchPersistentLoad(find) };
  let end = 0;
  const next = (): PickleValue => {
    const parsed = parsePickle(bytes, end, context);
    end = parsed.end;
    return parsed.value;
  };
  if (next() !== MAGIC) throw fault(file, 0, 'no PyTorch file: the magic number is another', DAMAGED);
  const protocol = next();
  if (protocol !== PROTOCOL) throw fault(file, 0, `another file protocol than ${PROTOCOL}`, DAMAGED);
  const system = next();
  if (system instanceof PickleDict && system.get('little_endian') === false) {
    throw fault(file, 0, 'big-endian, only little-endian files are read', 'save it again on a little-endian machine');
  }
  const root = next();
  return { root, keys: next(), end };
}

async function locateStorages(
  source: ByteSource,
  storages: ReadonlyMap<string, Counted>,
  keys: PickleValue,
  start: number,
): Promise<void> {
  const file = source.name;
  if (!Array.isArray(keys)) throw fault(file, start, 'the list of storages is missing', DAMAGED);
  const placed = new Set<string>();
  let at = start;
  for (const key of keys) {
    const entry = typeof key === 'string' ? storages.get(key) : undefined;
    if (entry === undefined || placed.has(entry.storage.id)) {
      throw fault(file, at, 'the list of storages names one that is unknown or already there', DAMAGED);
    }
    const { storage, numel } = entry;
    const count = new DataView((await readBytes(source, at, 8, `storage '${storage.id}'`)).buffer).getBigInt64(0, true);
    const position = at + 8;
    if (count !== BigInt(numel)) {
      throw fault(file, at, `storage '${storage.id}' has ${count} elements, ${numel} were wanted`, DAMAGED);
    }
    if (position + storage.byteLength > source.size) {
      throw fault(file, at, `storage '${storage.id}' of ${storage.byteLength} bytes runs past the end`, DAMAGED);
    }
    storage.locate = async () => position;
    placed.add(storage.id);
    at = position + storage.byteLength;
  }
  for (const id of storages.keys()) {
    if (!placed.has(id)) throw fault(file, start, `storage '${id}' is not in the list of storages`, DAMAGED);
  }
}

function fault(file: string, offset: number, problem: string, advice: string): CheckpointError {
  return new CheckpointError({ file, offset, problem, advice });
}
