/** Element types a checkpoint may hold; named as PyTorch names them. */
export type DType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

interface DTypeFacts {
  readonly bytes: 1 | 2 | 4 | 8;
  /** Name in a safetensors header. */
  readonly safetensors: string;
  /** Prefix of PyTorch's typed storage class, where there is one. */
  readonly storage?: string;
}

const FACTS: Readonly<Record<DType, DTypeFacts>> = {
  float64: { bytes: 8, safetensors: 'F64', storage: 'Double' },
  float32: { bytes: 4, safetensors: 'F32', storage: 'Float' },
  float16: { bytes: 2, safetensors: 'F16', storage: 'Half' },
  bfloat16: { bytes: 2, safetensors: 'BF16', storage: 'BFloat16' },
  int64: { bytes: 8, safetensors: 'I64', storage: 'Long' },
  int32: { bytes: 4, safetensors: 'I32', storage: 'Int' },
  int16: { bytes: 2, safetensors: 'I16', storage: 'Short' },
  int8: { bytes: 1, safetensors: 'I8', storage: 'Char' },
  uint64: { bytes: 8, safetensors: 'U64' },
  uint32: { bytes: 4, safetensors: 'U32' },
  uint16: { bytes: 2, safetensors: 'U16' },
  uint8: { bytes: 1, safetensors: 'U8', storage: 'Byte' },
  bool: { bytes: 1, safetensors: 'BOOL', storage: 'Bool' },
};

/** Every element type. */
export const DTYPES = Object.keys(FACTS) as readonly DType[];

const BY_SAFETENSORS = new Map(DTYPES.map((dtype) => [FACTS[dtype].safetensors, dtype]));
const BY_STORAGE = new Map(DTYPES.flatMap((dtype) => (FACTS[dtype].storage ? [[FACTS[dtype].storage, dtype]] : [])));

/** Bytes of one element. */
export function dtypeBytes(dtype: DType): DTypeFacts['bytes'] {
  return FACTS[dtype].bytes;
}

/** Whether values have a fraction, so that NaN and infinity exist. */
export function isFloating(dtype: DType): boolean {
  return dtype.includes('float');
}

/** The type a safetensors header means by `F32`, `BF16`, ...; undefined for names not supported here. */
export function dtypeOfSafetensors(name: string): DType | undefined {
  return BY_SAFETENSORS.get(name);
}

/** The name in a safetensors header. */
export function safetensorsName(dtype: DType): string {
  return FACTS[dtype].safetensors;
}

/** The type of a PyTorch storage class such as `FloatStorage`; undefined if there is none. */
export function dtypeOfStorage(className: string): DType | undefined {
  return className.endsWith('Storage') ? BY_STORAGE.get(className.slice(0, -'Storage'.length)) : undefined;
}

/** PyTorch's typed storage class, e.g. `FloatStorage`; undefined where PyTorch has only untyped storage. */
export function storageName(dtype: DType): string | undefined {
  const prefix = FACTS[dtype].storage;
  return prefix === undefined ? undefined : `${prefix}Storage`;
}

/** Whether a string (from a pickle, a flag) names an element type. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(FACTS, name);
}
