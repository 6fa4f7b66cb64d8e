import koffi from 'koffi';
import { type Numerics, setNumerics } from './numerics.js';
import { pin } from './pin.js';
import { loadQuietly } from './quiet.js';

/** A C pointer. koffi hands every `void *` out as a bigint; null pointers as null. */
export type Pointer = bigint;

/** One output of one graph operation (`TF_Output`). */
export interface GraphOutput {
  oper: Pointer;
  index: number;
}

/** Where the two shared objects of libtensorflow lie. */
export interface NativePaths {
  framework: string;
  cc: string;
}

// Declared once a process: koffi type names are global.
koffi.struct('TF_Output', { oper: 'void *', index: 'int' });
const TF_Buffer = koffi.struct('TF_Buffer', { data: 'void *', length: 'size_t', deallocator: 'void *' });

const SIGNATURES = `
const char *TF_Version()
void *TF_NewStatus()
void TF_DeleteStatus(void *s)
int TF_GetCode(void *s)
const char *TF_Message(void *s)
void TF_SetStatus(void *s, int code, const char *message)

void *TFE_NewContextOptions()
void TFE_ContextOptionsSetConfig(void *o, const void *proto, size_t n, void *s)
void TFE_ContextOptionsSetDevicePlacementPolicy(void *o, int policy)
void TFE_DeleteContextOptions(void *o)
void *TFE_NewContext(void *o, void *s)
void TFE_DeleteContext(void *ctx)
void TFE_EnableCollectiveOps(void *ctx, const void *serverDef, size_t n, void *s)
void TFE_AbortCollectiveOps(void *ctx, void *s)
void *TFE_ContextListDevices(void *ctx, void *s)
int TF_DeviceListCount(void *list)
const char *TF_DeviceListName(void *list, int i, void *s)
const char *TF_DeviceListType(void *list, int i, void *s)
int64 TF_DeviceListMemoryBytes(void *list, int i, void *s)
void TF_DeleteDeviceList(void *list)
void TFE_ContextAddFunction(void *ctx, void *fn, void *s)
void TFE_ContextRemoveFunction(void *ctx, const char *name, void *s)
void *TFE_NewExecutor(bool async, bool streaming, int inFlightLimit)
void TFE_ContextSetExecutorForThread(void *ctx, void *executor)
void *TFE_ContextGetExecutorForThread(void *ctx)
void TFE_ExecutorWaitForAllPendingNodes(void *executor, void *s)
void TFE_ExecutorClearError(void *executor)

void *TFE_NewOp(void *ctx, const char *name, void *s)
void TFE_DeleteOp(void *op)
void TFE_OpSetDevice(void *op, const char *device, void *s)
void TFE_OpAddInput(void *op, void *h, void *s)
void TFE_OpAddInputList(void *op, const void *handles, int n, void *s)
void TFE_OpSetAttrString(void *op, const char *n, const void *v, size_t len)
void TFE_OpSetAttrInt(void *op, const char *n, int64 v)
void TFE_OpSetAttrFloat(void *op, const char *n, float v)
void TFE_OpSetAttrBool(void *op, const char *n, uint8 v)
void TFE_OpSetAttrType(void *op, const char *n, int v)
void TFE_OpSetAttrShape(void *op, const char *n, const int64 *dims, int nd, void *s)
void TFE_OpSetAttrIntList(void *op, const char *n, const int64 *v, int k)
void TFE_OpSetAttrFloatList(void *op, const char *n, const float *v, int k)
void TFE_OpSetAttrTypeList(void *op, const char *n, const int *v, int k)
void TFE_Execute(void *op, _Inout_ void **ret, _Inout_ int *n, void *s)
void TFE_DeleteTensorHandle(void *h)
int TFE_TensorHandleDataType(void *h)
int TFE_TensorHandleNumDims(void *h, void *s)
int64 TFE_TensorHandleDim(void *h, int i, void *s)
const char *TFE_TensorHandleBackingDeviceName(void *h, void *s)
void *TFE_TensorHandleResolve(void *h, void *s)
void *TFE_TensorHandleCopyToDevice(void *h, void *ctx, const char *device, void *s)
void *TFE_NewTensorHandle(void *t, void *s)

void *TF_AllocateTensor(int dt, const int64 *dims, int nd, size_t len)
void *TF_TensorData(void *t)
size_t TF_TensorByteSize(void *t)
void TF_DeleteTensor(void *t)
void TF_StringInit(void *t)
void TF_StringCopy(void *dst, const void *src, size_t n)
size_t TF_StringGetSize(void *t)
void *TF_StringGetDataPointer(void *t)

void *TF_NewGraph()
void TF_DeleteGraph(void *g)
void *TF_NewOperation(void *g, const char *op, const char *name)
void TF_SetAttrString(void *d, const char *n, const void *v, size_t len)
void TF_SetAttrStringList(void *d, const char *n, const char **v, const size_t *len, int k)
void TF_SetAttrInt(void *d, const char *n, int64 v)
void TF_SetAttrFloat(void *d, const char *n, float v)
void TF_SetAttrBool(void *d, const char *n, uint8 v)
void TF_SetAttrType(void *d, const char *n, int v)
void TF_SetAttrShape(void *d, const char *n, const int64 *dims, int nd)
void TF_SetAttrIntList(void *d, const char *n, const int64 *v, int k)
void TF_SetAttrFloatList(void *d, const char *n, const float *v, int k)
void TF_SetAttrTypeList(void *d, const char *n, const int *v, int k)
void TF_SetAttrFuncName(void *d, const char *n, const char *v, size_t len)
void TF_SetAttrTensor(void *d, const char *n, void *t, void *s)
void TF_AddInput(void *d, TF_Output o)
void TF_AddInputList(void *d, const TF_Output *o, int n)
void TF_AddControlInput(void *d, void *op)
void *TF_FinishOperation(void *d, void *s)
int TF_GraphGetTensorNumDims(void *g, TF_Output o, void *s)
void TF_GraphGetTensorShape(void *g, TF_Output o, _Out_ int64 *dims, int nd, void *s)
void TF_GraphSetTensorShape(void *g, TF_Output o, const int64 *dims, int nd, void *s)
int TF_OperationOutputType(TF_Output o)
void *TF_GraphToFunctionWithControlOutputs(void *g, const char *name, uint8 hash, int nop, const void *opers, int nin, const TF_Output *ins, int nout, const TF_Output *outs, const void *names, int nctl, void **ctl, const char **ctlnames, const void *opts, const char *desc, void *s)
void TF_FunctionSetAttrValueProto(void *fn, const char *n, const void *proto, size_t len, void *s)
void TF_GraphCopyFunction(void *g, const void *fn, const void *grad, void *s)
void TF_DeleteFunction(void *fn)
void *TF_NewSessionOptions()
void TF_SetConfig(void *o, const void *proto, size_t n, void *s)
void TF_DeleteSessionOptions(void *o)
void *TF_NewSession(void *g, void *o, void *s)
void TF_SessionRun(void *session, const void *runOptions, const TF_Output *ins, void **values, int nin, const TF_Output *outs, _Out_ void **results, int nout, void **targets, int ntargets, void *metadata, void *s)
void TF_CloseSession(void *session, void *s)
void TF_DeleteSession(void *session, void *s)
void *TF_NewBuffer()
void *TF_NewBufferFromString(const void *bytes, size_t n)
void *TF_GetAllOpList()
void TF_DeleteBuffer(void *b)
`;

