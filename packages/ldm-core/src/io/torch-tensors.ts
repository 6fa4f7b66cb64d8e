import { type DType, dtypeBytes, dtypeOfStorage, isDType } from './dtype.js';
import { PickleFault } from './pickle-reader.js';
import { PickleGlobal, PickleTuple, type PickleValue, StorageView } from './pickle-value.js';
import { MAX_RANK, type Storage, StoredTensor, viewProblem } from './stored-tensor.js';

/**
 * The tensor that a call of `torch._utils._rebuild_tensor*` records: (storage, offset, sizes, strides, ...), and in
 * version 3 also the element type of an untyped storage, at index 6.
 * @throws PickleFault if it does not fit its storage
 */
export function rebuildTensor(args: readonly PickleValue[], type: PickleGlobal, at: number): StoredTensor {
  const [view, offset, size, stride] = args;
  const shape = axes(size);
  const strides = axes(stride);
  if (!(view instanceof StorageView) || !shape?.every(isNumber) || !strides?.every(isNumber) || !isNumber(offset)) {
    throw new PickleFault(`${type.path} has unknown arguments`, at);
  }
  const dtype = type.name.endsWith('_v3') ? elementType(args[6], view.dtype, at) : view.dtype;
  const capacity = Math.floor((view.numel * dtypeBytes(view.dtype)) / dtypeBytes(dtype));
  const problem = viewProblem(shape, strides, offset, capacity);
  if (problem !== undefined) throw new PickleFault(`a tensor ${problem}`, at);
  const base = (view.offset * dtypeBytes(view.dtype)) / dtypeBytes(dtype);
  if (!Number.isInteger(base)) throw new PickleFault('a tensor starts between two elements of its storage', at);
  return new StoredTensor(dtype, shape, strides, base + offset, view.storage);
}

/** The items of a tuple that is short enough to be sizes or strides. */
function axes(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  return value instanceof PickleTuple && value.items.length <= MAX_RANK ? value.items : undefined;
}

function isNumber(value: PickleValue | undefined): value is number {
  return typeof value === 'number';
}

function elementType(value: PickleValue | undefined, fallback: DType, at: number): DType {
  if (value === undefined || value === null) return fallback;
  if (value instanceof PickleGlobal && value.module === 'torch' && isDType(value.name)) return value.name;
  throw new PickleFault('a tensor has an element type that is not supported', at);
}

/** How a format finds a storage of `numel` elements of `width` bytes. */
export type FindStorage = (key: string, numel: number, width: number, at: number) => Storage;

/**
 * Resolve persistent ids of PyTorch: ('storage', class, key, device, elements), in the legacy format with a sixth member
 * that is None or (key, offset, elements) of a view; and the legacy ('module', class, file, source), which is the class.
 */
export function torchPersistentLoad(find: FindStorage): (id: PickleValue, at: number) => PickleValue {
  const storages = new Map<string, Storage>();
  return (id, at) => {
    const items = id instanceof PickleTuple ? id.items : [];
    if (items[0] === 'module' && items[1] instanceof PickleGlobal) return items[1];
    const [tag, type, key, , numel, window] = items;
    if (tag !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string' || !isCount(numel)) {
      throw new PickleFault('a persistent id is not that of a storage', at);
    }
    const dtype = storageType(type, at);
    const byteLength = numel * dtypeBytes(dtype);
    if (!Number.isSafeInteger(byteLength)) throw new PickleFault(`storage '${key}' has ${numel} elements`, at);
    let storage = storages.get(key);
    if (storage === undefined) {
      storage = find(key, numel, dtypeBytes(dtype), at);
      storages.set(key, storage);
    } else if (storage.byteLength !== byteLength) {
      throw new PickleFault(
        `storage '${key}' has ${storage.byteLength} bytes in one place, ${byteLength} in another`,
        at,
      );
    }
    if (window instanceof PickleTuple) {
      const [, offset, length] = window.items;
      if (!isCount(offset) || !isCount(length) || offset + length > numel) {
        throw new PickleFault(`a view of storage '${key}' leaves it`, at);
      }
      return new StorageView(storage, dtype, offset, length);
    }
    return new StorageView(storage, dtype, 0, numel);
  };
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function storageType(type: PickleGlobal, at: number): DType {
  if (type.name === 'UntypedStorage' || type.name === '_UntypedStorage') return 'uint8';
  const dtype = dtypeOfStorage(type.name);
  if (dtype === undefined) throw new PickleFault(`${type.path} is not a storage type that is supported`, at);
  return dtype;
}
