import { dtypeOfStorage, isDType } from './dtype.js';
import { PickleFault } from './pickle-reader.js';
import { PickleDict, PickleGlobal, PickleObject, PickleSet, PickleTuple, type PickleValue } from './pickle-value.js';
import { rebuildTensor } from './torch-tensors.js';

/** What a call of a listed global stands for. */
type Meaning = (args: readonly PickleValue[], type: PickleGlobal, at: number) => PickleValue;

/** Instances without behaviour: arguments and state are kept, nothing is understood. */
const inert: Meaning = (args, type) => new PickleObject(type, args);

/** Calls whose result is plain data. */
const MEANINGS = new Map<string, Meaning>([
  ['collections.OrderedDict', (args, _, at) => dictOf(args[0], at)],
  ['collections.Counter', (args, _, at) => dictOf(args[0], at)],
  ['collections.defaultdict', (args, _, at) => dictOf(args[1], at)],
  ['collections.deque', (args, _, at) => [...itemsOf(args[0], at)]],
  ['builtins.dict', (args, _, at) => dictOf(args[0], at)],
  ['builtins.list', (args, _, at) => [...itemsOf(args[0], at)]],
  ['builtins.tuple', (args, _, at) => new PickleTuple(itemsOf(args[0], at))],
  ['builtins.set', (args, _, at) => new PickleSet([...itemsOf(args[0], at)])],
  ['builtins.frozenset', (args, _, at) => new PickleSet([...itemsOf(args[0], at)])],
  ['builtins.bytearray', (args, _, at) => bytesOf(args, at)],
  ['builtins.bytes', (args, _, at) => bytesOf(args, at)],
  ['_codecs.encode', (args, _, at) => bytesOf(args, at)],
  ['builtins.complex', inert],
  ['builtins.slice', inert],
  ['builtins.range', inert],
  ['builtins.object', inert],
  ['torch.Size', (args, _, at) => new PickleTuple(itemsOf(args[0], at))],
  ['torch.device', inert],
  ['torch.Generator', inert],
  ['torch.serialization._get_layout', inert],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTensor],
  ['torch._utils._rebuild_parameter', first],
  ['torch._utils._rebuild_parameter_with_state', first],
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['torch.nn.parameter.Parameter', first],
  ['numpy.core.multiarray.scalar', numpyScalar],
  ['numpy._core.multiarray.scalar', numpyScalar],
  ['numpy.core.multiarray._reconstruct', inert],
  ['numpy._core.multiarray._reconstruct', inert],
  ['numpy.ndarray', inert],
  ['numpy.dtype', inert],
  ['argparse.Namespace', inert],
  ['types.SimpleNamespace', inert],
  ['datetime.datetime', inert],
  ['datetime.date', inert],
  ['datetime.timedelta', inert],
  ['pathlib.Path', inert],
  ['pathlib.PurePath', inert],
  ['pathlib.PosixPath', inert],
  ['pathlib.PurePosixPath', inert],
  ['pathlib.WindowsPath', inert],
  ['pathlib.PureWindowsPath', inert],
  ['pathlib._local.PosixPath', inert],
  ['pathlib._local.WindowsPath', inert],
  // Protocols 0 and 1 write instances of classes through this: (class, base, base state).
  ['copyreg._reconstructor', (args, _, at) => instantiate(args[0] ?? null, [], at)],
]);

/** Classes that occur as values only (default factories, element types): naming them is all that is allowed. */
const NAMES = new Set([
  ...['int', 'float', 'str', 'bool', 'long', 'unicode', 'type', 'NoneType', 'Ellipsis'].map(
    (name) => `builtins.${name}`,
  ),
  ...['float16', 'float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']
    .concat(['bool_', 'bool', 'str_', 'bytes_', 'float_', 'int_', 'longdouble', 'intc', 'longlong'])
    .map((name) => `numpy.${name}`),
  'torch.Tensor',
  'torch.tensor',
  'torch._tensor.Tensor',
  'torch.complex64',
  'torch.complex128',
  'torch.strided',
  'torch.contiguous_format',
  'torch.channels_last',
  'torch.preserve_format',
  'torch.UntypedStorage',
  'torch.TypedStorage',
  'torch.storage.UntypedStorage',
  'torch.storage._UntypedStorage',
  'torch.storage.TypedStorage',
  'torch.storage._LegacyStorage',
]);

/**
 * Packages whose classes a training run of this family leaves in its checkpoints (callbacks as keys, hyper-parameters,
 * optimizers and schedulers as objects). Their instances are inert, whatever they are called.
 */
const PACKAGES = [
  'pytorch_lightning',
  'lightning',
  'lightning_fabric',
  'lightning_utilities',
  'lightning_lite',
  'torchmetrics',
  'omegaconf',
  'torch.nn',
  'torch.optim',
  'torchvision',
  'numpy.dtypes',
  'typing',
  'ldm',
  'taming',
  'main',
  '__main__',
];

/** Python 2 names of protocol 0 to 2. */
const RENAMED = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
]);

/** Longest dotted path. */
const MAX_NAME = 1000;

/**
 * The list of names a pickle may mention. Nothing is run either way: what the list does is to let ordinary training
 * checkpoints pass, with the classes they mention, and to make a file that means to run something fail by name.
 */