/** A bound C function; `async` runs it on a worker thread. */
// biome-ignore lint/suspicious/noExplicitAny: a foreign function takes whatever its C signature says
export type NativeFunction = ((...args: any[]) => any) & { async: (...args: any[]) => void };

/** The C API, function by function. */
export type Native = Readonly<Record<string, NativeFunction>>;

/**
 * Open libtensorflow and bind the C API. The framework library goes first: the other one needs its symbols.
 * @throws Error from the loader if a file is missing or is no library for this machine.
 */
export function loadNative(paths: NativePaths, numerics: Numerics): Native {
  const framework = loadQuietly(() => koffi.load(paths.framework, { global: true }));
  const cc = paths.cc === paths.framework ? framework : koffi.load(paths.cc, { global: true });
  setNumerics(framework, numerics);
  pin(paths.framework);
  pin(paths.cc);
  const native: Record<string, NativeFunction> = {};
  for (const line of SIGNATURES.split('\n')) {
    const name = /(\w+)\s*\(/.exec(line)?.[1];
    if (name === undefined) continue;
    try {
      native[name] = cc.func(line) as NativeFunction;
    } catch {
      native[name] = framework.func(line) as NativeFunction;
    }
  }
  return native;
}

/** Most bytes that koffi copies at once; a text encoder's embedding table alone is larger. */
const PIECE = 2 ** 26;

/** Copy `bytes` to native memory at `address`. */
export function writeMemory(address: Pointer, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    koffi.encode(address, at, koffi.array('uint8', piece.byteLength), piece);
  }
}

/** Copy `length` bytes of native memory into a fresh buffer. */
export function readMemory(address: Pointer, length: number): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(0);
  const piece = (at: number): Uint8Array<ArrayBuffer> =>
    koffi.decode(address, at, koffi.array('uint8', Math.min(PIECE, length - at), 'Typed'));
  if (length <= PIECE) return piece(0);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += PIECE) bytes.set(piece(at), at);
  return bytes;
}

/** The bytes of a `TF_Buffer`. */
export function readBuffer(buffer: Pointer): Uint8Array {
  const { data, length } = koffi.decode(buffer, TF_Buffer) as { data: Pointer; length: number | bigint };
  return readMemory(data, Number(length));
}
