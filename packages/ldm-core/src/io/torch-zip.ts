import { type ByteSource, readBytes } from './byte-source.js';
import type { CheckpointContents, OpenOptions } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { type Crc32, crc32 } from './crc32.js';
import { checkExpansion } from './limits.js';
import { parsePickle } from './pickle.js';
import { checkpointErrorOf } from './pickle-error.js';
import { InertGlobals } from './pickle-globals.js';
import { PickleFault } from './pickle-reader.js';
import { Storage } from './stored-tensor.js';
import { weightsOf } from './tensor-tree.js';
import { type FindStorage, torchPersistentLoad } from './torch-tensors.js';
import { checksumError } from './verify-storage.js';
import { readZipDirectory, type ZipEntry, zipDataOffset } from './zip-reader.js';

/** Largest pickle read; that of a full-size checkpoint with optimizer states has about 3 MB. */
export const MAX_PICKLE = 64 * 2 ** 20;

/**
 * Read the header of a file that `torch.save` of PyTorch 1.6 or later wrote: a zip archive of `data.pkl` and one stored
 * file a storage.
 * @throws CheckpointError
 */
export async function openTorchZip(source: ByteSource, options: OpenOptions): Promise<CheckpointContents> {
  const entries = await readZipDirectory(source);
  const pickle = findPickle(source.name, entries);
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  await checkByteOrder(source, entries.get(`${folder}byteorder`));
  if (pickle.size > MAX_PICKLE) {
    throw new CheckpointError({
      file: source.name,
      key: pickle.name,
      problem: `has ${pickle.size} bytes, at most ${MAX_PICKLE} are read`,
      advice: 'save tensors as tensors, not as lists or numpy arrays',
    });
  }
  const bytes = await readBytes(source, await zipDataOffset(source, pickle), pickle.size, `'${pickle.name}'`);
  // PyTorch told to save without checksums writes zeros everywhere.
  const checksums = [...entries.values()].some((entry) => entry.crc32 !== 0);
  if (options.verify !== false && checksums) verifyPickle(source.name, pickle, bytes, options.crc32 ?? crc32);
  const find: FindStorage = (key, numel, width, at) => {
    const byteLength = numel * width;
    const entry = entries.get(`${folder}data/${key}`);
    if (entry === undefined) throw new PickleFault(`storage '${key}' is not in the archive`, at);
    if (entry.size !== byteLength) {
      throw new PickleFault(`storage '${key}' has ${entry.size} bytes in the archive, ${byteLength} were wanted`, at);
    }
    const storage = new Storage(key, byteLength, checksums ? entry.crc32 : undefined);
    storage.locate = () => zipDataOffset(source, entry);
    return storage;
  };
  try {
    const globals = new InertGlobals(options.inertGlobals);
    const { value } = parsePickle(bytes, 0, { globals, persistentLoad: torchPersistentLoad(find) });
    const tensors = weightsOf(source.name, value);
    checkExpansion(source, tensors);
    return { format: 'torch-zip', tensors, root: value, metadata: new Map() };
  } catch (error) {
    throw checkpointErrorOf(error, source.name, pickle.name, 0);
  }
}

function findPickle(file: string, entries: ReadonlyMap<string, ZipEntry>): ZipEntry {
  const found = [...entries.values()].filter(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  const [pickle] = found;
  if (pickle === undefined || found.length > 1) {
    const first = entries.keys().next().value ?? 'nothing';
    throw new CheckpointError({
      file,
      problem: `a zip archive with ${found.length} files 'data.pkl', one was wanted (it starts with '${first.slice(0, 100)}')`,
      advice: 'it is no PyTorch checkpoint; if it is an archive that contains one, unpack it',
    });
  }
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new CheckpointError({
      file,
      key: `${folder}constants.pkl`,
      problem: 'a TorchScript program, not a checkpoint',
      advice: 'save its weights with torch.save(torch.jit.load(path).state_dict(), other_path)',
    });
  }
  return pickle;
}

async function checkByteOrder(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined || entry.size > 16) return;
  const bytes = await readBytes(source, await zipDataOffset(source, entry), entry.size, `'${entry.name}'`);
  const order = new TextDecoder().decode(bytes).trim();
  if (order === 'little') return;
  throw new CheckpointError({
    file: source.name,
    key: entry.name,
    problem: `byte order '${order}', only 'little' is read`,
    advice: 'save it again on a little-endian machine',
  });
}

function verifyPickle(file: string, entry: ZipEntry, bytes: Uint8Array, checksum: Crc32): void {
  if (checksum(bytes, 0) !== entry.crc32) throw checksumError(file, entry.name, entry.name);
}