export class InertGlobals {
  private readonly seen = new Map<string, PickleGlobal>();
  private readonly packages: readonly string[];
  private readonly exact: ReadonlySet<string>;

  /** @param extra further names to hold inert: a dotted path, or a package with `.*` at its end */
  constructor(extra: readonly string[] = []) {
    const packages = extra.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -2));
    this.packages = [...PACKAGES, ...packages];
    this.exact = new Set(extra);
  }

  /** One object per name, so that classes can be dictionary keys. @throws PickleFault naming a global not listed */
  resolve(module: string, name: string, at: number): PickleGlobal {
    if (module.length + name.length > MAX_NAME) {
      throw new PickleFault(`the pickle refers to a name of ${module.length + name.length} characters`, at);
    }
    const home = RENAMED.get(module) ?? module;
    const path = `${home}.${name}`;
    const known = this.seen.get(path);
    if (known) return known;
    if (!this.allows(home, name, path)) {
      throw new PickleFault(
        `the pickle refers to ${path}, which is not in the list of inert globals`,
        at,
        'do not load this file in Python if you do not trust it; if the name is harmless, list it in inertGlobals (--allow-global)',
        path,
      );
    }
    const global = new PickleGlobal(home, name);
    this.seen.set(path, global);
    return global;
  }

  private allows(module: string, name: string, path: string): boolean {
    if (MEANINGS.has(path) || NAMES.has(path) || this.exact.has(path)) return true;
    if (module === 'torch' || module === 'torch.cuda') {
      if (dtypeOfStorage(name) !== undefined || isDType(name)) return true;
    }
    return this.packages.some((prefix) => module === prefix || module.startsWith(`${prefix}.`));
  }
}

/**
 * What a call recorded in a pickle means as data.
 * @throws PickleFault if the callee is no global, or the arguments do not fit
 */
export function instantiate(type: PickleValue, args: readonly PickleValue[], at: number): PickleValue {
  if (!(type instanceof PickleGlobal)) throw new PickleFault('something other than a global is called', at);
  const meaning = MEANINGS.get(type.path);
  if (meaning) return meaning(args, type, at);
  if (NAMES.has(type.path)) {
    // Calls of plain types carry their value: int(3), str('x').
    if (args.length === 1 && type.module === 'builtins') return args[0]!;
  }
  return inert(args, type, at);
}

function first(args: readonly PickleValue[], type: PickleGlobal, at: number): PickleValue {
  const value = args[0];
  if (value === undefined) throw new PickleFault(`${type.path} has no argument`, at);
  return value;
}

/** (function, class, its arguments, attributes): the tensor of the function, without class and attributes. */
function rebuildFromType(args: readonly PickleValue[], type: PickleGlobal, at: number): PickleValue {
  const [rebuild, , inner] = args;
  const allowed = rebuild instanceof PickleGlobal && rebuild.path.startsWith('torch._utils._rebuild_');
  if (!allowed || !(inner instanceof PickleTuple)) throw new PickleFault(`${type.path} has unknown arguments`, at);
  return instantiate(rebuild, inner.items, at);
}

/** numpy's scalar of a dtype and its bytes; a number for the usual dtypes, else inert. */
function numpyScalar(args: readonly PickleValue[], type: PickleGlobal, at: number): PickleValue {
  const [dtype, bytes] = args;
  const name = dtype instanceof PickleObject ? dtype.args[0] : undefined;
  if (!(bytes instanceof Uint8Array) || typeof name !== 'string' || name.length > 3) return inert(args, type, at);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = `${name.replace(/^[<=|]/, '')}:${bytes.length}`;
  switch (code) {
    case 'f8:8':
      return view.getFloat64(0, true);
    case 'f4:4':
      return view.getFloat32(0, true);
    case 'i8:8':
      return Number(view.getBigInt64(0, true));
    case 'i4:4':
      return view.getInt32(0, true);
    case 'b1:1':
      return view.getUint8(0) !== 0;
    default:
      return inert(args, type, at);
  }
}

function itemsOf(value: PickleValue | undefined, at: number): readonly PickleValue[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  if (value instanceof PickleTuple || value instanceof PickleSet) return value.items;
  throw new PickleFault('a container is built from something that is no list', at);
}

function dictOf(value: PickleValue | undefined, at: number): PickleDict {
  const dict = new PickleDict();
  if (value instanceof PickleDict) {
    for (const [key, item] of value.entries) dict.entries.set(key, item);
    return dict;
  }
  for (const pair of itemsOf(value, at)) {
    const items = itemsOf(pair, at);
    const [key, item] = items;
    if (key === undefined || item === undefined || items.length !== 2) {
      throw new PickleFault('a dictionary is built from something that is no list of pairs', at);
    }
    dict.entries.set(key, item);
  }
  return dict;
}

/** bytes(...) as Python 3 writes it below protocol 3: nothing, bytes, or Latin-1 text with its encoding. */
function bytesOf(args: readonly PickleValue[], at: number): Uint8Array {
  const [value, encoding] = args;
  if (value === undefined) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string' && (encoding === undefined || encoding === 'latin1' || encoding === 'latin-1')) {
    return Uint8Array.from(value, (char) => char.charCodeAt(0));
  }
  throw new PickleFault('bytes are built from something that is neither bytes nor Latin-1 text', at);
}
