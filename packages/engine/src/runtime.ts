import { type SessionSettings, sessionConfig } from './capi/config-proto.js';
import { loadNative, type Native, type NativePaths, type Pointer } from './capi/native.js';
import type { Numerics } from './capi/numerics.js';
import { type OpDef, readOpDefs } from './capi/op-defs.js';
import { Status } from './capi/status.js';
import { type Cluster, leaderConfig } from './collective/cluster.js';
import { joinCluster } from './collective/join-cluster.js';
import { chooseDevice, type Device, type DeviceChoice } from './devices.js';
import { EngineError } from './errors.js';

/** TFE_ContextDevicePlacementPolicy: copy inputs that lie on another device, without a word. */
const PLACEMENT_SILENT = 2;
/** Compiled calls that may wait in the queue before a further one blocks. */
const IN_FLIGHT_LIMIT = 16;

/** Reads that may occupy worker threads at a time: Node has four by default, which files and names need too. */
const READERS = 2;

/** What {@link openRuntime} needs to know. */
export interface RuntimeOptions {
  readonly paths: NativePaths;
  readonly settings: SessionSettings;
  readonly numerics: Numerics;
  readonly device?: string | undefined;
  /** The processes that this one works with, if any. */
  readonly cluster?: Cluster | undefined;
}

/**
 * The process's TensorFlow: the bound library, one eager context, the chosen device, and a queue on which compiled calls
 * run one after the other, off the main thread.
 */
export class Runtime {
  readonly status: Status;
  /** Live `TFE_TensorHandle`s that belong to this engine. */
  handles = 0;
  private definitions: Map<string, OpDef> | undefined;
  /** Handles in use by worker threads, and whether they are to be deleted after that. */
  private readonly reading = new Map<Pointer, { readers: number; deleted: boolean }>();
  private readers = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly queue: Pointer;
  private readonly direct: Pointer;

  constructor(
    readonly native: Native,
    readonly context: Pointer,
    readonly devices: readonly Device[],
    readonly choice: DeviceChoice,
  ) {
    this.status = new Status(native);
    this.direct = native.TFE_ContextGetExecutorForThread!(context) as Pointer;
    this.queue = native.TFE_NewExecutor!(true, false, IN_FLIGHT_LIMIT) as Pointer;
  }

  get version(): string {
    return this.native.TF_Version!() as string;
  }

  get onGpu(): boolean {
    return this.choice.device.type === 'GPU';
  }

  /** Device to name on each operation; null if there is only one anyway. */
  get explicitDevice(): string | null {
    return this.devices.length > 1 ? this.choice.device.name : null;
  }

  get opDefs(): ReadonlyMap<string, OpDef> {
    this.definitions ??= readOpDefs(this.native);
    return this.definitions;
  }

  /** Run `enqueue` so that the operations it executes are queued instead of run at once. */
  queued<T>(enqueue: () => T): T {
    this.native.TFE_ContextSetExecutorForThread!(this.context, this.queue);
    try {
      return enqueue();
    } finally {
      this.native.TFE_ContextSetExecutorForThread!(this.context, this.direct);
    }
  }

  /** Block until every queued call is done. Failures show where their results are read. */
  drain(): void {
    this.native.TFE_ExecutorWaitForAllPendingNodes!(this.queue, this.status.pointer);
    this.clearQueueError();
  }

  /** Let the queue go on after a failed call; what depends on its results stays poisoned. */
  clearQueueError(): void {
    this.native.TFE_ExecutorClearError!(this.queue);
  }

  deleteHandle(handle: Pointer): void {
    this.handles--;
    const reading = this.reading.get(handle);
    if (reading === undefined) this.native.TFE_DeleteTensorHandle!(handle);
    else reading.deleted = true;
  }

  /** Wait for a handle's value on a worker thread, a few handles at a time. @returns a tensor that the caller owns */
  async resolveOnWorker(handle: Pointer, status: Pointer): Promise<Pointer> {
    if (this.readers >= READERS) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.readers++;
    try {
      return await new Promise<Pointer>((resolve, reject) =>
        this.native.TFE_TensorHandleResolve!.async(handle, status, (error: unknown, tensor: Pointer) =>
          error ? reject(error) : resolve(tensor),
        ),
      );
    } finally {
      // The place goes to the next in line, if there is one.
      const next = this.waiting.shift();
      if (next === undefined) this.readers--;
      else next();
    }
  }

  /** Keep a handle while a worker thread uses it: its tensor may be disposed, or a step may replace it, in the meantime. */
  async whileReading<T>(handle: Pointer, read: () => Promise<T>): Promise<T> {
    const entry = this.reading.get(handle) ?? { readers: 0, deleted: false };
    entry.readers++;
    this.reading.set(handle, entry);
    try {
      return await read();
    } finally {
      if (--entry.readers === 0) {
        this.reading.delete(handle);
        if (entry.deleted) this.native.TFE_DeleteTensorHandle!(handle);
      }
    }
  }
}

/** Load libtensorflow and open its context. @throws EngineError if the library or the device does not serve */
export function openRuntime({ paths, settings, numerics, device, cluster }: RuntimeOptions): Runtime {
  const native = loadNative(paths, numerics);
  const status = new Status(native);
  const options = native.TFE_NewContextOptions!() as Pointer;
  const config = sessionConfig(cluster ? { ...settings, more: leaderConfig() } : settings);
  native.TFE_ContextOptionsSetConfig!(options, config, config.length, status.pointer);
  status.check({ op: 'useEngine' });
  native.TFE_ContextOptionsSetDevicePlacementPolicy!(options, PLACEMENT_SILENT);
  const context = native.TFE_NewContext!(options, status.pointer) as Pointer;
  status.check({ op: 'useEngine' });
  native.TFE_DeleteContextOptions!(options);
  try {
    // Before anything else: it gives the devices the names they have in the cluster.
    if (cluster) joinCluster(native, context, cluster, config, status);
    const devices = listDevices(native, context, status);
    return new Runtime(native, context, devices, chooseDevice(devices, device));
  } catch (error) {
    native.TFE_DeleteContext!(context);
    throw error;
  } finally {
    status.dispose();
  }
}

function listDevices(native: Native, context: Pointer, status: Status): Device[] {
  const list = native.TFE_ContextListDevices!(context, status.pointer) as Pointer;
  status.check({ op: 'useEngine' });
  const devices = Array.from({ length: native.TF_DeviceListCount!(list) as number }, (_, i) => ({
    name: native.TF_DeviceListName!(list, i, status.pointer) as string,
    type: native.TF_DeviceListType!(list, i, status.pointer) as string,
    memoryBytes: Number(native.TF_DeviceListMemoryBytes!(list, i, status.pointer)),
  }));
  native.TF_DeleteDeviceList!(list);
  if (devices.length === 0)
    throw new EngineError('useEngine: libtensorflow lists no device at all', { code: 'internal' });
  return devices;
}
